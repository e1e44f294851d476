/* SPDX-License-Identifier: MIT */

/* Work that the event loop does when nothing else waits; see deferred-work.h. */

#include "agent/daemon/deferred-work.h"

#include "agent/loop/require.h"

#include <errno.h>

struct DeferredWork {
        /* configuration */
        DeferredWorkFn fn;
        void *userdata;

        /* owned */
        sd_event_source *source;

        /* state */
        uint64_t last_usec; /* when it last ran, 0 = never */
};

static int deferred_work_on_turn(sd_event_source *s, void *userdata) {
        DeferredWork *w = userdata;

        w->last_usec = now_usec();
        return w->fn(w->userdata);
}

int deferred_work_new(DeferredWork **ret_work, sd_event *event, DeferredWorkFn fn, void *userdata) {
        _cleanup_(deferred_work_freep) DeferredWork *w = NULL;
        int r;

        w = malloc(sizeof(*w));
        if (!w)
                return -ENOMEM;
        *w = (DeferredWork){.fn = fn, .userdata = userdata};
        r = sd_event_add_defer(event, &w->source, deferred_work_on_turn, w);
        if (r >= 0)
                r = sd_event_source_set_enabled(w->source, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(w->source, SD_EVENT_PRIORITY_IDLE - 1);
        if (r >= 0)
                r = sd_event_source_set_exit_on_failure(w->source, 1);
        if (r < 0)
                return r;
        *ret_work = TAKE_PTR(w);
        return 0;
}

DeferredWork *deferred_work_free(DeferredWork *w) {
        if (!w)
                return NULL;
        sd_event_source_disable_unref(w->source);
        free(w);
        return NULL;
}

void deferred_work_request(DeferredWork *w) {
        loop_require(w->source, sd_event_source_set_enabled(w->source, SD_EVENT_ONESHOT));
}

void deferred_work_request_spaced(DeferredWork *w, uint64_t pause_usec) {
        if (w->last_usec == 0 || now_usec() - w->last_usec >= pause_usec)
                deferred_work_request(w);
}
