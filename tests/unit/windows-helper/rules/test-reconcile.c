/* SPDX-License-Identifier: MIT */

/* reconcile() as a function: the order of its inputs does not matter, the order of its output does,
 * and it changes only values that the ledger proves. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"
#include "windows-helper/core/rules/reconcile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(a)   (sizeof(a) / sizeof((a)[0]))
#define ROUNDS 300

static Policy policy;
static WireState states[3];
static Ledger ledger;
static RuleTable rules, adoptions;
static Hostnet hostnet = {.unchecked = true};
static uint64_t randomness = 1;

static void setup(void) {
        policy_init(&policy);
        ledger = LEDGER_NULL;
        rules = adoptions = RULE_TABLE_NULL;
        memset(states, 0, sizeof(states));
}

static void clear(void) {
        for (unsigned i = 0; i < 3; i++)
                wire_state_done(&states[i]);
        ledger_done(&ledger);
        rule_table_done(&rules);
        rule_table_done(&adoptions);
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

/* The plan and the results as text. */
static void plan_text(const ReconcileGuest *guests, size_t n, char *text, size_t size) {
        static const char *const names[] = {"write", "remove", "forget", "record", "adopt"};
        ReconcileInput input = {guests, n, &policy, &ledger, &rules, &adoptions, &hostnet};
        ReconcilePlan plan;
        size_t at = 0;

        text[0] = '\0';
        ck_assert_int_eq(reconcile(&input, &plan), 0);
        for (size_t i = 0; i < plan.n_changes; i++) {
                char name[RULE_TEXT_MAX], data[LEDGER_TEXT_MAX + 1];

                rule_endpoint_format(&plan.changes[i].entry.listen, name);
                ledger_entry_format(&plan.changes[i].entry, data);
                at += (size_t) snprintf(text + at, size - at, "%s %s %s\n",
                                        plan.changes[i].restores ? "restore"
                                                                 : names[plan.changes[i].action],
                                        name, data);
        }
        for (size_t owner = 0; owner < n; owner++) { /* by owner, not by index */
                for (size_t i = 0; i < n; i++) {
                        if (guests[i].owner[0] != (char) ('a' + owner) || !plan.results[i])
                                continue;
                        for (uint32_t k = 0; k < guests[i].state->n_services; k++) {
                                at += (size_t) snprintf(
                                        text + at, size - at, "%s %s: %s\n", guests[i].owner,
                                        guests[i].state->services[k].name,
                                        wire_service_state_name(plan.results[i][k].state));
                        }
                }
        }
        reconcile_plan_done(&plan);
}

START_TEST(test_first_come_first_served) {
        char text[1024];

        world_parse(&states[0], "172.20.0.2", "web=0.0.0.0:80");
        world_parse(&states[1], "172.20.0.3", "web=0.0.0.0:80");
        plan_text((ReconcileGuest[]){{"a/A", &states[0], 7, false}, {"b/B", &states[1], 5, false}},
                  2, text, sizeof(text));
        ck_assert_str_eq(text, "write 0.0.0.0/80 b/B|web|-|172.20.0.3/80\n"
                               "a/A web: conflict\n"
                               "b/B web: active\n");
        clear();
}
END_TEST

START_TEST(test_order_of_changes) {
        char text[2048];

        known("0.0.0.0/81", "a/A|old|172.20.0.2/81|172.20.0.2/81");
        known("0.0.0.0/85", "a/A|web|172.20.0.1/85|172.20.0.1/85");
        known("0.0.0.0/87", "a/A|web|172.20.0.1/87|172.20.0.2/87");
        known("0.0.0.0/90", "z/Z|gone|172.20.0.9/90|172.20.0.9/90");
        known("0.0.0.0/95", "z/Z|taken|172.20.0.9/95|172.20.0.9/95");
        found(RULE_V4TOV4, "0.0.0.0/81", "172.20.0.2/81");
        found(RULE_V4TOV4, "0.0.0.0/85", "172.20.0.1/85");
        found(RULE_V4TOV4, "0.0.0.0/87", "172.20.0.2/87");
        found(RULE_V4TOV4, "0.0.0.0/95", "10.9.9.9/95");
        world_parse(&states[0], "172.20.0.2", "web=0.0.0.0:85,0.0.0.0:80,0.0.0.0:87");
        plan_text((ReconcileGuest[]){{"a/A", &states[0], 1, false}}, 1, text, sizeof(text));
        ck_assert_str_eq(text, "remove 0.0.0.0/81 a/A|old|172.20.0.2/81|-\n"
                               "remove 0.0.0.0/90 z/Z|gone|172.20.0.9/90|172.20.0.9/90\n"
                               "forget 0.0.0.0/95 z/Z|taken|172.20.0.9/95|172.20.0.9/95\n"
                               "write 0.0.0.0/80 a/A|web|-|172.20.0.2/80\n"
                               "write 0.0.0.0/85 a/A|web|172.20.0.1/85|172.20.0.2/85\n"
                               "record 0.0.0.0/87 a/A|web|172.20.0.2/87|172.20.0.2/87\n"
                               "a/A web: active\n");
        clear();
}
END_TEST

