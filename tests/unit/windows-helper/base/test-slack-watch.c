/* SPDX-License-Identifier: MIT */

/* Memory is given back once, some time after thousands of endpoints have gone, and not otherwise.
 */

#include "tests/suite.h"
#include "windows-helper/core/base/slack-watch.h"

#define SEC UINT64_C(1000000)

static SlackWatch s;
static uint64_t now;

/* Returns how often memory was given back within a minute of @n endpoints. */
static unsigned minute(size_t n) {
        unsigned times = 0;

        for (unsigned i = 0; i < 60; i++, now += SEC) {
                times += slack_watch_tick(&s, n, now);
                ck_assert_uint_gt(slack_watch_deadline(&s), now);
        }
        return times;
}

static void setup(void) {
        s = SLACK_WATCH_NULL;
        now = SEC;
}

START_TEST(test_once_after_many_have_gone) {
        ck_assert_uint_eq(minute(16384), 0);
        ck_assert_uint_eq(slack_watch_deadline(&s), UINT64_MAX);
        ck_assert(!slack_watch_tick(&s, 0, now));
        ck_assert_uint_eq(slack_watch_deadline(&s), now + SLACK_WATCH_USEC);
        ck_assert(!slack_watch_tick(&s, 0, now + SLACK_WATCH_USEC - 1));
        ck_assert(slack_watch_tick(&s, 0, now + SLACK_WATCH_USEC));
        ck_assert_uint_eq(minute(0), 0);
        ck_assert_uint_eq(minute(16384), 0);
        ck_assert_uint_eq(minute(10), 1);
}
END_TEST

START_TEST(test_not_for_few) {
        unsigned times = 0;

        ck_assert_uint_eq(minute(SLACK_WATCH_LEAST - 1), 0);
        ck_assert_uint_eq(minute(0), 0);
        for (size_t n = 16384; n >= 8192;
             n -= SLACK_WATCH_LEAST / 2) /* small steps count together */
                times += minute(n);
        ck_assert_uint_eq(times, 8192 / SLACK_WATCH_LEAST);
}
END_TEST

/* They come back before it was due. */
START_TEST(test_back_in_time) {
        ck_assert(!slack_watch_tick(&s, 5000, now));
        ck_assert(!slack_watch_tick(&s, 0, now += SEC));
        ck_assert(!slack_watch_tick(&s, 5000, now += SEC));
        ck_assert_uint_eq(minute(5000), 0);
        ck_assert_uint_eq(minute(5000 - SLACK_WATCH_LEAST), 1);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("slack-watch");
        TCase *tc = tcase_create("slack-watch");

        tcase_add_checked_fixture(tc, setup, NULL);
        tcase_add_test(tc, test_once_after_many_have_gone);
        tcase_add_test(tc, test_not_for_few);
        tcase_add_test(tc, test_back_in_time);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
