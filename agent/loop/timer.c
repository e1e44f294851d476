/* SPDX-License-Identifier: MIT */

/* A timer that is off at first; see timer.h. */

#include "agent/loop/timer.h"
#include "agent/util/cleanup.h"

#include <time.h>

int loop_timer_new(sd_event *event, uint64_t accuracy_usec, sd_event_time_handler_t fn,
                   void *userdata, sd_event_source **ret_timer) {
        int r = sd_event_add_time(event, ret_timer, CLOCK_MONOTONIC, UINT64_MAX, accuracy_usec, fn,
                                  userdata);

        if (r >= 0)
                r = sd_event_source_set_enabled(*ret_timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_exit_on_failure(*ret_timer, 1);
        return r < 0 ? r : 0;
}

/* sd_event_source_set_time_relative() counts from the start of this turn of the loop. On a busy
 * machine what is waited for may come much later than that, and the time would be almost over. */
int loop_timer_start(sd_event_source *timer, uint64_t usec) {
        int r = sd_event_source_set_time(timer, now_usec() + usec);

        if (r >= 0)
                r = sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
        return r < 0 ? r : 0;
}
