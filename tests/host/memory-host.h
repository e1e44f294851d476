/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A Windows in memory for the helper's core: it implements ControllerHost with the tables of
 * PortProxy and the relay, the storage of the ledger, keys, random numbers and a clock. The unit
 * tests and the test host use it.
 *
 * It distinguishes what is on disk from what a power cut may still lose (the changes since the last
 * flush; on Windows, ledger and rules are in different files). It can make any call fail.
 */

#include "tests/host/text-map.h"
#include "windows-helper/core/controller/controller.h"

typedef enum MemoryCall {
        MEMORY_RULES_READ,
        MEMORY_RULES_STAMP,
        MEMORY_RULE_GET,
        MEMORY_RULE_SET,
        MEMORY_RULE_DELETE,
        MEMORY_RULES_FLUSH,
        MEMORY_LEDGER_LOAD,
        MEMORY_LEDGER_PUT,
        MEMORY_LEDGER_REMOVE,
        MEMORY_LEDGER_FLUSH,
        MEMORY_ACTIVATE,
        MEMORY_LISTENING_READ, /* only counted: .fault does not see it */
        _MEMORY_CALL_END,
} MemoryCall;

typedef struct MemoryHost MemoryHost;

struct MemoryHost {
        /* state */
        TextMap rules;              /* "v4tov4 0.0.0.0/80" → "172.20.0.2/80" */
        TextMap ledger;             /* "0.0.0.0/80" → "owner|service|current|next" */
        TextMap unflushed;          /* key in .ledger → what is on disk: "+data" or "-" */
        TextMap rules_unflushed[2]; /* the same for .rules: of PortProxy, of the relay */
        TextMap guests;             /* owner → "VM id" */
        TextMap adoptions;          /* "v4tov4 0.0.0.0/80" → data */
        FirewallRules firewall;     /* the rules wanted last */
        uint64_t n_firewall;        /* how often the controller asked for rules */
        RuleStamp stamp;
        uint64_t n_written;   /* changes of values so far, by anybody */
        bool coarse;          /* the times in .stamp are those of the clock, in seconds */
        bool iphlpsvc_behind; /* a value of PortProxy changed since the last activation */
        bool relay_runs;      /* the controller wants it to */
        uint64_t calls[_MEMORY_CALL_END];
        uint64_t now_usec;
        uint64_t random;    /* seed and state */
        TextMap keys;       /* owner → key in hex digits: who is paired */
        const uint8_t *key; /* the key of every other owner; NULL: they are not paired */
        int key_error;      /* no key can be read */
        /* The table of listening sockets. iphlpsvc (process 7) and the relay, while it is wanted,
         * listen where their values say, except for what follows. Without .listeners nothing can be
         * known (-ENOSYS). */
        bool listeners;
        bool iphlpsvc_slow;   /* it does not listen to anything yet */
        bool relay_slow;      /* the same for the relay (process 8) */
        uint16_t taken_port;  /* process 99 listens on 0.0.0.0 at this port … */
        bool taken_udp;       /* … of UDP */
        const char *taken_by; /* its program; NULL: "python.exe" */
        IpEndpoint wsl;       /* dllhost.exe (process 98) listens there for a guest; port 0: not */
        uint16_t excluded[2]; /* first and last port of a reserved range; 0: none */
        const char *no_address; /* an address that the host does not have now */
        uint64_t look_usec;     /* how long it takes to read the table … */
        uint64_t write_usec;    /* … and to set or delete a value */
        int look_error;         /* it cannot be read now */

        int adoptions_error; /* these cannot be read */
        int64_t clock_usec;  /* the clock for measuring is ahead of that of deadlines by this */

        /* hooks, all optional */
        void *userdata;
        int (*fault)(MemoryHost *m,
                     MemoryCall call); /* < 0: the call fails with it and has no effect */
        void (*changing)(MemoryHost *m, const char *rule, const char *data); /* NULL: deleted */
        void (*stored)(MemoryHost *m, char kind, const char *key, const char *data);
        void (*log)(MemoryHost *m, LogLevel level, EventId event, const char *text);
};

/* Start empty, at second 1000 of the clock. */
void memory_host_init(MemoryHost *m);
void memory_host_done(MemoryHost *m);

/* Fill in all functions except those of ConnectionHost, with @m as userdata. */
void memory_host_fill(MemoryHost *m, ControllerHost *ret_host);

/* The part for what is not in the registry: listening sockets, firewall and records of guests.
 * memory_host_fill() calls it. */
void memory_tables_fill(ControllerHost *host);

/* HMAC-SHA256 from libsodium. */
int memory_host_mac(const uint8_t *key, const uint8_t *data, size_t n, uint8_t *ret_mac);

uint64_t memory_host_random(MemoryHost *m);

/* Take a key of .rules apart. Return: the name, or NULL when it has no family. */
const char *memory_host_split(const char *key, RuleFamily *ret_family);

/* Somebody else changes the table: sets a value, or deletes it when @data is NULL. */
void memory_host_foreign(MemoryHost *m, RuleFamily family, const char *name, const char *data);
const char *memory_host_rule(const MemoryHost *m, RuleFamily family, const char *name);

/* Power is cut: by chance, each value that was not flushed is as on disk or as written last. */
void memory_host_power_cut(MemoryHost *m);

/* Read back what the .stored hook was called with. Return: 0 or -EINVAL. */
int memory_host_restore(MemoryHost *m, char kind, const char *key, const char *data);