/* One endpoint, 0.0.0.0:80, after whatever came before. Agent a is at 172.20.0.2, b at 172.20.0.3.
 */
static const struct {
        const char *name;
        const char *entry;     /* in the ledger; NULL: none */
        const char *found;     /* value of the endpoint; NULL: none */
        const char *adopted;   /* value that the administrator gave us; NULL: none */
        const char *one, *two; /* the services of a, and of b */
        const char *plan;
} histories[] = {
        {"killed between the ledger and the first write", "a/A|web|-|172.20.0.2/80", NULL, NULL,
         "web=0.0.0.0:80", "",
         "write 0.0.0.0/80 a/A|web|172.20.0.2/80|172.20.0.2/80\n"
         "a/A web: active\n"},
        {"killed while a rule was removed", "a/A|web|172.20.0.1/80|-", NULL, NULL, "web=0.0.0.0:80",
         "",
         "write 0.0.0.0/80 a/A|web|172.20.0.1/80|172.20.0.2/80\n"
         "a/A web: active\n"},
        {"killed while a rule was changed, and now neither value is seen: both may be there",
         "a/A|web|172.20.0.1/80|172.20.0.9/80", NULL, NULL, "web=0.0.0.0:80", "",
         "remove 0.0.0.0/80 a/A|web|172.20.0.1/80|172.20.0.9/80\n"
         "a/A web: pending\n"},
        {"another port than before: what goes comes first", "a/A|web|172.20.0.2/80|172.20.0.2/80",
         "172.20.0.2/80", NULL, "web=0.0.0.0:79", "",
         "remove 0.0.0.0/80 a/A|web|172.20.0.2/80|-\n"
         "write 0.0.0.0/79 a/A|web|-|172.20.0.2/79\n"
         "a/A web: active\n"},
        {"somebody deleted our value", "a/A|web|172.20.0.2/80|172.20.0.2/80", NULL, NULL,
         "web=0.0.0.0:80", "",
         "restore 0.0.0.0/80 a/A|web|172.20.0.2/80|172.20.0.2/80\n"
         "a/A web: active\n"},
        {"both ask for what an old script left, and it is taken over: the first one gets it", NULL,
         "10.9.9.9/80", "10.9.9.9/80", "web=0.0.0.0:80", "www=0.0.0.0:80",
         "write 0.0.0.0/80 a/A|web|10.9.9.9/80|172.20.0.2/80\n"
         "a/A web: active\n"
         "b/B www: conflict\n"},
        {"it is right already", NULL, "172.20.0.2/80", "172.20.0.2/80", "web=0.0.0.0:80", "",
         "record 0.0.0.0/80 a/A|web|172.20.0.2/80|172.20.0.2/80\n"
         "a/A web: active\n"},
        {"it leads to a name, so it cannot be proved: both wait for it to go", NULL, "x/80", "x/80",
         "web=0.0.0.0:80", "www=0.0.0.0:80",
         "adopt 0.0.0.0/80 ||-|-\n"
         "a/A web: pending\n"
         "b/B www: pending\n"},
        {"asked for twice by its owner: the first one keeps it",
         "a/A|web|172.20.0.2/80|172.20.0.2/80", "172.20.0.2/80", NULL,
         "web=0.0.0.0:80 www=0.0.0.0:80", "",
         "a/A web: active\n"
         "a/A www: invalid\n"},
        {"asked for by an earlier one, too: the owner keeps it",
         "b/B|www|172.20.0.3/80|172.20.0.3/80", "172.20.0.3/80", NULL, "web=0.0.0.0:80",
         "www=0.0.0.0:80",
         "a/A web: conflict\n"
         "b/B www: active\n"},
};

