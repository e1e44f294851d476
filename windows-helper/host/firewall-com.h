/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Windows Firewall, as a FirewallStore on top of INetFwPolicy2 (fact 5.1.1). It lists, changes and
 * removes only rules with our grouping and a name of ours.
 */

#include "windows-helper/core/firewall/apply.h"

typedef struct FirewallCom FirewallCom;

/* COM is initialized for the calling thread, and only this thread may use and free the store.
 * Return: 0 or -ENOMEM. If the firewall cannot be reached, the calls of the store fail. */
int firewall_com_new(FirewallCom **ret_com, FirewallStore *ret_store);
FirewallCom *firewall_com_free(FirewallCom *c); /* takes NULL, returns NULL */

/* Remove all rules of ours, for uninstalling. They stay where the firewall does not run. Return: 0
 * or the first error. */
int firewall_com_remove_all(size_t *ret_removed);
