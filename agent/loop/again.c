/* SPDX-License-Identifier: MIT */

/* A timer with a growing pause; see again.h. */

#include "agent/loop/again.h"

#include "agent/loop/timer.h"

#include <errno.h>
#include <stdbool.h>

#define AGAIN_ACCURACY (USEC_PER_SEC / 4)

struct Again {
        /* configuration */
        AgainFn fn;
        void *userdata;

        /* owned */
        sd_event_source *timer;

        /* state */
        uint64_t pause_usec; /* the next one */
        bool waits;          /* the timer runs */
};

static int again_on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        Again *a = userdata;

        a->waits = false;
        if (a->pause_usec < AGAIN_LONGEST_USEC)
                a->pause_usec *= 2;
        return a->fn(a->userdata);
}

int again_new(Again **ret_again, sd_event *event, AgainFn fn, void *userdata) {
        _cleanup_(again_freep) Again *a = malloc(sizeof(*a));
        int r;

        if (!a)
                return -ENOMEM;
        *a = (Again){.fn = fn, .userdata = userdata, .pause_usec = AGAIN_FIRST_USEC};
        r = loop_timer_new(event, AGAIN_ACCURACY, again_on_timer, a, &a->timer);
        if (r < 0)
                return r;
        *ret_again = TAKE_PTR(a);
        return 0;
}

Again *again_free(Again *a) {
        if (!a)
                return NULL;
        sd_event_source_disable_unref(a->timer);
        free(a);
        return NULL;
}

int again_later(Again *a) {
        int r;

        if (a->waits)
                return 0;
        r = loop_timer_start(a->timer, a->pause_usec);
        if (r < 0)
                return r;
        a->waits = true;
        return 0;
}

void again_forget(Again *a) {
        a->pause_usec = AGAIN_FIRST_USEC;
        a->waits = false;
        /* A try too many does no harm. */
        (void) sd_event_source_set_enabled(a->timer, SD_EVENT_OFF);
}
