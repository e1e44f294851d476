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

/* Return: a string owned by the caller; NULL when out of memory, or when @text is too long or not
 * valid UTF-8. */
BSTR firewall_rule_text(const char *text);

/* Write everything but the name, in the order that Windows needs. */
HRESULT firewall_rule_write(INetFwRule *rule, const FirewallRule *r);

/**
 * firewall_rule_read() - read a rule of ours
 * @ret_rule: its .remote is owned by the caller
 *
 * If somebody has changed something for which a FirewallRule has no field, the name of the service
 * is left empty. The rule then differs from every rule that is wanted, so it is written again.
 *
 * Return: 0; -ENOENT when it is not one of ours; -ENOMEM.
 */
int firewall_rule_read(INetFwRule *rule, FirewallRule *ret_rule);

bool firewall_rule_is_ours(INetFwRule *rule); /* by its grouping */
