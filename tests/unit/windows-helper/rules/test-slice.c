/* SPDX-License-Identifier: MIT */

/* Which changes are in the next slice: a table of waiting guests, and what a guest with thousands
 * of changes costs one with few. */

#include "tests/suite.h"
#include "windows-helper/core/rules/slice.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define GUESTS   3
#define ACCOUNTS (GUESTS + 1)
#define MAX      32 /* so that "few" is 2 */
#define N(a)     (sizeof(a) / sizeof((a)[0]))

static const char *const owners[ACCOUNTS] = {"a", "b", "c", "gone"};
static WireState states[GUESTS];

static void add(ReconcilePlan *plan, unsigned owner, ReconcileAction action, bool moves) {
        ReconcileChange *c = &plan->changes[plan->n_changes];

        *c = (ReconcileChange){.action = action, .guest = SIZE_MAX};
        c->entry.listen = (IpEndpoint){ip_v4(0, 0, 0, 0), (uint16_t) ++plan->n_changes};
        strcpy(c->entry.owner, owners[owner]);
        if (action == RECONCILE_WRITE) {
                c->guest = owner;
                if (moves)
                        c->entry.current =
                                (RuleTarget){c->entry.listen.addr, c->entry.listen.port, 0};
        }
}

static ReconcileInput input = {.n_guests = GUESTS};

static void plan_new(ReconcilePlan *plan) {
        static ReconcileGuest guests[GUESTS];

        for (unsigned i = 0; i < GUESTS; i++)
                guests[i] = (ReconcileGuest){.owner = owners[i], .state = &states[i]};
        input.guests = guests;
        *plan = (ReconcilePlan){
                .input = &input,
                .n_guests = GUESTS,
                .changes = calloc(256, sizeof(*plan->changes)),
                .results = calloc(GUESTS + 1, sizeof(*plan->results)),
        };
        ck_assert(plan->changes && plan->results);
        for (unsigned i = 0; i < GUESTS; i++)
                plan->results[i] = calloc(1, sizeof(**plan->results));
}

static unsigned taken(const ReconcilePlan *plan, unsigned owner) {
        unsigned n = 0;

        for (size_t i = 0; i < plan->n_changes; i++)
                n += strcmp(plan->changes[i].entry.owner, owners[owner]) == 0 ||
                     plan->changes[i].guest == owner;
        return n;
}

START_TEST(test_whose_turn_it_is) {
        static const struct {
                unsigned changes[ACCOUNTS], waited[ACCOUNTS];
                unsigned slice[ACCOUNTS], waits[ACCOUNTS];
                bool completes;
        } cases[] = {
                /* all fit into one slice */
                {{0, 0, 0, 0}, {0}, {0, 0, 0, 0}, {0}, true},
                {{20, 10, 2, 0}, {0}, {20, 10, 2, 0}, {0}, true},
                {{0, 0, 0, 32}, {0}, {0, 0, 0, 32}, {0}, true},
                /* one with many */
                {{33, 0, 0, 0}, {0}, {32, 0, 0, 0}, {0}, false},
                {{0, 0, 0, 99}, {0}, {0, 0, 0, 32}, {0}, false},
                /* those with few go first and alone, and then with the one that has waited */
                {{99, 1, 2, 0}, {0}, {0, 1, 2, 0}, {1, 0, 0, 0}, true},
                {{99, 1, 2, 0}, {1, 0, 0, 0}, {32, 1, 2, 0}, {0}, true},
                {{99, 0, 0, 2}, {0}, {0, 0, 0, 2}, {1, 0, 0, 0}, true},
                /* those with many take turns, the shortest first */
                {{99, 50, 0, 70}, {0}, {0, 32, 0, 0}, {1, 0, 0, 1}, false},
                {{99, 18, 0, 70}, {1, 0, 0, 1}, {0, 0, 0, 32}, {2, 1, 0, 0}, false},
                {{99, 18, 0, 38}, {2, 1, 0, 0}, {32, 0, 0, 0}, {0, 2, 0, 1}, false},
                {{67, 18, 0, 38}, {0, 2, 0, 1}, {0, 18, 0, 0}, {1, 0, 0, 2}, true},
                /* of two alike the first one; and who has few is not among those who take turns */
                {{50, 50, 0, 0}, {0}, {32, 0, 0, 0}, {0, 1, 0, 0}, false},
                {{99, 2, 0, 0}, {1, 2, 0, 0}, {32, 2, 0, 0}, {0}, true},
                /* who has nothing to do does not wait */
                {{99, 0, 0, 0}, {0, 5, 0, 7}, {32, 0, 0, 0}, {0}, false},
        };

        for (size_t i = 0; i < N(cases); i++) {
                unsigned waited[ACCOUNTS];
                size_t left = 0;
                ReconcilePlan plan;

                plan_new(&plan);
                for (unsigned k = 0; k < ACCOUNTS; k++)
                        for (unsigned n = 0; n < cases[i].changes[k]; n++)
                                add(&plan, k, n % 2 ? RECONCILE_FORGET : RECONCILE_REMOVE, false);
                memcpy(waited, cases[i].waited, sizeof(waited));
                ck_assert_int_eq(slice_take(&plan, MAX, waited), 0);
                for (unsigned k = 0; k < ACCOUNTS; k++) {
                        ck_assert_msg(taken(&plan, k) == cases[i].slice[k], "case %zu: %u of %s", i,
                                      taken(&plan, k), owners[k]);
                        ck_assert_msg(waited[k] == cases[i].waits[k], "case %zu: %s waited %u", i,
                                      owners[k], waited[k]);
                        ck_assert_uint_eq(plan.left[k], cases[i].changes[k] - cases[i].slice[k]);
                        /* Without results it is not answered. */
                        ck_assert(k == GUESTS || !plan.results[k] == (plan.left[k] > 0));
                        left += plan.left[k];
                }
                ck_assert_uint_eq(plan.n_left, left);
                ck_assert_msg(plan.completes == cases[i].completes, "case %zu", i);
                reconcile_plan_done(&plan);
        }
}
END_TEST

