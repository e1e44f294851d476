/* SPDX-License-Identifier: MIT */

/* When the kernel's tables are read; see throttle.h. */

#include "agent/network/throttle.h"

static ThrottleStep on_event(Throttle *t) {
        switch (t->state) {
        case THROTTLE_REST:
                t->state = THROTTLE_OPEN;
                return (ThrottleStep){.dump = true, .arm = true};
        case THROTTLE_OPEN:
        case THROTTLE_OWING:
                if (t->n_early == THROTTLE_EARLY_MAX) {
                        t->state = THROTTLE_OWING;
                        return (ThrottleStep){0};
                }
                t->n_early++;
                t->state = THROTTLE_OPEN;
                return (ThrottleStep){.dump = true, .arm = true};
        case THROTTLE_RETRY: /* more events are no reason to try more often */
        case _THROTTLE_STATE_END:
                break;
        }
        return (ThrottleStep){0};
}

static ThrottleStep on_timer(Throttle *t) {
        switch (t->state) {
        case THROTTLE_OPEN:
                t->state = THROTTLE_REST;
                t->n_early -= t->n_early < THROTTLE_EARLY_BACK ? t->n_early : THROTTLE_EARLY_BACK;
                return (ThrottleStep){.dump = true, .trailing = true};
        case THROTTLE_OWING:
        case THROTTLE_RETRY:
                t->state = THROTTLE_OPEN;
                return (ThrottleStep){.dump = true, .trailing = true, .arm = true};
        case THROTTLE_REST:
        case _THROTTLE_STATE_END:
                break;
        }
        return (ThrottleStep){0};
}

/* This does not move the timer, except that of a retry, which is no longer needed. */
static ThrottleStep on_refresh(Throttle *t) {
        ThrottleStep step = {.dump = true,
                             .trailing = t->state == THROTTLE_REST,
                             .arm = t->state == THROTTLE_RETRY};

        if (t->state == THROTTLE_RETRY)
                t->state = THROTTLE_OPEN;
        return step;
}

/* Where the timer runs, it ends in a dump anyway. */
static ThrottleStep on_doubt(Throttle *t) {
        if (t->state != THROTTLE_REST)
                return (ThrottleStep){0};
        t->state = THROTTLE_OPEN;
        return (ThrottleStep){.arm = true};
}

ThrottleStep throttle_step(Throttle *t, ThrottleInput input) {
        switch (input) {
        case THROTTLE_EVENT:
                return on_event(t);
        case THROTTLE_TIMER:
                return on_timer(t);
        case THROTTLE_REFRESH:
                return on_refresh(t);
        case THROTTLE_DOUBT:
                return on_doubt(t);
        case THROTTLE_FAILED:
                t->state = THROTTLE_RETRY;
                break;
        case _THROTTLE_INPUT_END:
                break;
        }
        return (ThrottleStep){0};
}
