/* SPDX-License-Identifier: MIT */

/*
 * Claim: every step of the wall clock by five seconds or more is reported, and nothing else is. A
 * test cannot set the clock of the machine that it runs on. So the linker puts the functions below
 * in place of the system calls (--wrap), and the tests use them to do what the kernel does on
 * clock_settime(2).
 */

#include "agent/guest/clockwatch.h"

#include "tests/unit/agent/testing.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>

#define HOUR_MSEC INT64_C(3600000)

int __real_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_timerfd_create(int clock, int flags);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *value,
                           struct itimerspec *old);
ssize_t __real_read(int fd, void *data, size_t n);
ssize_t __wrap_read(int fd, void *data, size_t n);

static sd_event *event;
static ClockWatch *watch;
static int timer = -1;
static unsigned n_armed, n_reported;
static int result, arm_error;
static int64_t wall_msec, at_arming_msec; /* the wall clock; a step beside the next arming */

/* The monotonic clock is the machine's, so time passes between two looks at the clocks. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret) {
        int r = __real_clock_gettime(CLOCK_MONOTONIC, ret);

        if (clock == CLOCK_REALTIME)
                ret->tv_sec += 1800000000 + wall_msec / 1000;
        if (clock == CLOCK_REALTIME)
                ret->tv_nsec += wall_msec % 1000 * 1000000;
        return r;
}

int __wrap_timerfd_create(int clock, int flags) {
        ck_assert_int_eq(clock, CLOCK_REALTIME);
        ck_assert_int_eq(flags, TFD_NONBLOCK | TFD_CLOEXEC);
        timer = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        return timer;
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *value,
                           struct itimerspec *old) {
        ck_assert_int_eq(fd, timer);
        ck_assert_int_eq(flags, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
        ck_assert_int_gt(value->it_value.tv_sec, time(NULL) + 365 * 86400);
        n_armed++;
        wall_msec += at_arming_msec;
        at_arming_msec = 0;
        if (arm_error) {
                errno = arm_error;
                return -1;
        }
        return 0;
}

/* A cancelled timer is readable once, with an error. */
ssize_t __wrap_read(int fd, void *data, size_t n) {
        ssize_t r = __real_read(fd, data, n);

        if (fd == timer && r > 0) {
                errno = ECANCELED;
                return -1;
        }
        return r;
}

static void set_the_clock(int64_t by_msec) {
        wall_msec += by_msec;
        ck_assert_int_eq(eventfd_write(timer, 1), 0);
}

static int on_set(void *userdata) {
        n_reported++;
        return result;
}

static void setup(void) {
        n_armed = n_reported = 0;
        result = arm_error = 0;
        wall_msec = at_arming_msec = 0;
        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_eq(clockwatch_new(&watch, event, on_set, NULL), 0);
        ck_assert_uint_eq(n_armed, 1);
}

static void teardown(void) {
        clockwatch_free(watch);
        sd_event_unref(event);
}

START_TEST(test_each_big_step_is_reported) {
        const int64_t steps[] = {5100, -5100, HOUR_MSEC, -HOUR_MSEC, 10000 * HOUR_MSEC};

        for (unsigned i = 1; i <= ELEMENTSOF(steps); i++) {
                set_the_clock(steps[i - 1]);
                ck_assert_int_gt(sd_event_run(event, UINT64_MAX), 0);
                ck_assert_uint_eq(n_reported, i);
                ck_assert_uint_eq(n_armed, i + 1); /* before the report: no gap */
        }
        ck_assert_int_eq(sd_event_run(event, 10 * USEC_PER_MSEC), 0);
}
END_TEST

/* Docker Desktop's steps, two minutes in all, and back again. */
START_TEST(test_small_steps_never_count) {
        for (unsigned i = 1; i <= 800; i++) {
                set_the_clock(i <= 400 ? 300 : -300);
                ck_assert_int_gt(sd_event_run(event, UINT64_MAX), 0);
                ck_assert_uint_eq(n_armed, i + 1);
        }
        set_the_clock(4900);
        ck_assert_int_gt(sd_event_run(event, UINT64_MAX), 0);
        set_the_clock(-4900);
        ck_assert_int_gt(sd_event_run(event, UINT64_MAX), 0);
        ck_assert_uint_eq(n_reported, 0);
}
END_TEST

START_TEST(test_sleep_between_small_steps) {
        for (unsigned i = 1; i <= 60; i++) {
                set_the_clock(i % 20 ? 300 : 60000);
                ck_assert_int_gt(sd_event_run(event, UINT64_MAX), 0);
                ck_assert_uint_eq(n_reported, i / 20);
        }
}
END_TEST

START_TEST(test_quiet_otherwise) {
        ck_assert_int_eq(sd_event_run(event, 100 * USEC_PER_MSEC), 0);
        ck_assert_uint_eq(n_reported, 0);
}
END_TEST

/* The clock is set again between the read and the arming, as date(1) and a time service do it one
 * after the other. The kernel arms the timer and says ECANCELED. */
START_TEST(test_set_twice_in_a_row) {
        for (unsigned i = 1; i <= 3; i++) {
                arm_error = ECANCELED;
                at_arming_msec = i == 2 ? HOUR_MSEC : 300; /* the first is small, or the second */
                set_the_clock(i == 2 ? 300 : HOUR_MSEC);
                ck_assert_int_gt(sd_event_run(event, UINT64_MAX), 0);
                ck_assert_uint_eq(n_reported, i);
                ck_assert_int_eq(sd_event_get_state(event), SD_EVENT_INITIAL);
        }
}
END_TEST

START_TEST(test_set_while_the_watch_is_made) {
        ClockWatch *other = NULL;

        arm_error = ECANCELED;
        ck_assert_int_eq(clockwatch_new(&other, event, on_set, NULL), 0);
        clockwatch_free(other);
        arm_error = EINVAL;
        ck_assert_int_eq(clockwatch_new(&other, event, on_set, NULL), -EINVAL);
}
END_TEST

START_TEST(test_error_ends_the_loop) {
        result = -ENOMEM;
        set_the_clock(HOUR_MSEC);
        ck_assert_int_eq(sd_event_loop(event), -ENOMEM);
}
END_TEST

int main(void) {
        TCase *t = tcase_create("clockwatch");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, test_each_big_step_is_reported);
        tcase_add_test(t, test_small_steps_never_count);
        tcase_add_test(t, test_sleep_between_small_steps);
        tcase_add_test(t, test_quiet_otherwise);
        tcase_add_test(t, test_set_twice_in_a_row);
        tcase_add_test(t, test_set_while_the_watch_is_made);
        tcase_add_test(t, test_error_ends_the_loop);
        return test_run(t, "clockwatch");
}
