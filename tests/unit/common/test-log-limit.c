/* SPDX-License-Identifier: MIT */

/*
 * Claim: after a burst, lines are allowed one by one as time passes; none that is left out is
 * forgotten; and whoever causes few lines never notices.
 */

#include "common/log-limit.h"
#include "tests/suite.h"

#include <check.h>

#define BURST 3

static LogLimit limit;
static uint64_t now;

static void setup(void) {
        limit = LOG_LIMIT_NULL;
        now = 1000 * LOG_LIMIT_REFILL_USEC;
}

/* Ask @n times; the first @n_good may be written. @left_out: before the first of these. */
static void take(unsigned n, unsigned n_good, unsigned left_out) {
        for (unsigned i = 0; i < n; i++) {
                unsigned count = 0;

                ck_assert_int_eq(log_limit_take(&limit, BURST, now, &count), i < n_good);
                ck_assert_uint_eq(count, i == 0 && n_good > 0 ? left_out : 0);
        }
}

START_TEST(test_burst_and_refill) {
        take(10, BURST, 0);
        now += LOG_LIMIT_REFILL_USEC - 1;
        take(5, 0, 0);
        now += 1;
        take(5, 1, 12);
        now += 2 * LOG_LIMIT_REFILL_USEC + LOG_LIMIT_REFILL_USEC / 2;
        take(3, 2, 4);
        now += LOG_LIMIT_REFILL_USEC / 2; /* the other half was not lost */
        take(2, 1, 1);
        now += 1000000 * LOG_LIMIT_REFILL_USEC; /* no more than a burst is saved up */
        take(10, BURST, 1);
}
END_TEST

START_TEST(test_few_lines) {
        for (unsigned i = 0; i < 100; i++) {
                take(1, 1, 0);
                now += LOG_LIMIT_REFILL_USEC;
        }
        take(BURST, BURST, 0);
}
END_TEST

/* The count has a line of its own if no other line comes that would tell it. */
START_TEST(test_nothing_follows) {
        uint64_t refilled = now + LOG_LIMIT_REFILL_USEC;

        take(BURST, BURST, 0);
        ck_assert_uint_eq(log_limit_deadline(&limit), UINT64_MAX); /* nothing was left out */
        ck_assert_uint_eq(log_limit_flush(&limit, refilled), 0);
        take(7, 0, 0);
        ck_assert_uint_eq(log_limit_deadline(&limit), refilled);
        ck_assert_uint_eq(log_limit_flush(&limit, refilled - 1), 0);
        ck_assert_uint_eq(log_limit_flush(&limit, refilled), 7);
        ck_assert_uint_eq(log_limit_flush(&limit, refilled), 0);
        now = refilled;
        take(1, 0, 0); /* it has taken the place of a line */
        ck_assert_uint_eq(log_limit_deadline(&limit), refilled + LOG_LIMIT_REFILL_USEC);
}
END_TEST

int main(void) {
        Suite *s = suite_create("log-limit");
        TCase *t = tcase_create("log-limit");

        tcase_add_checked_fixture(t, setup, NULL);
        tcase_add_test(t, test_burst_and_refill);
        tcase_add_test(t, test_few_lines);
        tcase_add_test(t, test_nothing_follows);
        suite_add_tcase(s, t);
        return suite_run(s);
}
