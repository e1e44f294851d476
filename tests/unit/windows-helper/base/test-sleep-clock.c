/* SPDX-License-Identifier: MIT */

/* Two clocks, one of which stands still while the machine sleeps. */

#include "tests/suite.h"
#include "windows-helper/core/base/sleep-clock.h"

#define SECOND UINT64_C(1000000)

START_TEST(test_a_machine_that_is_awake) {
        SleepClock c = {0};

        for (uint64_t t = 0; t < 100000 * SECOND; t += 7 * SECOND) /* a day, with jitter */
                ck_assert_uint_eq(sleep_clock_advance(&c, 50 * SECOND + t + (t % 16) * 1000, t), 0);
}
END_TEST

START_TEST(test_a_sleep_is_reported_once) {
        SleepClock c = {0};

        ck_assert_uint_eq(sleep_clock_advance(&c, 10 * SECOND, 10 * SECOND), 0);
        ck_assert_uint_eq(sleep_clock_advance(&c, 3611 * SECOND, 11 * SECOND), 3600 * SECOND);
        ck_assert_uint_eq(sleep_clock_advance(&c, 3612 * SECOND, 12 * SECOND), 0);
        ck_assert_uint_eq(sleep_clock_advance(&c, 3623 * SECOND, 13 * SECOND), 10 * SECOND);
}
END_TEST

START_TEST(test_short_sleeps_add_up) {
        SleepClock c = {0};
        uint64_t slept = 0;

        (void) sleep_clock_advance(&c, 0, 0);
        for (uint64_t i = 1; i <= 10; i++) /* half a second each time */
                slept += sleep_clock_advance(&c, i * SECOND + i * SECOND / 2, i * SECOND);
        ck_assert_uint_eq(slept, 4 * SECOND); /* the last second is not enough yet */
}
END_TEST

/* Before the first sleep the clock that counts more may be a tick behind. */
START_TEST(test_a_clock_that_is_behind) {
        SleepClock c = {0};

        ck_assert_uint_eq(sleep_clock_advance(&c, 5 * SECOND, 5 * SECOND + 15000), 0);
        ck_assert_uint_eq(sleep_clock_advance(&c, 6 * SECOND, 6 * SECOND + 1), 0);
        ck_assert_uint_eq(sleep_clock_advance(&c, 9 * SECOND, 7 * SECOND), 2 * SECOND);
}
END_TEST

/* Where neither clock tells: a turn of the loop that ended far too late. */
START_TEST(test_a_turn_that_is_late) {
        const uint64_t limit = SLEEP_CLOCK_LATE_USEC;

        ck_assert_uint_eq(sleep_clock_late(10 * SECOND, 10 * SECOND, limit), 0);
        ck_assert_uint_eq(sleep_clock_late(10 * SECOND, 9 * SECOND, limit), 0);
        ck_assert_uint_eq(sleep_clock_late(10 * SECOND, 10 * SECOND + limit - 1, limit), 0);
        ck_assert_uint_eq(sleep_clock_late(10 * SECOND, 10 * SECOND + limit, limit), limit);
        ck_assert_uint_eq(sleep_clock_late(UINT64_MAX, 10 * SECOND, limit), 0); /* no deadline */
}
END_TEST

int main(void) {
        Suite *suite = suite_create("sleep-clock");
        TCase *tc = tcase_create("sleep-clock");

        tcase_add_test(tc, test_a_machine_that_is_awake);
        tcase_add_test(tc, test_a_sleep_is_reported_once);
        tcase_add_test(tc, test_short_sleeps_add_up);
        tcase_add_test(tc, test_a_clock_that_is_behind);
        tcase_add_test(tc, test_a_turn_that_is_late);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
