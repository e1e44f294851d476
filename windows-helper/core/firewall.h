/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Windows Firewall rules as data: one for each listen endpoint in force that opens a profile. What
 * is in our grouping and not wanted goes; nothing outside it is looked at.
 */

#include "protocol/wire.h"

#define FIREWALL_GROUPING "wslbridge"
#define FIREWALL_NAME_MAX (10 + IP_ENDPOINT_TEXT_MAX) /* "wslbridge 0.0.0.0:2222" */

typedef struct FirewallRule {
        IpEndpoint listen; /* the key; its name follows from it */
        uint8_t profiles;  /* WIRE_PROFILE_*; 0 (wanted ones only): leave as it is what is there for
                              this endpoint, whose agent is expected back */
        char *remote;      /* owned; "LocalSubnet", "*", or prefixes "10.0.0.0/8,fd00::/8" */
        char service[WIRE_SERVICE_NAME_MAX + 1];
} FirewallRule;

typedef struct FirewallRules {
        FirewallRule *items; /* owned, sorted by listen */
        size_t n, size;
} FirewallRules;

#define FIREWALL_RULES_NULL ((FirewallRules){0})

typedef enum FirewallAction {
        FIREWALL_ADD,
        FIREWALL_UPDATE,
        FIREWALL_REMOVE,
} FirewallAction;

typedef struct FirewallChange {
        FirewallAction action;
        const FirewallRule *rule; /* borrowed: of the wanted ones; to remove: of the present ones */
} FirewallChange;

void firewall_rule_name(const IpEndpoint *listen, char ret_name[FIREWALL_NAME_MAX]);

/* Return: 0, or -EINVAL when @name is not one that firewall_rule_name() makes. */
int firewall_rule_parse_name(const char *name, IpEndpoint *ret_listen);

/* Take over @rule's values with a copy of its text. Return: 0 or -ENOMEM. */
int firewall_rules_add(FirewallRules *r, const FirewallRule *rule);
void firewall_rules_sort(FirewallRules *r);
void firewall_rules_done(FirewallRules *r);

/* The text of FirewallRule.remote for a service; newly allocated, or NULL for want of memory. */
char *firewall_remote_text(const WireState *state, const WireService *service);

/* From what is there (@present) to what is wanted, both sorted: removals first. @ret_changes is
 * owned by the caller. Return: 0 or -ENOMEM. */
int firewall_diff(const FirewallRules *present, const FirewallRules *wanted,
                  FirewallChange **ret_changes, size_t *ret_n);
