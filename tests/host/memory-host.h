/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A Windows in memory for the helper's core: the PortProxy table, the ledger's storage, keys,
 * random numbers and a clock, behind ControllerHost. Used by the unit tests and by the test host.
 *
 * It keeps apart what is on disk and what a power cut may still lose (operations since the last
 * flush; ledger and rules are different files there), and can let any call fail.
 */

#include "tests/host/text-map.h"
#include "windows-helper/core/controller/controller.h"

typedef enum MemoryCall {
        MEMORY_RULES_READ,
        MEMORY_RULE_GET,
        MEMORY_RULE_SET,
        MEMORY_RULE_DELETE,
        MEMORY_RULES_FLUSH,
        MEMORY_LEDGER_LOAD,
        MEMORY_LEDGER_PUT,
        MEMORY_LEDGER_REMOVE,
        MEMORY_LEDGER_FLUSH,
        MEMORY_ACTIVATE,
        _MEMORY_CALL_END,
} MemoryCall;

typedef struct MemoryHost MemoryHost;

struct MemoryHost {
        /* state */
        TextMap rules;           /* "v4tov4 0.0.0.0/80" → "172.20.0.2/80" */
        TextMap ledger;          /* "0.0.0.0/80" → "owner|service|current|next" */
        TextMap unflushed;       /* key in 'ledger' → "+data" or "-" as it is on disk */
        TextMap rules_unflushed; /* the same of 'rules' */
        TextMap agents;          /* owner → "VM id" */
        TextMap adoptions;       /* "v4tov4 0.0.0.0/80" → data */
        FirewallRules firewall;  /* as wanted last */
        uint64_t n_firewall;     /* how often it was told */
        bool iphlpsvc_behind;    /* a value changed since the last activation */
        uint64_t calls[_MEMORY_CALL_END];
        uint64_t now_usec;
        uint64_t random;    /* seed and state */
        const uint8_t *key; /* of every owner; NULL: nobody is paired */
        /* The table of listeners: that of iphlpsvc (process 7) is what the values say, but for
         * these. Without 'listeners' nothing can be known (-ENOSYS). */
        bool listeners;
        bool iphlpsvc_slow;     /* it does not listen to anything yet */
        uint16_t taken_port;    /* 0.0.0.0 at this one belongs to process 99, "python.exe" */
        uint16_t excluded[2];   /* first and last of a reserved range; 0: none */
        const char *no_address; /* an address that the host does not have now */

        /* hooks, all optional */
        void *userdata;
        int (*fault)(MemoryHost *m, MemoryCall call); /* < 0: the call fails with it, no effect */
        void (*changing)(MemoryHost *m, const char *rule, const char *data); /* NULL: deletes */
        void (*stored)(MemoryHost *m, char kind, const char *key, const char *data);
        void (*log)(MemoryHost *m, LogLevel level, EventId event, const char *text);
};

/* Empty, at second 1000 of its clock. */
void memory_host_init(MemoryHost *m);
void memory_host_done(MemoryHost *m);

/* Fill in all functions but send and close, with @m as userdata. */
void memory_host_fill(MemoryHost *m, ControllerHost *ret_host);

/* Its part for what is not in the registry: listeners, firewall, and records of agents. */
void memory_tables_fill(ControllerHost *host);

/* HMAC-SHA256 by libsodium. */
int memory_host_mac(const uint8_t *key, const uint8_t *data, size_t n, uint8_t *ret_mac);

uint64_t memory_host_random(MemoryHost *m);

/* What others do to the table: set, or delete with @data NULL. */
void memory_host_foreign(MemoryHost *m, RuleFamily family, const char *name, const char *data);
const char *memory_host_rule(const MemoryHost *m, RuleFamily family, const char *name);

/* Power was cut: each value with operations not flushed is, by chance, as it was on disk. */
void memory_host_power_cut(MemoryHost *m);

/* A stored line of the 'stored' hook's form, read back. Return: 0 or -EINVAL. */
int memory_host_restore(MemoryHost *m, char kind, const char *key, const char *data);
