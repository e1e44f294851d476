/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One rule of Windows Firewall, an INetFwRule, from and to a FirewallRule. COM needs what win.h
 * leaves out, and its headers define 'interface', a field name of ours: so the protocol's headers
 * come first, and COM's after them.
 */

#include "windows-helper/core/firewall/firewall.h"
#include "windows-helper/win/win.h"

#define COBJMACROS
#include <netfw.h>

/* Owned by the caller; NULL for want of memory, or when @text is no UTF-8 or too long. */
BSTR firewall_rule_text(const char *text);

/* Write all but the name, in the order that Windows wants. */
HRESULT firewall_rule_write(INetFwRule *rule, const FirewallRule *r);

/**
 * firewall_rule_read() - read one of ours
 * @ret_rule: its .remote is owned by the caller
 *
 * What somebody else has changed in it, and a FirewallRule has no field for, leaves the service's
 * name empty: the rule differs from any that is wanted, and is written again.
 *
 * Return: 0; -ENOENT when it is not one of ours; -ENOMEM.
 */
int firewall_rule_read(INetFwRule *rule, FirewallRule *ret_rule);

bool firewall_rule_is_ours(INetFwRule *rule); /* by its grouping */
