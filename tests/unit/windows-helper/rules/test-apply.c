/* SPDX-License-Identifier: MIT */

/*
 * apply() as a function: what a plan leaves in the table, in the ledger and in the service's
 * result, when it meets what nobody expected or a call fails. test-property.c covers a kill between
 * any two calls.
 */

#include "tests/host/memory-host.h"
#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"
#include "windows-helper/core/rules/apply.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define N(a)  (sizeof(a) / sizeof((a)[0]))
#define NEVER (-1)
#define NAME  "0.0.0.0/80"
#define RULE  "v4tov4 " NAME

static MemoryHost m;
static ControllerHost host;
static RuleView view;
static Ledger ledger;
static RuleTable adoptions;
static int failing; /* MemoryCall */

static int fault(MemoryHost *memory, MemoryCall call) {
        return (int) call == failing ? -EIO : 0;
}

/* One service of one guest at 172.20.0.2, and what apply() makes of it. */
static const struct {
        const char *name;
        const char *entry, *value; /* before: of NAME in the ledger, and in the table; NULL: none */
        bool adopted;              /* the administrator gave us the value */
        const char *services, *address;
        const char *meanwhile; /* somebody sets this after the plan was made; "": deletes it */
        int fails;
        const char *rule, *ledger; /* of NAME afterwards */
        const char *result;        /* "" = active without a text */
        const char *outcome;
        bool unknown; /* the table has to be read again */
} cases[] = {
        {"a new one", NULL, NULL, false, "web=0.0.0.0:80", "172.20.0.2", NULL, NEVER,
         "172.20.0.2/80", "a/A|web|172.20.0.2/80|172.20.0.2/80", "",
         "written 1 deleted 0 activated"},
        {"another address", "a/A|web|172.20.0.1/80|172.20.0.1/80", "172.20.0.1/80", false,
         "web=0.0.0.0:80", "172.20.0.2", NULL, NEVER, "172.20.0.2/80",
         "a/A|web|172.20.0.2/80|172.20.0.2/80", "", "written 1 deleted 0 activated"},
        {"another family: the old one goes first", "a/A|web|172.20.0.1/80|172.20.0.1/80",
         "172.20.0.1/80", false, "web=0.0.0.0:80", "fd00::2", NULL, NEVER, NULL,
         "a/A|web|fd00::2/80|fd00::2/80", "", "written 1 deleted 1 activated"},
        {"another family, and the old one is somebody else's by now",
         "a/A|web|172.20.0.1/80|172.20.0.1/80", "172.20.0.1/80", false, "web=0.0.0.0:80", "fd00::2",
         "10.9.9.9/80", NEVER, "10.9.9.9/80", NULL,
         "0.0.0.0:80: somebody has just set a port forwarding there; delete it, take it over "
         "('wslbridge-helper adopt 0.0.0.0:80'), or listen elsewhere (10.9.9.9/80)",
         "written 0 deleted 0", true},
        {"somebody sets what we are about to write: it is theirs", NULL, NULL, false,
         "web=0.0.0.0:80", "172.20.0.2", "172.20.0.2/80", NEVER, "172.20.0.2/80", NULL,
         "0.0.0.0:80: somebody has just set a port forwarding there; delete it, take it over "
         "('wslbridge-helper adopt 0.0.0.0:80'), or listen elsewhere (172.20.0.2/80)",
         "written 0 deleted 0", true},
        {"the old one is deleted before we change it", "a/A|web|172.20.0.1/80|172.20.0.1/80",
         "172.20.0.1/80", false, "web=0.0.0.0:80", "172.20.0.2", "", NEVER, "172.20.0.2/80",
         "a/A|web|172.20.0.2/80|172.20.0.2/80", "", "written 1 deleted 0 activated", true},
        {"another service of the guest has it: that is only recorded",
         "a/A|old|172.20.0.2/80|172.20.0.2/80", "172.20.0.2/80", false, "web=0.0.0.0:80",
         "172.20.0.2", NULL, NEVER, "172.20.0.2/80", "a/A|web|172.20.0.2/80|172.20.0.2/80", "",
         "written 0 deleted 0"},
        {"not wanted any more", "a/A|web|172.20.0.2/80|172.20.0.2/80", "172.20.0.2/80", false, "",
         "172.20.0.2", NULL, NEVER, NULL, NULL, "", "written 0 deleted 1 activated"},
        {"not wanted, and somebody else's by now", "a/A|web|172.20.0.2/80|172.20.0.2/80",
         "172.20.0.2/80", false, "", "172.20.0.2", "10.9.9.9/80", NEVER, "10.9.9.9/80", NULL, "",
         "written 0 deleted 0", true},
        {"not wanted, and gone already", "a/A|web|172.20.0.2/80|172.20.0.2/80", "172.20.0.2/80",
         false, "", "172.20.0.2", "", NEVER, NULL, NULL, "", "written 0 deleted 0", true},
        {"an old script's is taken over", NULL, "10.9.9.9/80", true, "web=0.0.0.0:80", "172.20.0.2",
         NULL, NEVER, "172.20.0.2/80", "a/A|web|172.20.0.2/80|172.20.0.2/80", "",
         "written 1 deleted 0 activated"},
        {"an old script's that is right is taken over: that is only recorded", NULL,
         "172.20.0.2/80", true, "web=0.0.0.0:80", "172.20.0.2", NULL, NEVER, "172.20.0.2/80",
         "a/A|web|172.20.0.2/80|172.20.0.2/80", "", "written 0 deleted 0"},
        {"an old script's that leads to a name is taken over: ours follows in the next run", NULL,
         "wsl.local/80", true, "web=0.0.0.0:80", "172.20.0.2", NULL, NEVER, NULL, NULL,
         "an older rule is being taken over first", "written 0 deleted 1 adopted 1 again"},
        {"it is another one by now", NULL, "10.9.9.9/80", true, "web=0.0.0.0:80", "172.20.0.2",
         "10.9.9.8/80", NEVER, "10.9.9.8/80", NULL,
         "0.0.0.0:80: somebody has just set a port forwarding there; delete it, take it over "
         "('wslbridge-helper adopt 0.0.0.0:80'), or listen elsewhere (10.9.9.8/80)",
         "written 0 deleted 0", true},
        {"it cannot be read", NULL, "10.9.9.9/80", true, "web=0.0.0.0:80", "172.20.0.2", NULL,
         MEMORY_RULE_GET, "10.9.9.9/80", "a/A|web|10.9.9.9/80|172.20.0.2/80",
         "0.0.0.0:80: changing the port forwarding failed (Windows reported an error); it is tried "
         "again "
         "automatically",
         "written 0 deleted 0 error", true},
        {"it cannot be written", NULL, "10.9.9.9/80", true, "web=0.0.0.0:80", "172.20.0.2", NULL,
         MEMORY_RULE_SET, "10.9.9.9/80", "a/A|web|10.9.9.9/80|172.20.0.2/80",
         "0.0.0.0:80: changing the port forwarding failed (Windows reported an error); it is tried "
         "again "
         "automatically",
         "written 0 deleted 0 error", true},
        {"one that leads to a name cannot be deleted", NULL, "wsl.local/80", true, "web=0.0.0.0:80",
         "172.20.0.2", NULL, MEMORY_RULE_DELETE, "wsl.local/80", NULL,
         "0.0.0.0:80: changing the port forwarding failed (Windows reported an error); it is tried "
         "again "
         "automatically",
         "written 0 deleted 0 error", true},
        {"the value cannot be written: the entry stays and proves it", NULL, NULL, false,
         "web=0.0.0.0:80", "172.20.0.2", NULL, MEMORY_RULE_SET, NULL, "a/A|web|-|172.20.0.2/80",
         "0.0.0.0:80: changing the port forwarding failed (Windows reported an error); it is tried "
         "again "
         "automatically",
         "written 0 deleted 0 error", true},
        {"the ledger cannot be written: nothing else is", NULL, NULL, false, "web=0.0.0.0:80",
         "172.20.0.2", NULL, MEMORY_LEDGER_PUT, NULL, NULL,
         "0.0.0.0:80: writing the ledger failed (Windows reported an error); it is tried again "
         "automatically",
         "written 0 deleted 0 error", true},
        {"the ledger cannot be saved: nothing else is written", NULL, NULL, false, "web=0.0.0.0:80",
         "172.20.0.2", NULL, MEMORY_LEDGER_FLUSH, NULL, "a/A|web|-|172.20.0.2/80",
         "0.0.0.0:80: saving the ledger failed (Windows reported an error); it is tried again "
         "automatically",
         "written 0 deleted 0 error", true},
        {"the values cannot be saved: the entry proves both", "a/A|web|172.20.0.1/80|172.20.0.1/80",
         "172.20.0.1/80", false, "web=0.0.0.0:80", "172.20.0.2", NULL, MEMORY_RULES_FLUSH,
         "172.20.0.2/80", "a/A|web|172.20.0.1/80|172.20.0.2/80", "",
         "written 1 deleted 0 activated error"},
        {"iphlpsvc does not answer: the entry of what is gone stays",
         "a/A|web|172.20.0.2/80|172.20.0.2/80", "172.20.0.2/80", false, "", "172.20.0.2", NULL,
         MEMORY_ACTIVATE, NULL, "a/A|web|172.20.0.2/80|-", "", "written 0 deleted 1 activated"},
};

