/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Windows' IP Helper service, which listens and forwards for the PortProxy values.
 *
 * Talking to a service can take as long as the service likes (30 s for one that hangs), so a thread
 * of its own does it, and hears of starts and stops as well. The loop waits for it for a moment
 * only.
 */

#include "windows-helper/win/loop.h"

#include <stdbool.h>

#define IPHLPSVC_WAIT_MS 2000

typedef struct Iphlpsvc Iphlpsvc;

/* Call @fn in the loop's thread when it was started, stopped, or answered after all.
 * Return: 0 or negative errno (logged). */
int iphlpsvc_new(Iphlpsvc **ret_service, Loop *loop, void (*fn)(void *userdata), void *userdata);

/* Takes NULL, returns NULL. The loop may hold a packet of it: it must not turn afterwards. */
Iphlpsvc *iphlpsvc_free(Iphlpsvc *s);

/**
 * iphlpsvc_activate() - make it read the PortProxy values again (fact 4.1)
 *
 * Sends SERVICE_CONTROL_PARAMCHANGE; restarts nothing, so connections of unchanged rules live on. A
 * service that has not run since we started and starts automatically is started; one that somebody
 * stopped while we were watching is not.
 *
 * Return: 0; -ENOENT when there is no such service; -ESRCH when it is not running; -EPERM when it
 * is disabled; -ETIMEDOUT when it does not answer in IPHLPSVC_WAIT_MS; another negative errno
 * (logged).
 */
int iphlpsvc_activate(Iphlpsvc *s);

typedef struct IphlpsvcState {
        bool exists, disabled, running;
        DWORD pid; /* 0 unless it runs */
} IphlpsvcState;

/* Ask the service manager; never blocks on the service itself. Return: 0 or negative errno. */
int iphlpsvc_query(IphlpsvcState *ret_state);
