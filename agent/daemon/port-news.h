/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * When the journal says that nobody listens on a port of the guest.
 */

#include "agent/status/status.h"

#define PORT_NEWS_PAUSE_USEC (5 * UINT64_C(1000000))

/* Whether a line about @s is due, as a look at @now_usec has found it: one for each change to the
 * worse, and only while the host's part works. A look that comes PORT_NEWS_PAUSE_USEC later must
 * have seen the same: while the guest boots, or a program restarts, it will listen in a moment.
 * After true it counts as said. */
bool port_is_news(StatusService *s, uint64_t now_usec);
