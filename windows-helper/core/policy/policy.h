/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the Windows administrator allows: values in, verdict out.
 * windows-helper/store/policy-store.c reads the values from the registry.
 */

#include "protocol/wire/wire.h"

#define POLICY_PORT_RANGES_MAX   64
#define POLICY_LISTEN_MAX        32
#define POLICY_ENDPOINTS_DEFAULT 1024 /* WIRE_ENDPOINTS_MAX at most */

/* The names of the policy values, in the registry and in refusals. */
#define POLICY_NAME_ALLOWED_PORTS     "AllowedListenPorts"
#define POLICY_NAME_DENIED_PORTS      "DeniedListenPorts"
#define POLICY_NAME_ALLOWED_LISTEN    "AllowedListenAddresses"
#define POLICY_NAME_ALLOWED_PROFILES  "AllowedProfiles"
#define POLICY_NAME_WIDEST_REMOTE     "WidestRemote"
#define POLICY_NAME_ALLOWED_PROTOCOLS "AllowedProtocols"
#define POLICY_NAME_ALLOW_RELAY       "AllowRelay"
#define POLICY_NAME_MAX_ENDPOINTS     "MaxEndpointsPerAgent"
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
        uint8_t allowed_profiles;  /* WIRE_PROFILE_* */
        uint8_t widest_remote;     /* WireRemote: LOCAL_SUBNET; or ANY, which does not limit it */
        uint8_t allowed_protocols; /* 1 << WIRE_PROTOCOL_* */
        bool allow_relay;          /* services that need wslbridge's own forwarder */
        uint32_t max_endpoints;    /* per agent; a range of 11 ports counts 11 */
        bool pairing_required;
        bool privileged_source; /* the peer's port must be below CONTROLLER_PRIVILEGED_PORTS */
        /* A value that cannot be read denies everything that it governs, instead of allowing it. */
        bool allowed_closed, denied_closed, listen_closed;
} Policy;

/* True when both have the same values, with lists in the same order. */
bool policy_equal(const Policy *a, const Policy *b);

/* Set the defaults: all ports but Windows' own 135, 139, 445, 3389, 5985, 5986; all listen
 * addresses; profiles domain and private; remote LocalSubnet; both protocols; the relay; pairing
 * required.
 */
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
        const char *about; /* one line: what it governs, and its default */
} PolicyDefinition;

/* All policy values. windows-helper/admx/wslbridge.admx must have the same. */
#define POLICY_DEFINITIONS 10
extern const PolicyDefinition policy_definitions[POLICY_DEFINITIONS];

/* Find a definition by its name. Upper and lower case are the same, as in the registry. Return: its
 * index, or -ENOENT. */
int policy_find(const char *name);

typedef enum PolicySource { /* where a value in force comes from */
                            POLICY_FROM_DEFAULT,
                            POLICY_FROM_LOCAL,   /* SOFTWARE\wslbridge\Policy */
                            POLICY_FROM_MANAGED, /* SOFTWARE\Policies\wslbridge */
} PolicySource;

const char *policy_source_name(PolicySource source); /* "default", "local", "Group Policy" */

#define POLICY_PROBLEMS_MAX 16

/* Where the values of a policy come from, and what was wrong with them. */
typedef struct PolicyOrigin {
        PolicySource sources[POLICY_DEFINITIONS];
        char problems[POLICY_PROBLEMS_MAX]
                     [WIRE_TEXT_MAX + 1]; /* each names the key and the value */
        size_t n_problems;
} PolicyOrigin;

/* True when both have the same sources and the same problems. */
bool policy_origin_equal(const PolicyOrigin *a, const PolicyOrigin *b);

/* The value in force for the definition @index, for people: "all", "2222, 8000-8010", "1". It is
 * cut when it does not fit. */
#define POLICY_VALUE_TEXT_MAX 1024
void policy_value_text(const Policy *p, size_t index, char ret_text[POLICY_VALUE_TEXT_MAX]);

typedef enum PolicyKind {                    /* the type of a registry value */
                          POLICY_IS_STRING,  /* REG_SZ or REG_EXPAND_SZ (not expanded) */
                          POLICY_IS_STRINGS, /* REG_MULTI_SZ, its strings joined by '\n' */
                          POLICY_IS_NUMBER,  /* REG_DWORD */
                          POLICY_IS_OTHER,
} PolicyKind;

/**
 * policy_set() - take over one registry value
 * @text: the value of the string kinds; UTF-8
 *
 * Names are matched as by policy_find(). A value of the wrong kind or content denies everything
 * that it governs (no port is allowed, pairing is required …).
 *
 * Return: 0; -ENOENT when there is no such policy value; or -EINVAL. On failure @ret_problem says
 * which value is wrong, what it contains and what it may contain.
 */
int policy_set(Policy *p, const char *name, PolicyKind kind, const char *text, uint32_t number,
               char ret_problem[WIRE_TEXT_MAX + 1]);

typedef struct PolicyVerdict {
        WireReason reason; /* NONE: allowed */
        char text[WIRE_TEXT_MAX + 1];
} PolicyVerdict;

/* The number of endpoints of a service, as it is compared with .max_endpoints. */
uint32_t policy_endpoints(const WireState *state, const WireService *s);

/**
 * policy_check() - judge service @index of @state
 * @n_before: endpoints of all services before it
 *
 * The verdict's text names the policy value that refuses.
 */
void policy_check(const Policy *p, const WireState *state, uint32_t index, uint32_t n_before,
                  PolicyVerdict *ret_verdict);
