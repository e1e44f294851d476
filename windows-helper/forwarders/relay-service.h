/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The service of our relay, which runs only while its table has values. Nothing starts it but this:
 * for Windows there is nothing to do after a crash. When it ends by itself it is started again, at
 * first at once, then after longer and longer pauses.
 *
 * Starting and stopping a service takes its time, and a service manager may hang, so a thread does
 * it. It also finds out at first whether an earlier helper has left the relay running. That thread
 * waits for the relay's process to end and polls nothing, neither while the relay runs nor while
 * nobody needs it.
 */

#include "windows-helper/win/loop.h"

#include <stdbool.h>

typedef struct RelayService RelayService;

/* Whether the service is installed. */
bool relay_service_exists(void);

/* Call @fn in the loop's thread when the relay's process is another one. Return: 0 or -ENOMEM. */
int relay_service_new(RelayService **ret_service, Loop *loop, void (*fn)(void *userdata),
                      void *userdata);

/* Takes NULL, returns NULL. If the relay is not wanted any more, it has been told to stop. The loop
 * may still hold a packet of it, so it must not turn again. */
RelayService *relay_service_free(RelayService *s);

/* Have it running from now on, or stopped. This waits for nothing. */
void relay_service_want(RelayService *s, bool wanted);

/* Its process; 0: it does not run. It may listen before it says that it runs, so the service
 * manager is asked as long as the thread has not seen it run. This never waits for the service
 * itself. */
DWORD relay_service_pid(const RelayService *s);
