/* SPDX-License-Identifier: MIT */

/* Claim: a timer is off until it is started, comes once, counts from its start, and its failure
 * ends the loop. */

#include "agent/loop/timer.h"
#include "agent/util/cleanup.h"

#include "tests/unit/agent/testing.h"

#include <errno.h>
#include <unistd.h>

static sd_event *event;
static sd_event_source *timer;
static unsigned n_calls;

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        n_calls++;
        return *(int *) userdata;
}

START_TEST(test_once) {
        int result = 0, enabled = -1;

        n_calls = 0;
        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_eq(loop_timer_new(event, 1, on_timer, &result, &timer), 0);
        ck_assert_int_eq(sd_event_run(event, 0), 0);
        ck_assert_int_eq(loop_timer_start(timer, 0), 0);
        ck_assert_int_gt(sd_event_run(event, UINT64_MAX), 0);
        ck_assert_uint_eq(n_calls, 1);
        ck_assert_int_ge(sd_event_source_get_enabled(timer, &enabled), 0);
        ck_assert_int_eq(enabled, SD_EVENT_OFF);
        ck_assert_int_eq(sd_event_run(event, 0), 0);
        result = -EIO;
        ck_assert_int_eq(loop_timer_start(timer, 0), 0);
        ck_assert_int_eq(sd_event_loop(event), -EIO);
        ck_assert_uint_eq(n_calls, 2);
        sd_event_source_disable_unref(timer);
        sd_event_unref(event);
}
END_TEST

/* Also where this turn of the loop has been going on for longer than that. */
static int on_busy(sd_event_source *s, uint64_t usec, void *userdata) {
        uint64_t *started = userdata;

        (void) usleep(60 * USEC_PER_MSEC);
        *started = now_usec();
        return loop_timer_start(timer, 40 * USEC_PER_MSEC);
}

static int on_end(sd_event_source *s, uint64_t usec, void *userdata) {
        *(uint64_t *) userdata = now_usec();
        return sd_event_exit(event, 0);
}

START_TEST(test_from_its_start) {
        uint64_t started = 0, ended = 0;
        sd_event_source *busy;

        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_eq(loop_timer_new(event, 1, on_end, &ended, &timer), 0);
        ck_assert_int_ge(
                sd_event_add_time(event, &busy, CLOCK_MONOTONIC, now_usec(), 1, on_busy, &started),
                0);
        ck_assert_int_eq(sd_event_loop(event), 0);
        ck_assert_uint_ge(ended, started + 40 * USEC_PER_MSEC);
        sd_event_source_disable_unref(busy);
        sd_event_source_disable_unref(timer);
        sd_event_unref(event);
}
END_TEST

int main(void) {
        TCase *t = tcase_create("timer");

        tcase_add_test(t, test_once);
        tcase_add_test(t, test_from_its_start);
        return test_run(t, "timer");
}
