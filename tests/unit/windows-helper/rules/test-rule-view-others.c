/* SPDX-License-Identifier: MIT */

/* The known values while others change values as well: among our changes, in the middle of a
 * reading, and in the same moment. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/rules/rule-view-kit.h"

#include <errno.h>

static unsigned n_readings;

/* Somebody else, before, between and after our changes: another value, or another key. */
START_TEST(test_others_among_our_changes) {
        bool changed;

        for (unsigned at = 0; at < 4; at++) {
                for (int other_key = 0; other_key < 2; other_key++) {
                        (void) read_all(SIZE_MAX, &changed);
                        for (unsigned step = 0; step < 4; step++) {
                                char name[32];

                                (void) snprintf(name, sizeof(name), "*/%u", 9000 + at);
                                if (step == at)
                                        memory_host_foreign(&m,
                                                            other_key ? RULE_V4TOV6 : RULE_V4TOV4,
                                                            name, "10.0.0.1/1");
                                if (step == 0)
                                        rule_view_begin(&view, &host.rules);
                                else if (step < 3)
                                        ours(step, "10.0.0.7/7");
                        }
                        done();
                        ck_assert_msg(!view.known, "step %u", at);
                        ck_assert_uint_eq(rule_view_deadline(&view), 0);
                        (void) read_all(3, &changed);
                        ck_assert(changed);
                        expect_truth();
                }
        }
}
END_TEST

/* The data of a value is replaced in the same moment as ours: only a later reading can tell. */
START_TEST(test_the_same_step_of_the_clock) {
        bool changed;

        m.coarse = true;
        settle();
        ours(0, "10.0.0.2/2");
        done();
        again(); /* just before that, so that it is too early for the change to have a time */
        ours(1, "10.0.0.2/2");
        done();
        (void) read_all(SIZE_MAX, &changed);
        foreign(2, "10.0.0.3/3");
        rule_view_changed(&view); /* one notification for both */
        (void) read_all(SIZE_MAX, &changed);
        ck_assert(!changed);
        again();
        (void) read_all(SIZE_MAX, &changed);
        ck_assert(changed);
        expect_truth();
        foreign(2, "10.0.0.4/4");
        rule_view_changed(&view); /* a notification that cannot be ours */
        (void) read_all(SIZE_MAX, &changed);
        ck_assert(changed);
        expect_truth();
}
END_TEST

/* Others change values in the middle of a reading: it is repeated, but not for ever. */
START_TEST(test_others_while_reading) {
        bool changed;

        (void) read_all(SIZE_MAX, &changed);
        foreign(0, NULL);
        rule_view_changed(&view);
        ck_assert_int_eq(rule_view_read(&view, &host.rules, 3, now, &changed), 0);
        foreign(1, "10.0.0.3/3");
        (void) read_all(3, &changed);
        ck_assert(changed);
        expect_truth();
        foreign(0, "10.0.0.3/3");
        rule_view_changed(&view);
        for (unsigned i = 0; !view.known || i == 0; i++) {
                foreign(i % PORTS, i & 1 ? "10.0.0.4/4" : NULL);
                ck_assert_int_eq(rule_view_read(&view, &host.rules, 3, now, &changed), 0);
                ck_assert_uint_lt(i, RULE_VIEW_TRIES * (PORTS / 3 + 1));
        }
        again();
        (void) read_all(3, &changed);
        expect_truth();
}
END_TEST

/* In the middle of each reading somebody changes a value. Return: how many readings it takes until
 * the values are taken as they are. */
static unsigned disturbed_readings(uint64_t took_usec) {
        unsigned n = 0;
        bool changed;

        foreign(0, n_readings & 1 ? "10.0.0.5/5" : "10.0.0.6/6");
        rule_view_changed(&view);
        do {
                ck_assert_int_eq(rule_view_read(&view, &host.rules, 1, now, &changed), 0);
                now += took_usec;
                foreign(1, n_readings++ & 1 ? "10.0.0.4/4" : "10.0.0.3/3");
                ck_assert_int_eq(rule_view_read(&view, &host.rules, SIZE_MAX, now, &changed), 0);
                n++;
        } while (!view.known);
        return n;
}

/* Then the stamp is the newest one, so decisions may be made, and the values are read once more
 * when the last change is long enough ago. */
START_TEST(test_others_all_the_time) {
        uint64_t seen;
        bool changed;

        settle();
        for (unsigned i = 0; i < 2; i++) {
                ck_assert_uint_eq(disturbed_readings(0), RULE_VIEW_TRIES);
                ck_assert_int_eq(rule_view_check(&view, &host.rules), 0);
                ck_assert(view.known);
                settle();
        }
        ck_assert_uint_eq(disturbed_readings(4000000), RULE_VIEW_TRIES);
        seen = now;
        again();
        (void) read_all(SIZE_MAX, &changed);
        again();
        ck_assert_uint_ge(now, seen + RULE_VIEW_AGAIN_USEC);
        settle();
}
END_TEST

