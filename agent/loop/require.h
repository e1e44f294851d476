/* SPDX-License-Identifier: MIT */
#pragma once

/* What cannot be scheduled. */

#include <systemd/sd-event.h>

/**
 * loop_require() - end the event loop of @source with @r, when that is negative
 *
 * A source that could not be switched on would never be called, and what it has to do would be
 * lost. That happens only when there is no memory left, so the process ends, and systemd starts it
 * again.
 */
void loop_require(sd_event_source *source, int r);
