/* SPDX-License-Identifier: MIT */

/* Windows refuses one firewall rule, some, or all: whom that concerns, and when they are tried
 * again. */

#include "tests/unit/windows-helper/firewall/recorder.h"

/* "1001 1008": the ports whose rules are refused. */
static void expect_blamed(const char *ports) {
        char found[256] = "";
        size_t n = 0;

        for (size_t i = 0; i < r.f.wanted.n; i++)
                if (r.f.wanted.items[i].blamed)
                        n += (size_t) snprintf(found + n, sizeof(found) - n, "%s%u",
                                               n > 0 ? " " : "", r.f.wanted.items[i].listen.port);
        ck_assert_str_eq(found, ports);
}

START_TEST(test_all_are_refused_and_tried_again) {
        unsigned changed;

        r.change_error = -EIO;
        want(FEW, "LocalSubnet");
        (void) run(&changed);
        ck_assert_uint_eq(r.rules.n, 0);
        r.change_error = 0;
        r.now_usec = r.f.due_usec;
        (void) run(&changed);
        ck_assert_str_eq(r.calls, "+1000 +1001 +1002");
        ck_assert_str_eq(r.f.problem, "");
}
END_TEST

/* Also when each refusal takes longer than a slice. */
START_TEST(test_a_refused_rule_does_not_delay_others) {
        unsigned changed;

        r.refuses_sevenths = true;
        r.change_usec = 2 * FIREWALL_SLICE_USEC;
        want(20, "LocalSubnet"); /* 1001, 1008, 1015 */
        (void) run(&changed);
        ck_assert_uint_eq(changed, 1);
        ck_assert_str_eq(r.f.problem,
                         "Windows Firewall does not accept the rule 'wslbridge 0.0.0.0:1001' "
                         "(Windows reported an error); make sure that the services MpsSvc and BFE "
                         "are running. It is tried again automatically");
        ck_assert(r.f.single);
        expect_blamed("1001 1008 1015");
        ck_assert_uint_eq(r.n_changes, 20); /* each of them once */
        ck_assert_uint_eq(r.rules.n, 17);
        ck_assert_uint_gt(r.f.due_usec, r.now_usec);

        r.now_usec = r.f.due_usec;
        expect("+1001 +1008 +1015"); /* only these are tried again */
        ck_assert_uint_eq(r.n_lists, 2);

        r.refuses_sevenths = false;
        r.now_usec = r.f.due_usec;
        (void) run(&changed);
        ck_assert_str_eq(r.calls, "+1001 +1008 +1015");
        ck_assert_uint_eq(changed, 1);
        ck_assert_str_eq(r.f.problem, "");
        ck_assert_uint_eq(r.rules.n, 20);
}
END_TEST

/* Who is refused stays told while others come and go, and each change of who it is is reported. */
START_TEST(test_which_rules_are_refused) {
        unsigned changed;

        r.refuses_sevenths = true;
        want(2, "LocalSubnet");
        (void) run(&changed);
        ck_assert_uint_eq(changed, 1);
        expect_blamed("1001");
        want(3, "LocalSubnet"); /* another guest asks for something */
        expect_blamed("1001");
        (void) run(&changed);
        ck_assert_uint_eq(changed, 0);
        expect_blamed("1001");
        want(9, "LocalSubnet"); /* 1008: the text is the same as before */
        (void) run(&changed);
        ck_assert_uint_eq(changed, 1);
        expect_blamed("1001 1008");
        r.list_error = -EIO; /* now none can be made */
        r.now_usec = r.f.due_usec;
        (void) run(&changed);
        ck_assert_uint_eq(changed, 1);
        ck_assert(!r.f.single);
        ck_assert_ptr_nonnull(strstr(r.f.problem, "MpsSvc"));
        r.list_error = 0;
        r.now_usec = r.f.due_usec;
        (void) run(&changed);
        ck_assert_uint_eq(changed, 1);
        expect_blamed("1001 1008");
        want(1, "LocalSubnet"); /* nobody asks for them any more */
        (void) run(&changed);
        ck_assert_uint_eq(changed, 1);
        ck_assert_str_eq(r.f.problem, "");
}
END_TEST

/* Also when it is the first of all. */
START_TEST(test_the_first_rule_is_refused) {
        FirewallRules wanted = FIREWALL_RULES_NULL;
        unsigned changed;

        r.refuses_sevenths = true;
        for (uint16_t port = 1001; port < 1004; port++) {
                add(&wanted, port, 3, "LocalSubnet");
                ck_assert_int_eq(firewall_apply_want(&r.f, &wanted), 0);
                expect_blamed(port == 1001 ? "" : "1001");
                (void) run(&changed);
                ck_assert_uint_eq(changed, port == 1001);
                expect_blamed("1001");
        }
        firewall_rules_done(&wanted);
}
END_TEST

