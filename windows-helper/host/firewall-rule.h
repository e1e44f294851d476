/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Conversion between a rule of Windows Firewall, an INetFwRule, and a FirewallRule. The headers of
 * COM define 'interface', which is a field name of ours. So the protocol's headers come first, and
 * COM, which win.h leaves out, after them.
 */

#include "windows-helper/core/firewall/firewall.h"
#include "windows-helper/win/win.h"

#define COBJMACROS
#include <netfw.h>

/* Open the firewall's policy. The thread has called CoInitializeEx(); @ret_policy is owned by the
 * caller. */
HRESULT firewall_policy_open(INetFwPolicy2 **ret_policy);

/* Make a rule that is not in the firewall yet. @ret_rule: owned by the caller. */
HRESULT firewall_rule_new(INetFwRule **ret_rule);

/* Return: a string owned by the caller; NULL when out of memory, or when @text is too long or not
 * valid UTF-8. */
BSTR firewall_rule_text(const char *text);

/* Write everything, in the order that Windows needs. The rule has to be disabled, or not in the
 * firewall yet: in between, it may let in more than it should. */
HRESULT firewall_rule_write(INetFwRule *rule, const FirewallRule *r);

/* Change a rule that may be in force. Each property takes effect as it is put (fact 5.1.8). So at
 * every moment the rule lets in no more than it did before, or no more than @r does. */
HRESULT firewall_rule_update(INetFwRule *rule, const FirewallRule *r);

/* Put a rule out of force and rename it, because it is about to be removed. @ret_name is its name
 * then, which no other rule has. */
HRESULT firewall_rule_leave(INetFwRule *rule, const IpEndpoint *listen,
                            char ret_name[FIREWALL_NAME_MAX]);

/**
 * firewall_rule_read() - read a rule of ours
 * @ret_rule: its .remote is owned by the caller
 *
 * If somebody has changed something for which a FirewallRule has no field, or the rule was about to
 * be removed, the name of the service is left empty. The rule then differs from every rule that is
 * wanted, so it is written again.
 *
 * Return: 0; -ENOENT when it is not one of ours; -ENOMEM.
 */
int firewall_rule_read(INetFwRule *rule, FirewallRule *ret_rule);

/**
 * firewall_rule_identify() - tell whose rule it is
 * @ret_ours: it has our grouping. Otherwise it is somebody else's, whose name is one of ours
 *
 * Return: 0; -ENOENT when its name is not one of ours; -ENOMEM.
 */
int firewall_rule_identify(INetFwRule *rule, IpEndpoint *ret_listen, bool *ret_ours);

bool firewall_rule_is_named(INetFwRule *rule, const char *name);
