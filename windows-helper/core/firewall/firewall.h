/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Windows Firewall rules as data. There is one rule for each listen endpoint that is in force and
 * opens a profile. Rules of our grouping that are not wanted are removed. Rules outside of it are
 * never looked at.
 */

#include "protocol/wire/wire.h"

#define FIREWALL_GROUPING "wslbridge"
/* "wslbridge 0.0.0.0:2222 (removed 0123456789abcdef)" */
#define FIREWALL_NAME_MAX  (10 + IP_ENDPOINT_TEXT_MAX + 27)
#define FIREWALL_ABOUT_MAX (WIRE_SERVICE_NAME_MAX + 64)

typedef struct FirewallRule {
        IpEndpoint listen; /* the key; the name follows from it */
        uint8_t profiles;  /* WIRE_PROFILE_*. In wanted rules, 0 means: leave the endpoint's rule as
                              it  is, because its guest is in its grace period */
        char *remote;      /* owned; "LocalSubnet", "*", or prefixes "10.0.0.0/8,fd00::/8" */
        char service[WIRE_SERVICE_NAME_MAX + 1];
        int refused; /* Windows refused to change it, with this error: do not try again now. Or 0 */
        int blamed;  /* .refused of the last pass over all rules, which its service is told */
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
        const FirewallRule
                *rule; /* borrowed, from the wanted rules; for REMOVE from the present ones */
} FirewallChange;

/* The name of the rule for @listen: "wslbridge 0.0.0.0:2222", "wslbridge 0.0.0.0:53/udp". */
void firewall_rule_name(const IpEndpoint *listen, char ret_name[FIREWALL_NAME_MAX]);

/* Return: 0, or -EINVAL when @name is not one that firewall_rule_name() makes. */
int firewall_rule_parse_name(const char *name, IpEndpoint *ret_listen);

/* The name of a rule of ours for @listen that is about to be removed. Names of rules are not
 * unique, and Windows removes by name (fact 5.1.5), so such a rule first gets a name that nobody
 * else has.
 * @tag: random */
void firewall_rule_leaving_name(const IpEndpoint *listen, uint64_t tag,
                                char ret_name[FIREWALL_NAME_MAX]);

/* Return: 0, or -EINVAL when @name is not one that firewall_rule_leaving_name() makes. */
int firewall_rule_parse_leaving_name(const char *name, IpEndpoint *ret_listen);

/* The rule's description. It is for people, and it also stores the service's name. */
void firewall_rule_about(const FirewallRule *rule, char ret_about[FIREWALL_ABOUT_MAX]);

/* Return: 0, or -EINVAL when @about is not what firewall_rule_about() makes. */
int firewall_rule_parse_about(const char *about, char ret_service[WIRE_SERVICE_NAME_MAX + 1]);

/* Copy @from to @to, whose text is freed. Return: 0 or -ENOMEM. */
int firewall_rule_copy(FirewallRule *to, const FirewallRule *from);

/* Whether Windows has or would have the same for both, whose endpoint is the same. */
bool firewall_rule_same(const FirewallRule *a, const FirewallRule *b);

/* Append a copy of @rule. Return: 0 or -ENOMEM. */
int firewall_rules_add(FirewallRules *r, const FirewallRule *rule);
/* Sort by listen endpoint. */
void firewall_rules_sort(FirewallRules *r);

/* The rule of @listen among the first @n, which are sorted, or NULL. */
FirewallRule *firewall_rules_find(const FirewallRules *r, size_t n, const IpEndpoint *listen);
/* Free all rules; the list is empty then. */
void firewall_rules_done(FirewallRules *r);

/* The text of FirewallRule.remote for a service; newly allocated, or NULL when out of memory. */
char *firewall_remote_text(const WireState *state, const WireService *service);

/* Convert a remote scope that Windows reports to our form. For "10.0.0.0/8" Windows gives back
 * "10.0.0.0/255.0.0.0", and for "10.1.2.3/32" the address alone or with a mask. A text that is not
 * a list of these stays as it is. Return: 0 or -ENOMEM. */
int firewall_remote_read(const char *listed, char **ret_text);

/* Read one item of such a list: "10.0.0.0/8", "10.0.0.0/255.0.0.0" or "10.1.2.3". This cuts @item
 * at the slash. Return: 0 or -EINVAL. */
int firewall_prefix_read(char *item, WirePrefix *ret_prefix);

/* A newly allocated copy, or NULL when out of memory. */
char *firewall_text_copy(const char *text);

/* Find the changes that lead from @present to @wanted, which are both sorted. Removals come first;
 * refused rules are left out. @ret_changes is owned by the caller. Return: 0 or -ENOMEM. */
int firewall_diff(const FirewallRules *present, const FirewallRules *wanted,
                  FirewallChange **ret_changes, size_t *ret_n);