static void setup(void) {
        memory_host_init(&m);
        memory_host_fill(&m, &host);
        m.fault = fault;
        failing = NEVER;
        view = RULE_VIEW_NULL;
        ledger = LEDGER_NULL;
        adoptions = RULE_TABLE_NULL;
}

static void teardown(void) {
        rule_table_done(&adoptions);
        ledger_done(&ledger);
        rule_view_done(&view);
        memory_host_done(&m);
}

static void read_all(void) {
        bool changed;

        while (rule_view_deadline(&view) <= m.now_usec)
                ck_assert_int_eq(rule_view_read(&view, &host.rules, SIZE_MAX, m.now_usec, &changed),
                                 0);
}

static void load(unsigned i) {
        RuleCursor cursor = {0};

        if (cases[i].value)
                memory_host_foreign(&m, RULE_V4TOV4, NAME, cases[i].value);
        if (cases[i].entry)
                ck_assert_int_eq(text_map_set(&m.ledger, NAME, cases[i].entry), 0);
        ck_assert_int_eq(host.rules.ledger_load(&m, &ledger), 0);
        if (cases[i].adopted) {
                ck_assert_int_eq(text_map_set(&m.adoptions, RULE, cases[i].value), 0);
                ck_assert_int_eq(host.rules.rules_read(&m, &cursor, SIZE_MAX, &adoptions), 0);
        }
        rule_view_changed(&view);
        read_all();
        ck_assert(view.known);
}