/* There is no notification, but the values are read once more after a change of ours. Nothing is
 * known from its beginning on, and it is not repeated. */
START_TEST(test_a_later_reading_finds_what_was_not_notified) {
        bool changed;

        settle();
        ours(1, "10.0.0.2/2");
        done();
        foreign(2, "10.0.0.3/3");
        again();
        ck_assert_int_eq(rule_view_read(&view, &host.rules, 1, now, &changed), 0);
        ck_assert(!view.known);
        ck_assert_uint_eq(read_all(1, &changed), PORTS - 1);
        ck_assert(changed);
        expect_truth();
}
END_TEST

static int no_stamp(MemoryHost *host_m, MemoryCall call) {
        return call == MEMORY_RULES_STAMP ? -EIO : 0;
}

/* Before our changes somebody replaces a value of the same key, or the stamp cannot be read. */
START_TEST(test_a_stamp_before_our_changes) {
        settle();
        foreign(2, "10.0.0.8/8");
        rule_view_begin(&view, &host.rules);
        ck_assert(!view.known);
        settle();
        m.fault = no_stamp;
        rule_view_begin(&view, &host.rules);
        ck_assert(!view.known);
        m.fault = NULL;
        settle();
}
END_TEST

/* Among our changes of one key somebody replaces a value of another one. */
START_TEST(test_a_stamp_after_our_changes) {
        settle();
        rule_view_begin(&view, &host.rules);
        ck_assert_int_eq(host.rules.rule_set(&m, RULE_V6TOV4, "::/80", "10.0.0.1/1"), 0);
        rule_view_note(&view, RULE_V6TOV4, "::/80", "10.0.0.1/1", 1);
        foreign(2, "10.0.0.8/8");
        done();
        ck_assert(!view.known);
        settle();
}
END_TEST

/* One of ours is enough to shift a value of somebody else out of a reading. */
START_TEST(test_one_change_while_reading) {
        bool changed;

        foreign(2, "x");
        settle();
        rule_view_changed(&view);
        for (unsigned i = 0; i < 2; i++)
                ck_assert_int_eq(rule_view_read(&view, &host.rules, 1, now, &changed), 0);
        ours(0, NULL);
        done();
        (void) read_all(1, &changed);
        ck_assert(!changed);
        expect_truth();
}
END_TEST

/* The values that are known are not those that are there, and the stamp does not tell: all changes
 * are of the same moment. */
START_TEST(test_a_known_value_is_gone) {
        bool changed;

        m.coarse = true;
        foreign(1, "10.0.0.2/2");
        settle();
        foreign(2, NULL);
        foreign(40, "10.0.0.2/2");
        rule_view_changed(&view);
        ck_assert_int_eq(rule_view_read(&view, &host.rules, 2, now, &changed), 0);
        ck_assert(view.known);
        ours(0, NULL);
        done();
        (void) read_all(2, &changed);
        ck_assert(changed);
        expect_truth();
}
END_TEST

/* What we have changed during a reading that is given up has no part in the next one. */
START_TEST(test_a_reading_is_given_up) {
        bool changed;

        settle();
        rule_view_changed(&view);
        ck_assert_int_eq(rule_view_read(&view, &host.rules, 2, now, &changed), 0);
        ours(0, NULL);
        done();
        rule_view_distrust(&view);
        foreign(0, "10.0.0.5/5");
        (void) read_all(2, &changed);
        expect_truth();
}
END_TEST

/* All of it is freed, which the sanitizer sees. */
START_TEST(test_the_end_in_the_middle) {
        bool changed;

        settle();
        rule_view_changed(&view);
        ck_assert_int_eq(rule_view_read(&view, &host.rules, 2, now, &changed), 0);
        ours(0, NULL);
        done();
        ours(1, "10.0.0.2/2");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("rule-view-others");
        TCase *tc = tcase_create("rule-view-others");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_others_among_our_changes);
        tcase_add_test(tc, test_the_same_step_of_the_clock);
        tcase_add_test(tc, test_others_while_reading);
        tcase_add_test(tc, test_others_all_the_time);
        tcase_add_test(tc, test_a_later_reading_finds_what_was_not_notified);
        tcase_add_test(tc, test_a_stamp_before_our_changes);
        tcase_add_test(tc, test_a_stamp_after_our_changes);
        tcase_add_test(tc, test_one_change_while_reading);
        tcase_add_test(tc, test_a_known_value_is_gone);
        tcase_add_test(tc, test_the_end_in_the_middle);
        tcase_add_test(tc, test_a_reading_is_given_up);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
