/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The rules that an enumeration of Windows Firewall has found, as far as they bear a name of ours.
 * Names are not unique (fact 5.1.5), so a rule of ours is changed and removed through its object
 * from here, and not through its name.
 */

#include "windows-helper/host/firewall-rule.h"

typedef struct FoundRule {
        IpEndpoint listen;
        INetFwRule *rule; /* owned; NULL: the rule is not ours, or it has been removed */
} FoundRule;

typedef struct FoundRules {
        FoundRule *items; /* owned, sorted by listen; of one endpoint, ours come first */
        size_t n, size;
        bool known; /* an enumeration has filled it */
} FoundRules;

/* Called for each rule of the firewall. */
typedef void (*FoundFn)(void *userdata, INetFwRule *rule);

/* Enumerate @rules. @fn: NULL: only what bears a name of ours is looked at. Return: also
 * E_NOTIMPL, under Wine. */
HRESULT found_rules_read(FoundRules *found, INetFwRules *rules, FoundFn fn, void *userdata);

/* Release all; then it is empty and not known. */
void found_rules_done(FoundRules *found);

/* The rules that bear the name for @listen. Return: the first of @ret_n, or NULL. */
FoundRule *found_rules_of(const FoundRules *found, const IpEndpoint *listen, size_t *ret_n);
