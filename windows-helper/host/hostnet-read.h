/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The host's own addresses and its virtual switches (core/policy/hostnet.h), from the tables of
 * Windows, and notification of their changes.
 */

#include "windows-helper/core/policy/hostnet.h"
#include "windows-helper/win/loop.h"

#define HOSTNET_LXSS_PATH L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Lxss"

typedef struct HostnetWatch HostnetWatch;

/* Read the tables. Return: 0 or negative errno (logged). */
int hostnet_read(Hostnet *ret_hostnet);

/* Call @fn in the loop's thread whenever an address or a default route of the host was added,
 * changed or removed; once for a series of changes. Return: 0 or negative errno (logged). */
int hostnet_watch_new(HostnetWatch **ret_watch, Loop *loop, void (*fn)(void *userdata),
                      void *userdata);

/* Takes NULL, returns NULL. The loop may still hold a packet of it, so it must not turn again. */
HostnetWatch *hostnet_watch_free(HostnetWatch *w);
