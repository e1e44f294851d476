/* SPDX-License-Identifier: MIT */

/*
 * What it costs to bring a large table up to date, counted in values that are moved. The linker
 * routes memmove() through this file (--wrap).
 */

#include "tests/suite.h"
#include "windows-helper/core/rules/rule.h"

#include <stdio.h>
#include <string.h>

#define TABLE_VALUES 20000
#define MOVES_MAX    16 /* of the whole table, at most, for however many changes */

void *__real_memmove(void *to, const void *from, size_t n);
void *__wrap_memmove(void *to, const void *from, size_t n);

static size_t moved; /* bytes */

void *__wrap_memmove(void *to, const void *from, size_t n) {
        moved += n;
        return __real_memmove(to, from, n);
}

static RuleTable ports(unsigned first, unsigned n) {
        RuleTable t = RULE_TABLE_NULL;
        char name[32];

        for (unsigned i = 0; i < n; i++) {
                (void) snprintf(name, sizeof(name), "0.0.0.0/%u", first + i);
                ck_assert_int_eq(rule_table_add(&t, RULE_V4TOV4, name, "10.0.0.1/80"), 0);
        }
        rule_table_sort(&t);
        return t;
}

/* All changes are before the other values. That costs most when each is made alone. */
START_TEST(test_moves) {
        static const unsigned numbers[] = {1, 2, 15, 16, 17, 100, 310, 1000, 10000};
        unsigned n = numbers[_i];
        RuleTable t = ports(n + 1, TABLE_VALUES), changes = ports(1, n);

        moved = 0;
        ck_assert_int_eq(rule_table_merge(&t, &changes, /* keep_gone= */ false), 0);
        ck_assert_uint_eq(t.n_values, TABLE_VALUES + n);
        ck_assert_msg(moved <= (size_t) MOVES_MAX * t.n_values * sizeof(*t.values),
                      "%u changes moved %zu bytes", n, moved);
        if (n == 1)
                ck_assert_uint_eq(moved, TABLE_VALUES * sizeof(*t.values));
        rule_table_done(&t);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("rule-merge");
        TCase *tc = tcase_create("rule-merge");

        tcase_add_loop_test(tc, test_moves, 0, 9);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
