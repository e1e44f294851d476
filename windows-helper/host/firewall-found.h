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

/* Called for each rule of the firewall. Return: 0, or negative errno, which ends the enumeration.
 */
typedef int (*FoundFn)(void *userdata, INetFwRule *rule);

/* Call @fn for each rule. Return: E_OUTOFMEMORY when @fn failed; E_NOTIMPL under Wine. */
HRESULT found_rules_each(INetFwRules *rules, FoundFn fn, void *userdata);

/* Fill @found, which is released before. Return: as found_rules_each(); then it is empty. */
HRESULT found_rules_read(FoundRules *found, INetFwRules *rules);

/* Release all; then it is empty and not known. */
void found_rules_done(FoundRules *found);

/* The rules that bear the name for @listen. Return: the first of @ret_n, or NULL. */
FoundRule *found_rules_of(const FoundRules *found, const IpEndpoint *listen, size_t *ret_n);
