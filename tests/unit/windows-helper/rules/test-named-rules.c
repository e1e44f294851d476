/* SPDX-License-Identifier: MIT */

/* Port forwardings that listen on a name: whether one may be in the way of a service is said, and
 * not more than that. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"
#include "windows-helper/core/rules/reconcile.h"

#include <string.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

static Policy policy;
static WireState state;
static Ledger ledger;
static RuleTable rules, adoptions;
static Hostnet hostnet = {.unchecked = true};

static void setup(void) {
        policy_init(&policy);
        ledger = LEDGER_NULL;
        rules = adoptions = RULE_TABLE_NULL;
        state = (WireState){0};
}

static void teardown(void) {
        wire_state_done(&state);
        ledger_done(&ledger);
        rule_table_done(&rules);
}

static void known(const char *name, const char *data) {
        LedgerEntry e;

        ck_assert_int_eq(ledger_entry_parse(name, data, &e), 0);
        ck_assert_int_eq(ledger_put(&ledger, &e), 0);
}

static void found(RuleFamily family, const char *name, const char *data) {
        ck_assert_int_eq(rule_table_add(&rules, family, name, data), 0);
        rule_table_sort(&rules);
}

/* Only Windows knows the address of a name, so ours is written, and the other one is named. */
START_TEST(test_a_name_may_be_in_the_way) {
        ReconcileGuest guest = {"a/A", &state, 1, false};
        ReconcileInput input = {&guest, 1, &policy, &ledger, &rules, &adoptions, &hostnet};
        ReconcilePlan plan;

        found(RULE_V4TOV4, "localhost/3493", "172.20.0.9/3493");
        found(RULE_V4TOV4, "0.0.0.0/http", "172.20.0.9/80");
        world_parse(&state, "172.20.0.2", "nut=0.0.0.0:3493 web=0.0.0.0:80");
        ck_assert_int_eq(reconcile(&input, &plan), 0);
        ck_assert_uint_eq(plan.n_changes, 2);
        for (uint32_t i = 0; i < 2; i++)
                ck_assert_uint_eq(plan.results[0][i].state, WIRE_SERVICE_ACTIVE);
        ck_assert_uint_eq(plan.results[0][0].reason, WIRE_REASON_FOREIGN_RULE);
        ck_assert_ptr_nonnull(strstr(plan.results[0][0].text, "may be in the way"));
        ck_assert_ptr_nonnull(strstr(plan.results[0][0].text, "localhost/3493"));
        ck_assert_ptr_null(strstr(plan.results[0][0].text, "delete"));
        ck_assert_uint_eq(plan.results[0][1].reason, WIRE_REASON_FOREIGN_RULE);
        ck_assert_ptr_nonnull(strstr(plan.results[0][1].text, "on port 80, because it listens on "
                                                              "a name (v4tov4 0.0.0.0/http"));
        reconcile_plan_done(&plan);
}
END_TEST

/* Each of these alone, and a service on ports 1, 80 and 9100. */
static const struct {
        const char *name;
        bool noted;
} names[] = {
        {"tcpmux.example/1", true},
        {"box/080", true},
        {"printer/9100", true},
        {"printer/9101", false},
        {"box/http", true},
        {"0.0.0.0/HTTP", true},
        {"*/http", true},
        {"0.0.0.0/https", false}, /* another port */
        {"0.0.0.0/httpx", false},
        {"0.0.0.0/", false},
        {"box/80x", false},
        {"box/-80", false},
        {"box/65616", false},
        {"/80", false},
        {"80", false},
        {"a/box/80", true},
};

START_TEST(test_names_with_a_port) {
        ReconcileGuest guest = {"a/A", &state, 1, false};
        ReconcileInput input = {&guest, 1, &policy, &ledger, &rules, &adoptions, &hostnet};
        ReconcilePlan plan;

        found(RULE_V4TOV4, names[_i].name, "172.20.0.9/80");
        world_parse(&state, "172.20.0.2", "web=0.0.0.0:1,0.0.0.0:80,0.0.0.0:9100");
        ck_assert_int_eq(reconcile(&input, &plan), 0);
        ck_assert_msg((plan.results[0][0].reason == WIRE_REASON_FOREIGN_RULE) == names[_i].noted,
                      "%s", names[_i].name);
        reconcile_plan_done(&plan);
}
END_TEST

/* A service that waits for something else keeps the text that says so. */
START_TEST(test_a_name_does_not_hide_why_a_service_waits) {
        ReconcileGuest guest = {"a/A", &state, 1, false};
        ReconcileInput input = {&guest, 1, &policy, &ledger, &rules, &adoptions, &hostnet};
        ReconcilePlan plan;

        found(RULE_V4TOV4, "localhost/3493", "172.20.0.9/3493");
        known("0.0.0.0/80", "a/A|nut|172.20.0.1/80|172.20.0.9/80");
        world_parse(&state, "172.20.0.2", "nut=0.0.0.0:3493,0.0.0.0:80");
        ck_assert_int_eq(reconcile(&input, &plan), 0);
        ck_assert_uint_eq(plan.results[0][0].state, WIRE_SERVICE_PENDING);
        ck_assert_str_eq(plan.results[0][0].text, "an older rule is being removed first");
        reconcile_plan_done(&plan);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("named-rules");
        TCase *tc = tcase_create("named-rules");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_a_name_may_be_in_the_way);
        tcase_add_loop_test(tc, test_names_with_a_port, 0, (int) N(names));
        tcase_add_test(tc, test_a_name_does_not_hide_why_a_service_waits);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
