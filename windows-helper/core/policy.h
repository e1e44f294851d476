/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the Windows administrator allows. Pure: values in, verdict out. Reading it from the registry
 * is a shell's work.
 */

#include "protocol/wire.h"

#define POLICY_PORT_RANGES_MAX  64
#define POLICY_LISTEN_MAX       32
#define POLICY_SERVICES_DEFAULT 16384

/* Names of the policy values, as in the registry, and as refusals cite them. */
#define POLICY_NAME_ALLOWED_PORTS    "AllowedListenPorts"
#define POLICY_NAME_DENIED_PORTS     "DeniedListenPorts"
#define POLICY_NAME_ALLOWED_LISTEN   "AllowedListenAddresses"
#define POLICY_NAME_ALLOWED_PROFILES "AllowedProfiles"
#define POLICY_NAME_WIDEST_REMOTE    "WidestRemote"
#define POLICY_NAME_MAX_SERVICES     "MaxServicesPerAgent"
#define POLICY_NAME_PAIRING_REQUIRED "PairingRequired"

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
} Policy;

/* Defaults of design section 4: all ports but Windows' own 135, 139, 445, 3389, 5985, 5986; all
 * listen addresses; profiles domain and private; remote LocalSubnet; pairing required. */
void policy_init(Policy *p);

typedef struct PolicyVerdict {
        WireReason reason; /* NONE: allowed */
        char text[WIRE_TEXT_MAX + 1];
} PolicyVerdict;

/* Judge one service of @state; @index counts services from 0 (for max_services). The text names
 * the policy value that refused. */
void policy_check(const Policy *p, const WireState *state, uint32_t index,
                  PolicyVerdict *ret_verdict);
