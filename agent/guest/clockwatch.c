/* SPDX-License-Identifier: MIT */

/*
 * A timer for a day that never comes, cancelled by the kernel when the clock is set; see
 * clockwatch.h. It needs no privilege and no alarm hardware.
 */

#include "agent/guest/clockwatch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

/* A 32-bit time_t ends in 2038, which is good for some years only. */
#define NEVER_SEC ((time_t) (sizeof(time_t) > 4 ? INT64_C(1) << 40 : INT32_MAX))

#define ERRORS_MAX 64 /* reads that fail in a row: the timer is gone for good */

/* By how much Hyper-V's time service lets a guest fall behind before it sets the clock without a
 * word of the host. A machine that has slept is behind by its sleep, so it does not miss this. */
#define STEP_MIN_USEC (5 * (int64_t) USEC_PER_SEC)

struct ClockWatch {
        ClockWatchFn fn;
        void *userdata;
        sd_event_source *io;
        int fd;
        unsigned n_errors;   /* reads that failed in a row */
        int64_t offset_usec; /* clock_offset() at the last step */
};

/* How far the wall clock is ahead of the monotonic one. Slewing moves both, so only a step changes
 * this, by its size. */
static int64_t clock_offset(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_REALTIME, &ts);
        return (int64_t) ts.tv_sec * (int64_t) USEC_PER_SEC + ts.tv_nsec / 1000 -
               (int64_t) now_usec();
}

/*
 * If the clock was set once more since the last arming, or since the timer was made, the kernel
 * says ECANCELED, but has armed the timer all the same (timerfd_create(2), "NOTES"). Nothing is
 * lost: at the start nothing has been looked at yet, and later the report follows the arming.
 */
static int clockwatch_arm(ClockWatch *w) {
        const struct itimerspec never = {.it_value.tv_sec = NEVER_SEC};
        const int flags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;

        if (timerfd_settime(w->fd, flags, &never, NULL) < 0 && errno != ECANCELED)
                return -errno;
        return 0;
}

/*
 * Call after the arming: a step that comes after this look is then told of, too. Each step counts
 * for itself. Many small ones in one direction, such as those of a program that corrects a clock
 * that is too slow, add up to hours in time, but are no sleep.
 */
static bool clockwatch_big_step(ClockWatch *w) {
        int64_t before = w->offset_usec;

        w->offset_usec = clock_offset();
        return llabs(w->offset_usec - before) >= STEP_MIN_USEC;
}

static int clockwatch_on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        ClockWatch *w = userdata;
        uint64_t ticks;
        int r;

        if (read(w->fd, &ticks, sizeof(ticks)) < 0 && errno != ECANCELED) {
                /* The loop calls again while there is something to read. */
                if (errno == EAGAIN || ++w->n_errors < ERRORS_MAX)
                        return 0;
                return -errno;
        }
        w->n_errors = 0;
        r = clockwatch_arm(w);
        if (r < 0)
                return r;
        return clockwatch_big_step(w) ? w->fn(w->userdata) : 0;
}

int clockwatch_new(ClockWatch **ret_watch, sd_event *event, ClockWatchFn fn, void *userdata) {
        _cleanup_(clockwatch_freep) ClockWatch *w = NULL;
        int r;

        w = malloc(sizeof(*w));
        if (!w)
                return -ENOMEM;
        *w = (ClockWatch){.fn = fn, .userdata = userdata, .fd = -1};
        w->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
        if (w->fd < 0)
                return -errno;
        r = clockwatch_arm(w);
        w->offset_usec = clock_offset();
        if (r >= 0)
                r = sd_event_add_io(event, &w->io, w->fd, EPOLLIN, clockwatch_on_io, w);
        if (r >= 0)
                r = sd_event_source_set_exit_on_failure(w->io, 1);
        if (r < 0)
                return r;
        *ret_watch = TAKE_PTR(w);
        return 0;
}

ClockWatch *clockwatch_free(ClockWatch *w) {
        if (!w)
                return NULL;
        sd_event_source_disable_unref(w->io);
        closep(&w->fd);
        free(w);
        return NULL;
}