START_TEST(test_history_of_an_endpoint) {
        char text[1024];

        if (histories[_i].entry)
                known("0.0.0.0/80", histories[_i].entry);
        if (histories[_i].found)
                found(RULE_V4TOV4, "0.0.0.0/80", histories[_i].found);
        if (histories[_i].adopted)
                ck_assert_int_eq(rule_table_add(&adoptions, RULE_V4TOV4, "0.0.0.0/80",
                                                histories[_i].adopted),
                                 0);
        world_parse(&states[0], "172.20.0.2", histories[_i].one);
        world_parse(&states[1], "172.20.0.3", histories[_i].two);
        plan_text((ReconcileGuest[]){{"a/A", &states[0], 1, false}, {"b/B", &states[1], 2, false}},
                  2, text, sizeof(text));
        ck_assert_msg(strcmp(text, histories[_i].plan) == 0, "%s: %s", histories[_i].name, text);
        clear();
}
END_TEST

/* The owner is not back yet, so the other one is told who has the endpoint, and where. */
START_TEST(test_held_in_the_grace_period) {
        ReconcileGuest guests[] = {{"a/A", NULL, 1, .in_grace = true}, {"b", &states[1], 2, false}};
        ReconcileInput input = {guests, 2, &policy, &ledger, &rules, &adoptions, &hostnet};
        ReconcilePlan plan;

        known("0.0.0.0/80", "a/A|web|172.20.0.2/80|172.20.0.2/80");
        found(RULE_V4TOV4, "0.0.0.0/80", "172.20.0.2/80");
        world_parse(&states[1], "172.20.0.3", "www=0.0.0.0:80 new=0.0.0.0:81");
        ck_assert_int_eq(reconcile(&input, &plan), 0);
        ck_assert_str_eq(plan.results[1][0].text,
                         "0.0.0.0:80: held by service 'web' of A (agent a)");
        ck_assert_uint_eq(plan.results[1][1].state, WIRE_SERVICE_ACTIVE);
        ck_assert_uint_eq(plan.n_changes, 1);
        reconcile_plan_done(&plan);
        known("0.0.0.0/80", "old|web|172.20.0.2/80|172.20.0.2/80"); /* not a name of ours */
        guests[0].owner = "old";
        ck_assert_int_eq(reconcile(&input, &plan), 0);
        ck_assert_str_eq(plan.results[1][0].text,
                         "0.0.0.0:80: held by service 'web' of old (agent )");
        reconcile_plan_done(&plan);
        clear();
}
END_TEST

/* The limit of the policy is for all services of an agent together. */
START_TEST(test_limit_of_endpoints) {
        char text[1024];

        policy.max_endpoints = 3;
        world_parse(&states[0], "172.20.0.2", "web=0.0.0.0:80-81 dev=0.0.0.0:82 nut=0.0.0.0:83");
        plan_text((ReconcileGuest[]){{"a/A", &states[0], 1, false}}, 1, text, sizeof(text));
        ck_assert_str_eq(text, "write 0.0.0.0/80 a/A|web|-|172.20.0.2/80\n"
                               "write 0.0.0.0/81 a/A|web|-|172.20.0.2/81\n"
                               "write 0.0.0.0/82 a/A|dev|-|172.20.0.2/82\n"
                               "a/A web: active\n"
                               "a/A dev: active\n"
                               "a/A nut: refused\n");
        clear();
}
END_TEST

START_TEST(test_nothing_wanted_and_nothing_known) {
        char text[64];

        found(RULE_V4TOV4, "0.0.0.0/80", "10.9.9.9/80");
        found(RULE_V4TOV4, "what is this", "10.9.9.9/80");
        plan_text(NULL, 0, text, sizeof(text));
        ck_assert_str_eq(text, "");
        clear();
}
END_TEST

static unsigned below(unsigned n) {
        MemoryHost m = {.random = randomness};
        unsigned value = (unsigned) (memory_host_random(&m) % n);

        randomness = m.random;
        return value;
}

