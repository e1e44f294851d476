/* SPDX-License-Identifier: MIT */

/* Firewall rules are carried out against a firewall that records every change. */

#include "tests/suite.h"
#include "windows-helper/core/firewall/apply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHANGE_USEC  3000
#define CALLS_MAX    4096
#define FIRST_PORT   1000
#define FEW          3
#define REFUSED_EACH 7 /* rules are refused for every seventh port */

/* A firewall that takes a while for each change and remembers everything. */
typedef struct Recorder {
        uint64_t now_usec, change_usec;
        FirewallRules rules;
        unsigned n_lists, n_changes, n_rests;
        int list_error, change_error;
        bool refuses_sevenths;
        char calls[CALLS_MAX]; /* "+1000 ~1001 -1002" since the last expect() */
        FirewallApply f;
} Recorder;

static int recorder_list(void *userdata, FirewallRules *rules) {
        Recorder *r = userdata;

        r->n_lists++;
        for (size_t i = r->rules.n; r->list_error == 0 && i-- > 0;) /* in any order */
                ck_assert_int_eq(firewall_rules_add(rules, &r->rules.items[i]), 0);
        return r->list_error;
}

static void recorder_do(Recorder *r, const FirewallChange *change) {
        FirewallRule *rule = firewall_rules_find(&r->rules, r->rules.n, &change->rule->listen);

        switch (change->action) {
        case FIREWALL_ADD:
                ck_assert_ptr_null(rule);
                ck_assert_int_eq(firewall_rules_add(&r->rules, change->rule), 0);
                firewall_rules_sort(&r->rules);
                break;
        case FIREWALL_UPDATE:
                ck_assert_ptr_nonnull(rule);
                ck_assert_int_eq(firewall_rule_copy(rule, change->rule), 0);
                break;
        case FIREWALL_REMOVE:
                ck_assert_ptr_nonnull(rule);
                free(rule->remote);
                *rule = r->rules.items[--r->rules.n];
                firewall_rules_sort(&r->rules);
                break;
        }
}

static int recorder_change(void *userdata, const FirewallChange *change) {
        static const char signs[] = {
                [FIREWALL_ADD] = '+', [FIREWALL_UPDATE] = '~', [FIREWALL_REMOVE] = '-'};
        Recorder *r = userdata;
        size_t n = strlen(r->calls);

        r->now_usec += r->change_usec;
        r->n_changes++;
        (void) snprintf(r->calls + n, sizeof(r->calls) - n, "%s%c%u", n > 0 ? " " : "",
                        signs[change->action], change->rule->listen.port);
        if (r->change_error < 0)
                return r->change_error;
        if (r->refuses_sevenths && change->rule->listen.port % REFUSED_EACH == 0)
                return -EIO;
        recorder_do(r, change);
        return 0;
}

static void recorder_rest(void *userdata) {
        ((Recorder *) userdata)->n_rests++;
}

static uint64_t recorder_now(void *userdata) {
        return ((Recorder *) userdata)->now_usec;
}

static Recorder r;

static void setup(void) {
        const FirewallStore store = {&r, recorder_list, recorder_change, recorder_rest,
                                     recorder_now};

        r = (Recorder){.change_usec = CHANGE_USEC};
        firewall_apply_init(&r.f, &store);
}

static void teardown(void) {
        firewall_apply_done(&r.f);
        firewall_rules_done(&r.rules);
}

static void add(FirewallRules *rules, uint16_t port, uint8_t profiles, const char *remote) {
        FirewallRule rule = {.listen = {ip_v4(0, 0, 0, 0), port},
                             .profiles = profiles,
                             .remote = (char *) (uintptr_t) remote,
                             .service = "web"};

        ck_assert_int_eq(firewall_rules_add(rules, &rule), 0);
        firewall_rules_sort(rules);
}

/* Want @n rules from FIRST_PORT on; the first has @remote, the others are always the same. */
static void want(unsigned n, const char *remote) {
        FirewallRules wanted = FIREWALL_RULES_NULL;

        for (unsigned i = 0; i < n; i++)
                add(&wanted, (uint16_t) (FIRST_PORT + i), 3, i == 0 ? remote : "LocalSubnet");
        ck_assert_int_eq(firewall_apply_want(&r.f, &wanted), 0);
        firewall_rules_done(&wanted);
}

/* Do everything that is due now. Return: the number of slices. @ret_changed: how often .problem
 * changed. */
static unsigned run(unsigned *ret_changed) {
        unsigned n = 0;

        *ret_changed = 0;
        r.calls[0] = '\0';
        for (; r.f.due_usec <= r.now_usec; n++) {
                uint64_t before = r.now_usec;

                ck_assert_uint_lt(n, 1000); /* it must come to an end */
                *ret_changed += firewall_apply_tick(&r.f, r.now_usec);
                ck_assert_uint_le(r.now_usec - before, FIREWALL_SLICE_USEC + r.change_usec);
        }
        return n;
}

static void expect(const char *calls) {
        unsigned changed;

        (void) run(&changed);
        ck_assert_str_eq(r.calls, calls);
        ck_assert_uint_eq(changed, 0);
}

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
        ck_assert_ptr_nonnull(strstr(r.f.problem, "MpsSvc"));
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

START_TEST(test_a_refused_removal_is_tried_again) {
        unsigned changed;

        r.refuses_sevenths = true;
        add(&r.rules, 994, 3, "LocalSubnet");
        add(&r.rules, 995, 3, "LocalSubnet");
        want(1, "LocalSubnet");
        (void) run(&changed);
        ck_assert_str_eq(r.calls, "-994 -995 +1000");
        ck_assert_ptr_nonnull(strstr(r.f.problem, "MpsSvc"));
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
        tcase_add_test(tc, test_all_are_refused_and_tried_again);
        tcase_add_test(tc, test_a_refused_rule_does_not_delay_others);
        tcase_add_test(tc, test_a_refused_removal_is_tried_again);
        tcase_add_test(tc, test_a_list_that_fails_is_tried_again);
        tcase_add_test(tc, test_drift_is_corrected);
        tcase_add_loop_test(tc, test_listing_without_drift_changes_nothing, 0, 2);
        tcase_add_test(tc, test_a_rule_in_the_grace_period_stays);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
