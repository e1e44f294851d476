/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reads what else in Windows decides whether others reach a port (core/firewall/sight.h), from
 * INetFwPolicy2 and INetFwProducts. These calls go to services of Windows, which may take their
 * time; the service makes them in a thread of its own, see firewall-watch.h.
 */

#include "windows-helper/core/firewall/sight.h"

/**
 * firewall_sight_read() - look at the firewall
 * @ret_sight: owned by the caller; .known is false where Windows does not say (Wine, and a firewall
 *             whose service does not run)
 *
 * COM is initialized for the calling thread during the call. What cannot be read counts as the
 * usual: a firewall that is on and blocks nothing in particular.
 *
 * Return: 0 or -ENOMEM.
 */
int firewall_sight_read(FirewallSight *ret_sight);

/* The same, but rules and products are taken over from @before, because reading thousands of rules
 * takes seconds. */
int firewall_sight_read_settings(const FirewallSight *before, FirewallSight *ret_sight);
