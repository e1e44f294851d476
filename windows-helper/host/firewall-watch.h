/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Keeps what decides about reachability (core/firewall/sight.h) up to date. A thread of its own
 * reads it, because the services that answer may hang, and reports it to the loop when it changed.
 *
 * Windows notifies nobody of a change of these as a whole. So the owner gives hints, and the thread
 * looks at once and a few times more: a network gets its profile seconds after its address. Without
 * a hint it looks every two minutes. The rules of the firewall may be thousands, and most changes
 * of them are our own, so these are read less often.
 */

#include "windows-helper/core/firewall/sight.h"
#include "windows-helper/win/loop.h"

/* Keys whose change is a hint: the kind of each network, and the firewall's settings and rules
 * (fact 5.1.12). */
#define FIREWALL_WATCH_NETWORKS \
        L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\NetworkList\\Profiles"
#define FIREWALL_WATCH_POLICY \
        L"SYSTEM\\CurrentControlSet\\Services\\SharedAccess\\Parameters\\FirewallPolicy"

typedef struct FirewallWatch FirewallWatch;

/* @sight: taken over. Called in the loop's thread. */
typedef void (*FirewallWatchFn)(void *userdata, FirewallSight *sight);

/* Start to look; the first look is made at once. Return: 0 or negative errno (logged). */
int firewall_watch_new(FirewallWatch **ret_watch, Loop *loop, FirewallWatchFn fn, void *userdata);

/* Takes NULL, returns NULL. The loop may still hold a packet of it, so it must not turn again. */
FirewallWatch *firewall_watch_free(FirewallWatch *w);

void firewall_watch_hint(FirewallWatch *w);       /* the networks may have changed */
void firewall_watch_hint_rules(FirewallWatch *w); /* the firewall's settings or rules may have */