/* It is not tried each time that another guest asks for something, and nothing is listed for that.
 */
START_TEST(test_a_refused_rule_costs_others_nothing) {
        unsigned changed, n_lists;
        uint64_t due;

        r.refuses_sevenths = true;
        want(2, "LocalSubnet");
        (void) run(&changed);
        n_lists = r.n_lists;
        due = r.f.due_usec;
        ck_assert_uint_eq(due, FIREWALL_RETRY_USEC);
        r.now_usec += FIREWALL_RETRY_USEC / 2;
        want(3, "LocalSubnet");
        expect("+1002");
        ck_assert_uint_eq(r.n_lists, n_lists);
        ck_assert_uint_eq(r.f.due_usec, due); /* nor is the next try put off */
        r.now_usec = due;
        expect("+1001");
}
END_TEST

/* Nothing can be said of any rule then, and the rest of the changes is not tried. */
START_TEST(test_the_firewall_ends_in_between) {
        unsigned changed;

        want(1, "LocalSubnet");
        (void) run(&changed);
        r.change_error = -ESRCH;
        r.calls[0] = '\0';
        want(9, "LocalSubnet");
        (void) run(&changed);
        ck_assert_str_eq(r.calls, "+1001");
        ck_assert(!r.f.single);
        ck_assert_ptr_nonnull(strstr(r.f.problem, "does not accept our rules"));
        r.calls[0] = '\0';
        r.change_error = 0;
        r.now_usec = r.f.due_usec;
        (void) run(&changed);
        ck_assert_str_eq(r.calls, "+1001 +1002 +1003 +1004 +1005 +1006 +1007 +1008");
        ck_assert_uint_eq(r.n_lists, 2); /* somebody may have changed the rules meanwhile */
        ck_assert_str_eq(r.f.problem, "");
}
END_TEST

START_TEST(test_a_refused_removal_is_tried_again) {
        unsigned changed;

        r.refuses_sevenths = true;
        add(&r.rules, 994, 3, "LocalSubnet");
        add(&r.rules, 995, 3, "LocalSubnet");
        want(1, "LocalSubnet");
        (void) run(&changed);
        ck_assert_str_eq(r.calls, "-994 -995 +1000");
        ck_assert_ptr_nonnull(
                strstr(r.f.problem, "does not remove the rule 'wslbridge 0.0.0.0:994'"));
        expect_blamed(""); /* who has asked for nothing is not told */
        r.refuses_sevenths = false;
        r.now_usec = r.f.due_usec;
        (void) run(&changed);
        ck_assert_str_eq(r.calls, "-994");
        ck_assert_str_eq(r.f.problem, "");
        ck_assert_uint_eq(r.rules.n, 1);
}
END_TEST

START_TEST(test_a_list_that_fails_is_tried_again) {
        unsigned changed;

        r.list_error = -EIO;
        want(FEW, "LocalSubnet");
        ck_assert_uint_eq(run(&changed), 1);
        ck_assert_uint_eq(changed, 1);
        ck_assert_uint_eq(r.n_changes, 0); /* nothing is changed while the rules are not known */
        ck_assert_ptr_nonnull(strstr(r.f.problem, "MpsSvc"));
        ck_assert_uint_eq(r.f.due_usec, FIREWALL_RETRY_USEC);
        r.now_usec = r.f.due_usec;
        ck_assert_uint_eq(run(&changed), 1);
        ck_assert_uint_eq(changed, 0); /* reported only once */
        r.list_error = 0;
        r.now_usec = r.f.due_usec;
        (void) run(&changed);
        ck_assert_uint_eq(changed, 1);
        ck_assert_str_eq(r.f.problem, "");
        ck_assert_str_eq(r.calls, "+1000 +1001 +1002");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("firewall-refusals");
        TCase *tc = tcase_create("firewall-refusals");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_all_are_refused_and_tried_again);
        tcase_add_test(tc, test_a_refused_rule_does_not_delay_others);
        tcase_add_test(tc, test_which_rules_are_refused);
        tcase_add_test(tc, test_the_first_rule_is_refused);
        tcase_add_test(tc, test_a_refused_rule_costs_others_nothing);
        tcase_add_test(tc, test_the_firewall_ends_in_between);
        tcase_add_test(tc, test_a_refused_removal_is_tried_again);
        tcase_add_test(tc, test_a_list_that_fails_is_tried_again);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
