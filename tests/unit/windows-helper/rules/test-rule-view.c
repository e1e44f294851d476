/* SPDX-License-Identifier: MIT */

/* The known values: read in portions, kept up to date through our own changes, and right in the end
 * no matter what changes in the middle of a reading. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/rules/rule-view-kit.h"

#include <errno.h>

#define MANY 1000

START_TEST(test_portions) {
        bool changed;

        ck_assert(!view.known);
        ck_assert_uint_eq(read_all(2, &changed), 3);
        ck_assert(changed);
        expect_truth();
        rule_view_changed(&view); /* nothing has changed after all */
        ck_assert_uint_eq(read_all(4, &changed), 2);
        ck_assert(!changed);
        foreign(1, "10.0.0.2/2");
        foreign(2, NULL);
        rule_view_changed(&view);
        ck_assert_uint_gt(read_all(4, &changed), 1);
        ck_assert(changed);
        expect_truth();
        ck_assert_uint_eq(m.calls[MEMORY_RULE_GET], 0); /* we have changed none meanwhile */
}
END_TEST

/* Before the notification of what somebody else did. */
START_TEST(test_a_check_finds_what_was_not_notified) {
        bool changed;

        (void) read_all(SIZE_MAX, &changed);
        ck_assert_int_eq(rule_view_check(&view, &host.rules), 0);
        ck_assert(view.known);
        memory_host_foreign(&m, RULE_V6TOV4, "::/80", "10.0.0.1/1");
        ck_assert_int_eq(rule_view_check(&view, &host.rules), 0);
        ck_assert(!view.known);
        (void) read_all(2, &changed);
        ck_assert(changed);
        expect_truth();
}
END_TEST

/* They and their notification lead to no reading. There are two later, and then no more. */
START_TEST(test_our_own_changes) {
        uint64_t calls;
        bool changed;

        (void) read_all(SIZE_MAX, &changed);
        calls = m.calls[MEMORY_RULES_READ];
        for (unsigned i = 0; i < 3; i++) {
                rule_view_begin(&view, &host.rules);
                ours(0, NULL);
                ours(9 + i, "10.0.0.2/2"); /* in any order */
                ours(3, i & 1 ? "10.0.0.2/2" : "10.0.0.3/3");
                done();
                rule_view_changed(&view);
                ck_assert_uint_eq(read_all(2, &changed), 1);
        }
        ck_assert_uint_eq(m.calls[MEMORY_RULES_READ], calls);
        expect_truth();
        for (unsigned i = 0; i < 2; i++) {
                again();
                (void) read_all(2, &changed);
                ck_assert(!changed);
                expect_truth();
        }
        ck_assert_uint_eq(rule_view_deadline(&view), UINT64_MAX);
}
END_TEST

/* The memory of many values of ours goes with them, and not with the reading that comes later. */
START_TEST(test_many_that_go) {
        static const unsigned left[] = {0, 1, MANY - 1};
        unsigned n = left[_i];
        bool changed;

        (void) read_all(SIZE_MAX, &changed);
        for (unsigned i = 0; i < MANY; i++)
                ours(PORTS + i, "10.0.0.1/1");
        done();
        expect_truth();
        for (unsigned i = 0; i < PORTS; i++)
                ours(i, NULL);
        for (unsigned i = n; i < MANY; i++)
                ours(PORTS + i, NULL);
        done();
        expect_truth();
        ck_assert_uint_le(view.present.size, 2 * n + 1);
        if (n == 0)
                ck_assert_ptr_null(view.present.values);
        ours(0, "10.0.0.2/2");
        done();
        expect_truth();
}
END_TEST

/* The longer a reading takes, the longer it is until the next one. */
START_TEST(test_readings_take_a_small_part_of_the_time) {
        static const struct {
                uint64_t took, pause;
        } cases[] = {{0, RULE_VIEW_AGAIN_USEC},
                     {RULE_VIEW_AGAIN_USEC / RULE_VIEW_SHARE / 2, RULE_VIEW_AGAIN_USEC},
                     {3000000, 3000000 * RULE_VIEW_SHARE},
                     {1000, RULE_VIEW_AGAIN_USEC}};
        bool changed;

        (void) read_all(SIZE_MAX, &changed);
        now = rule_view_deadline(&view); /* what setup() has done is over */
        (void) read_all(SIZE_MAX, &changed);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                foreign(1, i & 1 ? "10.0.0.2/2" : "10.0.0.3/3");
                rule_view_changed(&view);
                ck_assert_int_eq(rule_view_read(&view, &host.rules, 1, now, &changed), 0);
                now += cases[i].took;
                (void) read_all(SIZE_MAX, &changed);
                ck_assert(changed);
                view.again_usec = 0;
                ours(1, "10.0.0.4/4");
                done();
                ck_assert_uint_eq(rule_view_deadline(&view) - now, cases[i].pause);
        }
}
END_TEST

/* In the middle of a reading, whatever changes shifts the values that are to come. */
START_TEST(test_changes_while_reading) {
        bool changed;

        (void) read_all(SIZE_MAX, &changed);
        for (unsigned at = 0; at < PORTS; at++) { /* after so many portions of one value */
                for (unsigned port = 0; port < PORTS; port++) {
                        foreign(port, "10.0.0.1/1");
                        rule_view_changed(&view);
                        (void) read_all(SIZE_MAX, &changed);
                        again();
                        for (unsigned i = 0; i < at; i++)
                                ck_assert_int_eq(
                                        rule_view_read(&view, &host.rules, 1, now, &changed), 0);
                        ours(port, NULL);
                        done();
                        ours((port + 3) % PORTS, "10.0.0.2/2");
                        done();
                        (void) read_all(1, &changed);
                        ck_assert_msg(!changed, "after %u portions, port %u", at, port);
                        expect_truth();
                }
        }
}
END_TEST

static int broken(MemoryHost *host_m, MemoryCall call) {
        return call == MEMORY_RULES_READ ? -EIO : 0;
}

START_TEST(test_a_reading_fails) {
        bool changed;

        (void) read_all(SIZE_MAX, &changed);
        foreign(0, NULL);
        rule_view_changed(&view);
        m.fault = broken;
        ck_assert_int_eq(rule_view_read(&view, &host.rules, 3, now, &changed), -EIO);
        ck_assert(!view.known);
        ck_assert_uint_eq(rule_view_deadline(&view),
                          UINT64_MAX); /* the caller decides when to try again */
        m.fault = NULL;
        rule_view_changed(&view);
        (void) read_all(3, &changed);
        expect_truth();
}
END_TEST

START_TEST(test_an_unknown_outcome) {
        bool changed;

        (void) read_all(SIZE_MAX, &changed);
        rule_view_changed(&view);
        ck_assert_int_eq(rule_view_read(&view, &host.rules, 3, now, &changed), 0);
        foreign(0, "10.0.0.9/9"); /* where the reading has been already */
        rule_view_distrust(&view);
        ck_assert(!view.known);
        (void) read_all(3, &changed);
        ck_assert(changed);
        expect_truth();
}
END_TEST

int main(void) {
        Suite *suite = suite_create("rule-view");
        TCase *tc = tcase_create("rule-view");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_portions);
        tcase_add_test(tc, test_a_check_finds_what_was_not_notified);
        tcase_add_test(tc, test_our_own_changes);
        tcase_add_loop_test(tc, test_many_that_go, 0, 3);
        tcase_add_test(tc, test_readings_take_a_small_part_of_the_time);
        tcase_add_test(tc, test_changes_while_reading);
        tcase_add_test(tc, test_a_reading_fails);
        tcase_add_test(tc, test_an_unknown_outcome);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