static void expect(const char *name, const char *what, const char *is, const char *expected) {
        ck_assert_msg((is && expected) ? strcmp(is, expected) == 0 : is == expected,
                      "%s: %s is '%s'", name, what, is ? is : "none");
}

/* What is in the ledger in memory is what is stored, and the known values are those that are there,
 * unless they are to be read again. */
static void expect_in_step(const char *name, bool unknown) {
        Ledger stored = LEDGER_NULL;
        RuleTable truth = RULE_TABLE_NULL;
        RuleCursor cursor = {0};

        failing = NEVER;
        ck_assert_int_eq(host.rules.ledger_load(&m, &stored), 0);
        ck_assert_msg(stored.n_entries == ledger.n_entries, "%s: ledger", name);
        for (size_t i = 0; i < stored.n_entries; i++)
                ck_assert(
                        rule_target_equal(&stored.entries[i].current, &ledger.entries[i].current) &&
                        rule_target_equal(&stored.entries[i].next, &ledger.entries[i].next));
        ledger_done(&stored);
        rule_view_update(&view, m.now_usec);
        ck_assert_msg(view.known != unknown, "%s: the table is %sknown", name,
                      unknown ? "" : "not ");
        read_all();
        ck_assert_int_eq(host.rules.rules_read(&m, &cursor, SIZE_MAX, &truth), 0);
        rule_table_sort(&truth);
        ck_assert_msg(rule_table_equal(&view.present, &truth), "%s: table", name);
        rule_table_done(&truth);
}

static void outcome_text(const ApplyOutcome *o, char *text, size_t size) {
        char adopted[32] = "";

        if (o->n_adopted > 0)
                (void) snprintf(adopted, sizeof(adopted), " adopted %zu", o->n_adopted);
        (void) snprintf(text, size, "written %zu deleted %zu%s%s%s%s", o->n_written, o->n_deleted,
                        adopted, o->activated ? " activated" : "", o->again ? " again" : "",
                        o->error ? " error" : "");
}

/* Before: both values of the guest are there, and iphlpsvc uses them. Nothing is wanted now. */
static void withdraw_two(ApplyActivation activation, ApplyOutcome *ret_outcome) {
        WireState state = {0};
        ReconcileGuest guest = {"a/A", &state, 1, false};
        Hostnet hostnet = {.unchecked = true};
        ReconcilePlan plan;
        Policy policy;
        ReconcileInput input = {&guest, 1, &policy, &ledger, &view.present, &adoptions, &hostnet};

        policy_init(&policy);
        memory_host_foreign(&m, RULE_V4TOV4, "0.0.0.0/80", "172.20.0.2/80");
        memory_host_foreign(&m, RULE_V4TOV4, "0.0.0.0/81", "172.20.0.2/81");
        ck_assert_int_eq(
                text_map_set(&m.ledger, "0.0.0.0/80", "a/A|web|172.20.0.2/80|172.20.0.2/80"), 0);
        ck_assert_int_eq(
                text_map_set(&m.ledger, "0.0.0.0/81", "a/A|web|172.20.0.2/81|172.20.0.2/81"), 0);
        ck_assert_int_eq(host.rules.ledger_load(&m, &ledger), 0);
        rule_view_changed(&view);
        read_all();
        ck_assert_int_eq(reconcile(&input, &plan), 0);
        ck_assert_int_eq(apply(&host.rules, &view, &ledger, &plan, activation, ret_outcome), 0);
        reconcile_plan_done(&plan);
}