/* A new address first, then what goes, then what is new. The order of the plan stays. */
START_TEST(test_an_address_change_first) {
        unsigned waited[ACCOUNTS] = {0}, n_moves = 0, n_removals = 0;
        ReconcilePlan plan;

        plan_new(&plan);
        for (unsigned i = 0; i < 20; i++)
                add(&plan, 0, RECONCILE_REMOVE, false);
        for (unsigned i = 0; i < 60; i++)
                add(&plan, 0, RECONCILE_WRITE, /* moves= */ i % 3 == 0);
        ck_assert_int_eq(slice_take(&plan, MAX, waited), 0);
        ck_assert_uint_eq(plan.n_changes, MAX);
        for (size_t i = 0; i < plan.n_changes; i++) {
                n_moves += plan.changes[i].entry.current.port != 0;
                n_removals += plan.changes[i].action == RECONCILE_REMOVE;
                ck_assert(i == 0 || plan.changes[i - 1].entry.listen.port <
                                            plan.changes[i].entry.listen.port);
        }
        ck_assert_uint_eq(plan.changes[0].entry.listen.port, 1);
        ck_assert_uint_eq(n_moves, 20);
        ck_assert_uint_eq(n_removals, MAX - 20);
        reconcile_plan_done(&plan);
}
END_TEST

/* The plan is sorted by endpoint, so the changes of all owners are mixed. */
START_TEST(test_owners_by_turns) {
        unsigned waited[ACCOUNTS] = {0};
        ReconcilePlan plan;

        plan_new(&plan);
        for (unsigned i = 0; i < 200; i++)
                add(&plan, i % ACCOUNTS, RECONCILE_REMOVE, false);
        ck_assert_int_eq(slice_take(&plan, MAX, waited), 0);
        ck_assert_uint_eq(taken(&plan, 0), MAX);
        ck_assert_uint_eq(plan.left[0], 50 - MAX);
        for (unsigned k = 1; k < ACCOUNTS; k++)
                ck_assert_uint_eq(plan.left[k], 50);
        reconcile_plan_done(&plan);
}
END_TEST

START_TEST(test_everything_at_once) {
        unsigned waited[ACCOUNTS] = {0};
        ReconcilePlan plan;

        plan_new(&plan);
        for (unsigned i = 0; i < 200; i++)
                add(&plan, i % ACCOUNTS, RECONCILE_REMOVE, false);
        ck_assert_int_eq(slice_take(&plan, SIZE_MAX, waited), 0);
        ck_assert_uint_eq(plan.n_changes, 200);
        ck_assert_uint_eq(plan.n_left, 0);
        reconcile_plan_done(&plan);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("slice");
        TCase *tc = tcase_create("slice");

        tcase_add_test(tc, test_whose_turn_it_is);
        tcase_add_test(tc, test_an_address_change_first);
        tcase_add_test(tc, test_owners_by_turns);
        tcase_add_test(tc, test_everything_at_once);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
