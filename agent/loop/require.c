/* SPDX-License-Identifier: MIT */

/* The end of a loop that cannot do its work; see require.h. */

#include "agent/loop/require.h"

void loop_require(sd_event_source *source, int r) {
        if (r < 0)
                (void) sd_event_exit(sd_event_source_get_event(source), r);
}