static void random_world(void) {
        char name[64], data[256];

        for (unsigned i = 0; i < 3; i++) {
                (void) snprintf(data, sizeof(data), "s=0.0.0.0:%u-%u t=0.0.0.0:%u", 80 + below(6),
                                86 + below(6), 80 + below(12));
                world_parse(&states[i], below(5) ? "172.20.0.2" : "fd00::2", data);
        }
        for (unsigned port = 80; port < 92; port++) {
                (void) snprintf(name, sizeof(name), "0.0.0.0/%u", port);
                if (below(2)) {
                        (void) snprintf(data, sizeof(data), "%c/X|s|172.20.0.%u/%u|%s",
                                        'a' + below(4), 1 + below(3), port,
                                        below(2) ? "-" : "fd00::2/80");
                        known(name, data);
                }
                if (below(2)) {
                        (void) snprintf(data, sizeof(data), "172.20.0.%u/%u", 1 + below(3), port);
                        found(RULE_V4TOV4, name, data);
                }
        }
}

static void shuffle(ReconcileGuest *guests, size_t n) {
        for (size_t i = n - 1; i > 0; i--) {
                size_t k = below((unsigned) i + 1);
                ReconcileGuest a = guests[i];

                guests[i] = guests[k];
                guests[k] = a;
        }
}

START_TEST(test_order_of_inputs_does_not_matter) {
        static char one[16384], two[16384];

        for (unsigned i = 0; i < ROUNDS; i++) {
                ReconcileGuest guests[] = {{"a/X", &states[0], 3, false},
                                           {"b/X", &states[1], 1, false},
                                           {"c/X", &states[2], 2, false},
                                           {"d/X", NULL, 0, true}};

                random_world();
                plan_text(guests, 4, one, sizeof(one));
                shuffle(guests, 4);
                for (size_t k = rules.n_values; k > 1; k--) {
                        size_t other = below((unsigned) k);
                        RuleValue v = rules.values[k - 1];

                        rules.values[k - 1] = rules.values[other];
                        rules.values[other] = v;
                }
                rule_table_sort(&rules);
                plan_text(guests, 4, two, sizeof(two));
                ck_assert_str_eq(one, two);
                clear();
        }
}
END_TEST

START_TEST(test_only_what_is_proven_is_changed) {
        unsigned n_foreign = 0, n_ours = 0;

        for (unsigned i = 0; i < ROUNDS; i++) {
                ReconcileGuest guests[] = {{"a/X", &states[0], 3, false},
                                           {"b/X", &states[1], 1, false}};
                ReconcileInput input = {guests, 2, &policy, &ledger, &rules, &adoptions, &hostnet};
                ReconcilePlan plan;

                random_world();
                ck_assert_int_eq(reconcile(&input, &plan), 0);
                for (size_t k = 0; k < plan.n_changes; k++) {
                        const ReconcileChange *c = &plan.changes[k];
                        const LedgerEntry *known_entry = ledger_find(&ledger, &c->entry.listen);

                        for (size_t v = 0; v < rules.n_values; v++) {
                                bool ours = known_entry &&
                                            ledger_entry_proves(known_entry, &rules.values[v]);

                                if (!rules.values[v].parsed ||
                                    ip_endpoint_compare(&rules.values[v].listen,
                                                        &c->entry.listen) != 0)
                                        continue;
                                n_ours += ours;
                                n_foreign += !ours;
                                /* Only a removal may meet foreign values, and it leaves them. */
                                ck_assert(ours || c->action == RECONCILE_REMOVE ||
                                          c->action == RECONCILE_FORGET);
                                ck_assert(ledger_entry_proves(&c->entry, &rules.values[v]) == ours);
                        }
                }
                reconcile_plan_done(&plan);
                clear();
        }
        ck_assert_uint_gt(n_ours, ROUNDS / 10);
        ck_assert_uint_gt(n_foreign, ROUNDS / 10);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("reconcile");
        TCase *tc = tcase_create("reconcile");

        tcase_add_checked_fixture(tc, setup, NULL);
        tcase_add_test(tc, test_first_come_first_served);
        tcase_add_test(tc, test_order_of_changes);
        tcase_add_loop_test(tc, test_history_of_an_endpoint, 0, (int) N(histories));
        tcase_add_test(tc, test_held_in_the_grace_period);
        tcase_add_test(tc, test_limit_of_endpoints);
        tcase_add_test(tc, test_nothing_wanted_and_nothing_known);
        tcase_add_test(tc, test_order_of_inputs_does_not_matter);
        tcase_add_test(tc, test_only_what_is_proven_is_changed);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
