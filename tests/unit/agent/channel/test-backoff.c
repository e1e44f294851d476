/* SPDX-License-Identifier: MIT */

/* Claim: the backoff doubles from 0.25 s to 30 s, jitter only shortens it, and it can be reset. */

#include "agent/channel/backoff.h"
#include "tests/suite.h"

#include <check.h>

START_TEST(test_doubles_up_to_the_limit) {
        static const uint64_t expected[] = {250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000};
        Backoff b = BACKOFF_NULL;

        for (size_t i = 0; i < ELEMENTSOF(expected); i++)
                ck_assert_uint_eq(backoff_next(&b, 0), expected[i] * USEC_PER_MSEC);
        for (unsigned i = 0; i < 100000; i++)
                ck_assert_uint_eq(backoff_next(&b, 0), BACKOFF_MAX_USEC);
}
END_TEST

START_TEST(test_jitter_takes_up_to_a_quarter) {
        Backoff low = BACKOFF_NULL, middle = BACKOFF_NULL;

        for (unsigned i = 0; i < 12; i++) {
                Backoff full = low;
                uint64_t usec = backoff_next(&full, 0),
                         half = backoff_next(&middle, UINT32_MAX / 2);

                ck_assert_uint_eq(backoff_next(&low, UINT32_MAX), usec - usec / 4);
                ck_assert_uint_lt(half, usec);
                ck_assert_uint_gt(half, usec - usec / 4);
        }
        ck_assert_uint_eq(backoff_longest(0), BACKOFF_MAX_USEC);
        ck_assert_uint_eq(backoff_longest(UINT32_MAX), BACKOFF_MAX_USEC - BACKOFF_MAX_USEC / 4);
}
END_TEST

START_TEST(test_reset_starts_over) {
        Backoff b = BACKOFF_NULL;

        for (unsigned i = 0; i < 20; i++)
                (void) backoff_next(&b, 0);
        backoff_reset(&b);
        ck_assert_uint_eq(backoff_next(&b, 0), BACKOFF_MIN_USEC);
        ck_assert_uint_eq(backoff_next(&b, 0), 2 * BACKOFF_MIN_USEC);
}
END_TEST

int main(void) {
        Suite *s = suite_create("backoff");
        TCase *t = tcase_create("backoff");

        tcase_add_test(t, test_doubles_up_to_the_limit);
        tcase_add_test(t, test_jitter_takes_up_to_a_quarter);
        tcase_add_test(t, test_reset_starts_over);
        suite_add_tcase(s, t);
        return suite_run(s);
}
