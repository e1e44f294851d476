/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the Windows administrator allows. Pure: values in, verdict out. Reading it from the registry
 * is a shell's work.
 */

#include "protocol/wire/wire.h"

#define POLICY_PORT_RANGES_MAX  64
#define POLICY_LISTEN_MAX       32
#define POLICY_SERVICES_DEFAULT 16384

/* Names of the policy values, as in the registry, and as refusals cite them. */
#define POLICY_NAME_ALLOWED_PORTS     "AllowedListenPorts"
#define POLICY_NAME_DENIED_PORTS      "DeniedListenPorts"
#define POLICY_NAME_ALLOWED_LISTEN    "AllowedListenAddresses"
#define POLICY_NAME_ALLOWED_PROFILES  "AllowedProfiles"
#define POLICY_NAME_WIDEST_REMOTE     "WidestRemote"
#define POLICY_NAME_MAX_SERVICES      "MaxServicesPerAgent"
#define POLICY_NAME_PAIRING_REQUIRED  "PairingRequired"
#define POLICY_NAME_PRIVILEGED_SOURCE "RequirePrivilegedSourcePort"

typedef struct PolicyPorts {
        uint16_t first, last;
} PolicyPorts;

typedef struct Policy {
        PolicyPorts allowed_ports[POLICY_PORT_RANGES_MAX]; /* n = 0: all */
        size_t n_allowed_ports;
        PolicyPorts denied_ports[POLICY_PORT_RANGES_MAX];
        size_t n_denied_ports;
        WirePrefix allowed_listen[POLICY_LISTEN_MAX]; /* n = 0: all */
        size_t n_allowed_listen;
        uint8_t allowed_profiles; /* WIRE_PROFILE_* */
        uint8_t widest_remote;    /* WireRemote: LOCAL_SUBNET, or ANY = no bound */
        uint32_t max_services;    /* per agent */
        bool pairing_required;
        bool privileged_source; /* the peer's port must be below CONTROLLER_PRIVILEGED_PORTS */
        /* A value that cannot be read closes what it would have bounded, instead of opening it. */
        bool allowed_closed, denied_closed, listen_closed;
} Policy;

/* Do two mean the same? Lists in another order don't. */
bool policy_equal(const Policy *a, const Policy *b);

/* Defaults of design section 4: all ports but Windows' own 135, 139, 445, 3389, 5985, 5986; all
 * listen addresses; profiles domain and private; remote LocalSubnet; pairing required. */
void policy_init(Policy *p);

typedef enum PolicyType {
        POLICY_LIST,    /* REG_MULTI_SZ, or REG_SZ with commas */
        POLICY_TEXT,    /* REG_SZ */
        POLICY_NUMBER,  /* REG_DWORD */
        POLICY_BOOLEAN, /* REG_DWORD 0 or 1 */
} PolicyType;

typedef struct PolicyDefinition {
        const char *name;
        PolicyType type;
        const char *about; /* one line: what it bounds, and its default */
} PolicyDefinition;

/* All values there are; windows-helper/admx/wslbridge.admx must have the same. */
#define POLICY_DEFINITIONS 8
extern const PolicyDefinition policy_definitions[POLICY_DEFINITIONS];

/* The index of a definition; names are matched without regard to case, as the registry does.
 * Return: or -ENOENT. */
int policy_find(const char *name);

typedef enum PolicySource { /* where a value in force comes from */
                            POLICY_FROM_DEFAULT,
                            POLICY_FROM_LOCAL,   /* SOFTWARE\wslbridge\Policy */
                            POLICY_FROM_MANAGED, /* SOFTWARE\Policies\wslbridge */
} PolicySource;

const char *policy_source_name(PolicySource source); /* "default", "local", "Group Policy" */

#define POLICY_PROBLEMS_MAX 16

/* How a policy came about. */
typedef struct PolicyOrigin {
        PolicySource sources[POLICY_DEFINITIONS];
        char problems[POLICY_PROBLEMS_MAX][WIRE_TEXT_MAX + 1]; /* each names key and value */
        size_t n_problems;
} PolicyOrigin;

bool policy_origin_equal(const PolicyOrigin *a, const PolicyOrigin *b);

/* What is in force for the definition @index, for people: "all", "2222, 8000-8010", "1". Cut when
 * it does not fit. */
#define POLICY_VALUE_TEXT_MAX 1024
void policy_value_text(const Policy *p, size_t index, char ret_text[POLICY_VALUE_TEXT_MAX]);

typedef enum PolicyKind {                    /* what a registry value is */
                          POLICY_IS_STRING,  /* REG_SZ or REG_EXPAND_SZ (not expanded) */
                          POLICY_IS_STRINGS, /* REG_MULTI_SZ, its strings joined by '\n' */
                          POLICY_IS_NUMBER,  /* REG_DWORD */
                          POLICY_IS_OTHER,
} PolicyKind;

/**
 * policy_set() - take over one registry value
 * @text: for the string kinds; UTF-8
 *
 * Names are matched as by policy_find(). A value of the wrong kind or content closes what it bounds
 * (no port is allowed, pairing is required …).
 *
 * Return: 0; -ENOENT when there is no such policy value; -EINVAL. On failure @ret_problem is a
 * sentence that names the value, what it has and what it may have.
 */
int policy_set(Policy *p, const char *name, PolicyKind kind, const char *text, uint32_t number,
               char ret_problem[WIRE_TEXT_MAX + 1]);

typedef struct PolicyVerdict {
        WireReason reason; /* NONE: allowed */
        char text[WIRE_TEXT_MAX + 1];
} PolicyVerdict;

/* Judge one service of @state; @index counts services from 0 (for max_services). The text names
 * the policy value that refused. */
void policy_check(const Policy *p, const WireState *state, uint32_t index,
                  PolicyVerdict *ret_verdict);
