/* SPDX-License-Identifier: MIT */

/* Firewall rules are carried out against a firewall that records every change. */

#include "tests/unit/windows-helper/firewall/recorder.h"

START_TEST(test_nothing_happens_unasked) {
        ck_assert_uint_eq(r.f.due_usec, FIREWALL_IDLE);
        ck_assert(!firewall_apply_tick(&r.f, 0));
        ck_assert_uint_eq(r.n_lists, 0);
        want(0, "");
        expect("");
        ck_assert_uint_eq(r.n_lists, 1); /* an earlier run may have left something */
        ck_assert_uint_eq(r.f.due_usec, FIREWALL_IDLE);
}
END_TEST

START_TEST(test_nothing_changes_nothing) {
        want(FEW, "LocalSubnet");
        expect("+1000 +1001 +1002");
        want(FEW, "LocalSubnet");
        expect("");
        ck_assert_uint_eq(r.n_lists, 1);
        ck_assert_uint_eq(r.n_changes, FEW);
}
END_TEST

START_TEST(test_updated_in_place_removed_first) {
        add(&r.rules, 999, 3, "LocalSubnet"); /* from an earlier run */
        add(&r.rules, 1005, 3, "LocalSubnet");
        want(FEW, "LocalSubnet");
        expect("-999 -1005 +1000 +1001 +1002");
        want(2, "*");
        expect("-1002 ~1000");
        want(FEW, "*");
        expect("+1002");
        ck_assert_uint_eq(r.rules.n, FEW);
        ck_assert_str_eq(r.rules.items[0].remote, "*");
}
END_TEST

START_TEST(test_thousands_in_slices) {
        unsigned changed, n;

        want(200, "LocalSubnet");
        n = run(&changed);
        ck_assert_uint_eq(r.rules.n, 200);
        ck_assert_uint_eq(r.n_changes, 200);
        ck_assert_uint_eq(r.n_rests, 1); /* once all is done, and not between slices */
        ck_assert_uint_ge(n, 200 * CHANGE_USEC / (FIREWALL_SLICE_USEC + CHANGE_USEC));
        ck_assert_uint_le(n, 200 * CHANGE_USEC / FIREWALL_SLICE_USEC + 1);
        want(0, "");
        (void) run(&changed);
        ck_assert_uint_eq(r.rules.n, 0);
        ck_assert_uint_eq(r.n_changes, 400);
        ck_assert_uint_eq(r.n_lists, 1);
}
END_TEST

/* A slice ends when its time is up, and not with one change more. */
START_TEST(test_one_change_fills_a_slice) {
        unsigned changed;

        r.change_usec = FIREWALL_SLICE_USEC;
        want(FEW, "LocalSubnet");
        ck_assert_uint_eq(run(&changed), FEW);
        ck_assert_uint_eq(r.rules.n, FEW);
}
END_TEST

/* Somebody deletes a rule of ours, changes another one, and adds one in our grouping. */
START_TEST(test_drift_is_corrected) {
        want(FEW, "LocalSubnet");
        expect("+1000 +1001 +1002");
        for (int i = 0; i < 2; i++) {
                free(r.rules.items[0].remote);
                r.rules.items[0] = r.rules.items[--r.rules.n]; /* 1000 is gone */
                firewall_rules_sort(&r.rules);
                r.rules.items[0].profiles = 7; /* 1001 */
                add(&r.rules, 2000, 3, "*");
                want(FEW, "LocalSubnet");
                expect(""); /* listing is expensive, so it does not happen at each change */
                if (i == 0) {
                        firewall_apply_refresh(&r.f); /* the machine has resumed, for example */
                } else {
                        ck_assert_uint_le(r.f.due_usec, r.now_usec + FIREWALL_REFRESH_USEC);
                        r.now_usec = r.f.due_usec; /* nobody reported anything */
                }
                expect("-2000 +1000 ~1001");
                ck_assert_uint_eq(r.rules.n, FEW);
                ck_assert_uint_eq(r.rules.items[1].profiles, 3);
        }
}
END_TEST

START_TEST(test_listing_without_drift_changes_nothing) {
        static const char *const first[] = {"+1000", "+1000 +1001 +1002"};

        want(_i == 0 ? 1 : FEW, "10.0.0.0/8");
        expect(first[_i]);
        for (unsigned i = 0; i < 5; i++) {
                r.now_usec = r.f.due_usec;
                expect("");
                ck_assert_uint_eq(r.n_lists, 2 + i);
                ck_assert_uint_eq(r.f.due_usec, r.now_usec + FIREWALL_REFRESH_USEC);
        }
}
END_TEST

/* The rule of a guest in its grace period stays; a missing one is not made. */
/* 'netsh advfirewall reset' deletes our rules, and 'import' brings old ones back. */
START_TEST(test_a_hint_is_followed_by_a_list) {
        firewall_apply_hint(&r.f, r.now_usec); /* nobody has asked for a rule yet */
        ck_assert_uint_eq(r.f.due_usec, FIREWALL_IDLE);
        want(FEW, "LocalSubnet");
        expect("+1000 +1001 +1002");
        firewall_rules_done(&r.rules);
        for (unsigned i = 0; i < 3; i++)
                firewall_apply_hint(&r.f, r.now_usec + i);
        ck_assert_uint_eq(r.f.due_usec, r.now_usec + FIREWALL_RETRY_USEC);
        r.now_usec = r.f.due_usec;
        expect("+1000 +1001 +1002");
        ck_assert_uint_eq(r.n_lists, 2);

        want(0, "");
        expect("-1000 -1001 -1002");
        ck_assert_uint_eq(r.f.due_usec, FIREWALL_IDLE);
        r.now_usec += FIREWALL_REFRESH_USEC;
        add(&r.rules, 2000, 1, "*");
        firewall_apply_hint(&r.f, r.now_usec);
        ck_assert_uint_eq(r.f.due_usec, r.now_usec + FIREWALL_RETRY_USEC);
        r.now_usec = r.f.due_usec;
        expect("-2000");
        ck_assert_uint_eq(r.f.due_usec, FIREWALL_IDLE);
}
END_TEST

START_TEST(test_a_rule_in_the_grace_period_stays) {
        FirewallRules wanted = FIREWALL_RULES_NULL;

        want(1, "*");
        expect("+1000");
        add(&wanted, FIRST_PORT, 0, "");
        add(&wanted, FIRST_PORT + 1, 0, "");
        ck_assert_int_eq(firewall_apply_want(&r.f, &wanted), 0);
        firewall_rules_done(&wanted);
        expect("");
        ck_assert_uint_eq(r.rules.n, 1);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("firewall-apply");
        TCase *tc = tcase_create("firewall-apply");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_nothing_happens_unasked);
        tcase_add_test(tc, test_nothing_changes_nothing);
        tcase_add_test(tc, test_updated_in_place_removed_first);
        tcase_add_test(tc, test_thousands_in_slices);
        tcase_add_test(tc, test_one_change_fills_a_slice);
        tcase_add_test(tc, test_drift_is_corrected);
        tcase_add_loop_test(tc, test_listing_without_drift_changes_nothing, 0, 2);
        tcase_add_test(tc, test_a_hint_is_followed_by_a_list);
        tcase_add_test(tc, test_a_rule_in_the_grace_period_stays);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
