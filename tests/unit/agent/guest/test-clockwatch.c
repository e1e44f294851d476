/* SPDX-License-Identifier: MIT */

/*
 * Claim: every setting of the wall clock is reported, and nothing else is. A test cannot set the
 * clock of the machine that it runs on. So the linker puts the functions below in place of the
 * system calls (--wrap), and the tests use them to do what the kernel does on clock_settime(2).
 */

#include "agent/guest/clockwatch.h"

#include "tests/unit/agent/testing.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>

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

static void set_the_clock(void) {
        ck_assert_int_eq(eventfd_write(timer, 1), 0);
}

static int on_set(void *userdata) {
        n_reported++;
        return result;
}

static void setup(void) {
        n_armed = n_reported = 0;
        result = arm_error = 0;
        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_eq(clockwatch_new(&watch, event, on_set, NULL), 0);
        ck_assert_uint_eq(n_armed, 1);
}

static void teardown(void) {
        clockwatch_free(watch);
        sd_event_unref(event);
}

START_TEST(test_each_time_is_reported) {
        for (unsigned i = 1; i <= 5; i++) {
                set_the_clock();
                ck_assert_int_gt(sd_event_run(event, UINT64_MAX), 0);
                ck_assert_uint_eq(n_reported, i);
                ck_assert_uint_eq(n_armed, i + 1); /* before the report: no gap */
        }
        ck_assert_int_eq(sd_event_run(event, 10 * USEC_PER_MSEC), 0);
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
                set_the_clock();
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
        set_the_clock();
        ck_assert_int_eq(sd_event_loop(event), -ENOMEM);
}
END_TEST

int main(void) {
        TCase *t = tcase_create("clockwatch");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, test_each_time_is_reported);
        tcase_add_test(t, test_quiet_otherwise);
        tcase_add_test(t, test_set_twice_in_a_row);
        tcase_add_test(t, test_set_while_the_watch_is_made);
        tcase_add_test(t, test_error_ends_the_loop);
        return test_run(t, "clockwatch");
}
