/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Windows Firewall through INetFwPolicy2 (fact 5.1): a FirewallStore. Only rules whose grouping is
 * ours and whose name is one of ours are listed, changed or removed.
 */

#include "windows-helper/core/firewall/apply.h"

typedef struct FirewallCom FirewallCom;

/* COM is started for the calling thread, which must be the one that uses the store and frees it.
 * Return: 0 or -ENOMEM; a firewall that cannot be reached fails each call of the store instead. */
int firewall_com_new(FirewallCom **ret_com, FirewallStore *ret_store);
FirewallCom *firewall_com_free(FirewallCom *c); /* takes NULL, returns NULL */

/* Whether rules of ours would count. Return: 0, or negative errno: not known (-ENOSYS: Wine). */
int firewall_com_effect(FirewallEffect *ret_effect);

/* For uninstalling: all of ours. Return: 0 or the first error. */
int firewall_com_remove_all(size_t *ret_removed);
