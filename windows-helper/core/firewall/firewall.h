/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Windows Firewall rules as data: one for each listen endpoint in force that opens a profile. What
 * is in our grouping and not wanted goes; nothing outside it is looked at.
 */

#include "protocol/wire/wire.h"

#define FIREWALL_GROUPING  "wslbridge"
#define FIREWALL_NAME_MAX  (10 + IP_ENDPOINT_TEXT_MAX) /* "wslbridge 0.0.0.0:2222" */
#define FIREWALL_ABOUT_MAX (WIRE_SERVICE_NAME_MAX + 64)

typedef struct FirewallRule {
        IpEndpoint listen; /* the key; its name follows from it */
        uint8_t profiles;  /* WIRE_PROFILE_*; 0 (wanted ones only): leave as it is what is there for
                              this endpoint, whose agent is expected back */
        char *remote;      /* owned; "LocalSubnet", "*", or prefixes "10.0.0.0/8,fd00::/8" */
        char service[WIRE_SERVICE_NAME_MAX + 1];
        bool refused; /* Windows refused the change of it: not to be tried now */
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

/* The rule's description, for people, which also keeps the service's name. */
void firewall_rule_about(const FirewallRule *rule, char ret_about[FIREWALL_ABOUT_MAX]);

/* Return: 0, or -EINVAL when @about is not what firewall_rule_about() makes. */
int firewall_rule_parse_about(const char *about, char ret_service[WIRE_SERVICE_NAME_MAX + 1]);

/* Set @to, whose text is replaced, to @from's values. Return: 0 or -ENOMEM. */
int firewall_rule_copy(FirewallRule *to, const FirewallRule *from);

/* Take over @rule's values with a copy of its text. Return: 0 or -ENOMEM. */
int firewall_rules_add(FirewallRules *r, const FirewallRule *rule);
void firewall_rules_sort(FirewallRules *r);

/* The rule of @listen among the first @n, which are sorted, or NULL. */
FirewallRule *firewall_rules_find(const FirewallRules *r, size_t n, const IpEndpoint *listen);
void firewall_rules_done(FirewallRules *r);

/* The text of FirewallRule.remote for a service; newly allocated, or NULL for want of memory. */
char *firewall_remote_text(const WireState *state, const WireService *service);

/* Windows gives back "10.0.0.0/255.0.0.0" for "10.0.0.0/8", and "10.1.2.3" alone or with a mask for
 * "10.1.2.3/32": bring a list of them to our form; what is neither stays as it is.
 * Return: 0 or -ENOMEM. */
int firewall_remote_read(const char *listed, char **ret_text);

/* From what is there (@present) to what is wanted, both sorted: removals first, refused ones
 * left out. @ret_changes is owned by the caller. Return: 0 or -ENOMEM. */
int firewall_diff(const FirewallRules *present, const FirewallRules *wanted,
                  FirewallChange **ret_changes, size_t *ret_n);