/* A slice of a larger change leaves the activation to a later one. Until then one entry stays, so
 * that a helper that starts after a kill activates. */
START_TEST(test_activation_is_left_to_a_later_slice) {
        ApplyOutcome outcome;

        withdraw_two(APPLY_LATER, &outcome);
        ck_assert(outcome.postponed);
        ck_assert(!outcome.activated);
        ck_assert_uint_eq(m.rules.n, 0);
        ck_assert_uint_eq(m.ledger.n, 1);
        expect_in_step("later", false);
        ck_assert_uint_eq(ledger.n_entries, 1);
}
END_TEST

START_TEST(test_the_ledger_is_written_once_for_each_change) {
        ApplyOutcome outcome;

        withdraw_two(APPLY_CHANGES, &outcome);
        ck_assert(!outcome.postponed);
        ck_assert_uint_eq(m.calls[MEMORY_LEDGER_PUT], 2);
        ck_assert_uint_eq(m.calls[MEMORY_LEDGER_REMOVE], 2);
        ck_assert_uint_eq(m.calls[MEMORY_LEDGER_FLUSH], 1);
        ck_assert_uint_eq(m.calls[MEMORY_RULES_FLUSH], 1);
        ck_assert_uint_eq(m.calls[MEMORY_ACTIVATE], 1);
        expect_in_step("once", false);
}
END_TEST

/* The entry of a value that is gone cannot be removed: it proves nothing that is there, and the
 * next run tries again. */
START_TEST(test_an_entry_cannot_be_removed) {
        ApplyOutcome outcome;

        failing = MEMORY_LEDGER_REMOVE;
        withdraw_two(APPLY_CHANGES, &outcome);
        ck_assert_int_eq(outcome.error, -EIO);
        ck_assert_uint_eq(m.rules.n, 0);
        expect_in_step("not removed", false);
        ck_assert_uint_eq(ledger.n_entries, 2);
}
END_TEST

START_TEST(test_without_changes_nothing_is_called) {
        ReconcilePlan plan = {0};
        ApplyOutcome outcome;

        ck_assert_int_eq(apply(&host.rules, &view, &ledger, &plan, APPLY_CHANGES, &outcome), 0);
        for (unsigned i = 0; i < _MEMORY_CALL_END; i++)
                ck_assert_uint_eq(m.calls[i], 0);
        ck_assert(!outcome.activated && !outcome.again && outcome.error == 0);
}
END_TEST

START_TEST(test_apply) {
        const char *name = cases[_i].name;
        WireState state = {0};
        ReconcileGuest guest = {"a/A", &state, 1, false};
        Policy policy;
        Hostnet hostnet = {.unchecked = true};
        ReconcileInput input = {&guest, 1, &policy, &ledger, &view.present, &adoptions, &hostnet};
        ReconcilePlan plan;
        ApplyOutcome outcome;
        char text[128];

        policy_init(&policy);
        world_parse(&state, cases[_i].address, cases[_i].services);
        load((unsigned) _i);
        ck_assert_int_eq(reconcile(&input, &plan), 0);
        if (cases[_i].meanwhile)
                memory_host_foreign(&m, RULE_V4TOV4, NAME,
                                    cases[_i].meanwhile[0] ? cases[_i].meanwhile : NULL);
        failing = cases[_i].fails;
        ck_assert_int_eq(apply(&host.rules, &view, &ledger, &plan, APPLY_CHANGES, &outcome), 0);
        expect(name, "the value", memory_host_rule(&m, RULE_V4TOV4, NAME), cases[_i].rule);
        expect(name, "the entry", text_map_get(&m.ledger, NAME), cases[_i].ledger);
        if (state.n_services > 0)
                expect(name, "the text", plan.results[0][0].text ? plan.results[0][0].text : "",
                       cases[_i].result);
        outcome_text(&outcome, text, sizeof(text));
        expect(name, "the outcome", text, cases[_i].outcome);
        ck_assert_uint_eq(m.adoptions.n, cases[_i].adopted && cases[_i].result[0] != '\0' &&
                                                 outcome.n_adopted == 0);
        reconcile_plan_done(&plan);
        expect_in_step(name, cases[_i].unknown);
        wire_state_done(&state);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("apply");
        TCase *tc = tcase_create("apply");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_loop_test(tc, test_apply, 0, (int) N(cases));
        tcase_add_test(tc, test_activation_is_left_to_a_later_slice);
        tcase_add_test(tc, test_the_ledger_is_written_once_for_each_change);
        tcase_add_test(tc, test_an_entry_cannot_be_removed);
        tcase_add_test(tc, test_without_changes_nothing_is_called);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
