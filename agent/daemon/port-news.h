/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * When the journal says that nobody listens on a port of the guest.
 */

#include "agent/status/status.h"

/* Listening ports are checked when a RESULT arrives, and also when something else has woken the
 * agent (mostly the helper's PING), but then not more often than this. There is no timer for it,
 * because nobody waits for it. */
#define PORT_NEWS_PAUSE_USEC (5 * USEC_PER_SEC)

/* Whether a line about @s is due, as a look at @now_usec has found it: one for each change to the
 * worse, and only while the host's part works. A look that comes PORT_NEWS_PAUSE_USEC later must
 * have seen the same: while the guest boots, or a program restarts, it will listen in a moment.
 * After true it counts as said. */
bool port_is_news(StatusService *s, uint64_t now_usec);
