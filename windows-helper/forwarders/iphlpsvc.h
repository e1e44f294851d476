/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The IP Helper service of Windows (iphlpsvc), which forwards ports as the PortProxy values say.
 *
 * Sending a control to a service can take long (30 s if it hangs). So a separate thread does this,
 * and it also notices when the service starts and stops. The loop waits for the thread only for a
 * moment.
 */

#include "windows-helper/win/loop.h"

#include <stdbool.h>

#define IPHLPSVC_WAIT_MS 2000

typedef struct Iphlpsvc Iphlpsvc;

/* Call @fn in the loop's thread when the service was started or stopped, or has answered late.
 * Return: 0 or negative errno (logged). */
int iphlpsvc_new(Iphlpsvc **ret_service, Loop *loop, void (*fn)(void *userdata), void *userdata);

/* Takes NULL, returns NULL. The loop may still hold a packet of it, so it must not turn again. */
Iphlpsvc *iphlpsvc_free(Iphlpsvc *s);

/**
 * iphlpsvc_activate() - make the service read the PortProxy values again (fact 4.1.6)
 *
 * This sends SERVICE_CONTROL_PARAMCHANGE and does not restart the service, so connections of
 * unchanged rules stay open (fact 4.1.7). If the service is not disabled and has not been running
 * since we started, it is started. If somebody stopped it while we were watching, it is not.
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

/* Query the service manager. Never waits for the service itself. Return: 0 or negative errno. */
int iphlpsvc_query(IphlpsvcState *ret_state);
