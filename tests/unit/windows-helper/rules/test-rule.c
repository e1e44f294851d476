/* SPDX-License-Identifier: MIT */

/* Rule text and table: we write what Windows expects, and read what others write. */

#include "tests/suite.h"
#include "windows-helper/core/rules/rule.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

START_TEST(test_endpoint_text) {
        static const struct {
                const char *text;
                uint8_t any_family;
                const char *again; /* NULL: malformed */
        } cases[] = {
                {"0.0.0.0/80", IP_FAMILY_NONE, "0.0.0.0/80"},
                {"192.168.100.255/65535", IP_FAMILY_NONE, "192.168.100.255/65535"},
                {"::/443", IP_FAMILY_NONE, "::/443"},
                {"2001:db8:0:0::1/443", IP_FAMILY_NONE, "2001:db8::1/443"},
                {"*/80", IP_FAMILY_V4, "0.0.0.0/80"}, /* netsh without listenaddress */
                {"*/80", IP_FAMILY_V6, "::/80"},
                {"10.0.0.1/0080", IP_FAMILY_NONE, "10.0.0.1/80"},
                {"*/80", IP_FAMILY_NONE, NULL},
                {"", IP_FAMILY_V4, NULL},
                {"/80", IP_FAMILY_V4, NULL},
                {"0.0.0.0", IP_FAMILY_V4, NULL},
                {"0.0.0.0/", IP_FAMILY_V4, NULL},
                {"0.0.0.0/0", IP_FAMILY_V4, NULL},
                {"0.0.0.0/65536", IP_FAMILY_V4, NULL},
                {"0.0.0.0/000080", IP_FAMILY_V4, NULL},
                {"0.0.0.0/-1", IP_FAMILY_V4, NULL},
                {"0.0.0.0/ 80", IP_FAMILY_V4, NULL},
                {"0.0.0.0:80", IP_FAMILY_V4, NULL},
                {"webserver/80", IP_FAMILY_V4, NULL},
                {"[::]/80", IP_FAMILY_V6, NULL},
                {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/80", IP_FAMILY_V6, NULL},
        };

        for (size_t i = 0; i < N(cases); i++) {
                char text[RULE_TEXT_MAX];
                IpEndpoint e;
                int r = rule_endpoint_parse(cases[i].text, cases[i].any_family, &e);

                ck_assert_msg((r == 0) == (cases[i].again != NULL), "'%s': %d", cases[i].text, r);
                if (r == 0) {
                        rule_endpoint_format(&e, text);
                        ck_assert_str_eq(text, cases[i].again);
                }
        }
}
END_TEST

START_TEST(test_families) {
        IpEndpoint v4 = {ip_v4(10, 0, 0, 1), 80}, v6 = {{IP_FAMILY_V6, {0x20, 1}}, 80};
        RuleTarget to_v4 = {v4.addr, 80, 0}, to_v6 = {v6.addr, 80, 0};
        RuleFamily f;

        ck_assert_str_eq(rule_family_name(rule_family(&v4, &to_v4)), "v4tov4");
        ck_assert_str_eq(rule_family_name(rule_family(&v4, &to_v6)), "v4tov6");
        ck_assert_str_eq(rule_family_name(rule_family(&v6, &to_v4)), "v6tov4");
        ck_assert_str_eq(rule_family_name(rule_family(&v6, &to_v6)), "v6tov6");
        ck_assert_int_eq(rule_family_parse("v6tov4", &f), 0);
        ck_assert_int_eq(f, RULE_V6TOV4);
        ck_assert_int_lt(rule_family_parse("v4tov5", &f), 0);
}
END_TEST

START_TEST(test_table) {
        RuleTable t = RULE_TABLE_NULL;

        ck_assert_int_eq(rule_table_add(&t, RULE_V4TOV4, "not an endpoint", "10.0.0.1/80"), 0);
        ck_assert_int_eq(rule_table_add(&t, RULE_V4TOV4, "10.0.0.1/80", "10.0.0.2/80"), 0);
        ck_assert_int_eq(rule_table_add(&t, RULE_V4TOV6, "0.0.0.0/80", "2001:db8::1/80"), 0);
        ck_assert_int_eq(rule_table_add(&t, RULE_V6TOV4, "0.0.0.0/80", "10.0.0.2/80"), 0);
        ck_assert_int_eq(rule_table_add(&t, RULE_V4TOV4, "*/80", "10.0.0.3/80"), 0);
        ck_assert_int_eq(rule_table_add(&t, RULE_V4TOV4, "0.0.0.0/80", NULL), 0);
        ck_assert_int_eq(rule_table_add(&t, RULE_V6TOV4, "*/80", "10.0.0.4/80"), 0);
        rule_table_sort(&t);

        /* The values of one endpoint are next to each other: both families of IPv4, and the other
         * spelling. */
        ck_assert_uint_eq(t.n_values, 7);
        ck_assert_str_eq(t.values[0].name, "*/80");
        ck_assert_str_eq(t.values[1].name, "0.0.0.0/80");
        ck_assert_ptr_null(t.values[1].data);
        ck_assert_int_eq(t.values[2].family, RULE_V4TOV6);
        ck_assert_int_eq(ip_endpoint_compare(&t.values[0].listen, &t.values[2].listen), 0);
        ck_assert_str_eq(t.values[3].name, "10.0.0.1/80");
        ck_assert_str_eq(t.values[4].data, "10.0.0.4/80");
        /* An IPv4 address under an IPv6 key is not an endpoint either. */
        ck_assert(t.values[4].parsed && !t.values[5].parsed && !t.values[6].parsed);
        rule_table_done(&t);
}
END_TEST

/* Values as "80 81=x", by their ports; "=" is the data. */
static RuleTable table(const char *text) {
        char copy[128], *word, *rest = copy;
        RuleTable t = RULE_TABLE_NULL;

        strcpy(copy, text);
        while ((word = strtok_r(rest, " ", &rest))) {
                char name[32], *data = strchr(word, '=');

                if (data)
                        *data++ = '\0';
                strcat(strcpy(name, "0.0.0.0/"), word);
                ck_assert_int_eq(rule_table_add(&t, RULE_V4TOV4, name, data), 0);
        }
        rule_table_sort(&t);
        return t;
}

static void expect_table(RuleTable *t, const char *text) {
        RuleTable expected = table(text);

        ck_assert_msg(rule_table_equal(t, &expected), "not %s", text);
        rule_table_done(t);
        rule_table_done(&expected);
        ck_assert_uint_eq(t->n_values, 0);
}

START_TEST(test_tables_compared) {
        static const char *const texts[] = {"", "80", "81", "80=x", "80=y", "80 81", "80 81=x"};

        for (size_t i = 0; i < N(texts); i++) {
                for (size_t k = 0; k < N(texts); k++) {
                        RuleTable a = table(texts[i]), b = table(texts[k]);

                        ck_assert(rule_table_equal(&a, &b) == (i == k));
                        rule_table_done(&a);
                        rule_table_done(&b);
                }
        }
}
END_TEST

/* A reading in portions may find a value twice, and others not at all. */
START_TEST(test_a_reading) {
        RuleTable twice = table("82=x 80=x 81=x 80=x 82=x"), known = table("80 81 82 83"),
                  found = table("81 84"), all = table("79 80 81 82 83"), missing = RULE_TABLE_NULL;

        expect_table(&twice, "80=x 81=x 82=x");
        ck_assert_int_eq(rule_table_missing(&found, &known, &missing), 0);
        expect_table(&missing, "80 82 83");
        ck_assert_int_eq(rule_table_missing(&all, &known, &missing), 0);
        expect_table(&missing, "");
        ck_assert_int_eq(rule_table_missing(&missing, &known, &missing), 0);
        expect_table(&missing, "80 81 82 83");
        rule_table_done(&known);
        rule_table_done(&found);
        rule_table_done(&all);
}
END_TEST

/* Our own changes: a value is replaced, one goes, one comes, and one that goes was not known. */
START_TEST(test_merge) {
        RuleTable t = table("80=x 81=x 82=x"), changes = table("79 81=y 82 83=y");

        changes.values[0].gone = changes.values[2].gone = true;
        ck_assert_int_eq(rule_table_merge(&t, &changes, /* keep_gone= */ false), 0);
        ck_assert_uint_eq(changes.n_values, 0);
        expect_table(&t, "80=x 81=y 83=y");
        t = table("80=x");
        changes = table("79");
        changes.values[0].gone = true;
        ck_assert_int_eq(rule_table_merge(&t, &changes, /* keep_gone= */ true), 0);
        ck_assert(t.values[0].gone && !t.values[1].gone);
        expect_table(&t, "79 80=x");
}
END_TEST

START_TEST(test_value_is_ours_only_as_we_write_it) {
        static const struct {
                RuleFamily family;
                const char *name, *data;
                bool is, is_star; /* as 0.0.0.0, and as "*" */
        } cases[] = {
                {RULE_V4TOV4, "0.0.0.0/80", "172.20.0.2/8080", true, false},
                {RULE_V4TOV4, "*/80", "172.20.0.2/8080", false, true},
                {RULE_V4TOV4, "*/080", "172.20.0.2/8080", false, false},
                {RULE_V4TOV4, "1.2.3.4/80", "172.20.0.2/8080", true, true},
                {RULE_V6TOV4, "*/80", "172.20.0.2/8080", false, true},
                {RULE_V4TOV4, "0.0.0.0/080", "172.20.0.2/8080", false, false},
                {RULE_V4TOV4, "0.0.0.0/80", "172.20.0.2/08080", false, false},
                {RULE_V4TOV4, "0.0.0.0/80", "172.20.0.2/8080 ", false, false},
                {RULE_V4TOV4, "0.0.0.0/80", NULL, false, false},
                {RULE_V4TOV6, "0.0.0.0/80", "172.20.0.2/8080", false, false},
        };
        RuleTarget connect = {ip_v4(172, 20, 0, 2), 8080, 0}, none = {{0}, 0, 0};

        for (size_t i = 0; i < N(cases); i++) {
                RuleTable t = RULE_TABLE_NULL;

                ck_assert_int_eq(rule_table_add(&t, cases[i].family, cases[i].name, cases[i].data),
                                 0);
                ck_assert_msg(rule_value_is(&t.values[0], &connect, false) == cases[i].is,
                              "case %zu", i);
                ck_assert_msg(rule_value_is(&t.values[0], &connect, true) == cases[i].is_star,
                              "case %zu", i);
                ck_assert(!rule_value_is(&t.values[0], &none, false));
                ck_assert(!rule_value_is(&t.values[0], &none, true));
                rule_table_done(&t);
        }
}
END_TEST

/* For each port from 1 to 100, from each place before it, in tables of up to 40 values. Values
 * whose names are not endpoints come last, and are never below anything. */
START_TEST(test_seek) {
        for (unsigned n = 0; n <= 40; n++) {
                RuleTable t = RULE_TABLE_NULL;

                for (unsigned i = 0; i < n; i++) {
                        char name[RULE_TEXT_MAX];
                        IpEndpoint e = {ip_v4(0, 0, 0, 0), (uint16_t) (2 * i + 1)};

                        rule_endpoint_format(&e, name);
                        ck_assert_int_eq(rule_table_add(&t, RULE_V4TOV4,
                                                        i % 10 == 9 ? "a-name/80" : name, "x"),
                                         0);
                }
                rule_table_sort(&t);
                for (uint16_t port = 1; port <= 100; port++) {
                        IpEndpoint e = {ip_v4(0, 0, 0, 0), port};
                        size_t expected = 0;

                        while (expected < t.n_values && t.values[expected].parsed &&
                               t.values[expected].listen.port < port)
                                expected++;
                        for (size_t from = 0; from <= expected; from++)
                                ck_assert_uint_eq(rule_table_seek(&t, from, &e), expected);
                        if (expected < t.n_values)
                                ck_assert(rule_value_listens(&t.values[expected], &e) ==
                                          (t.values[expected].parsed &&
                                           t.values[expected].listen.port == port));
                }
                rule_table_done(&t);
        }
}
END_TEST

static RuleTable numbered(unsigned first, unsigned step, unsigned n, const char *data) {
        RuleTable t = RULE_TABLE_NULL;
        char name[32];

        for (unsigned i = 0; i < n; i++) {
                (void) snprintf(name, sizeof(name), "0.0.0.0/%u", first + i * step);
                ck_assert_int_eq(rule_table_add(&t, RULE_V4TOV4, name, data), 0);
        }
        rule_table_sort(&t);
        return t;
}

/* A few changes in a large table, and in a list of changes: at both ends and in the middle, of
 * values that are there and of others. The same as when there are many. */
START_TEST(test_merge_few) {
        static const struct {
                unsigned port;
                bool gone;
        } changes[] = {{1, false},   {2, false},    {3, true},    {4, true},    {1001, false},
                       {1002, true}, {1003, false}, {2000, true}, {2001, true}, {2002, false}};
        const size_t n = sizeof(changes) / sizeof(changes[0]);
        bool keep_gone = _i;
        RuleTable few = numbered(2, 2, 1000, "10.0.0.1/80"),
                  many = numbered(2, 2, 1000, "10.0.0.1/80");

        for (size_t i = 0; i < n; i++) {
                RuleTable one = numbered(changes[i].port, 1, 1, "10.0.0.2/80");

                one.values[0].gone = changes[i].gone;
                ck_assert_int_eq(rule_table_merge(&few, &one, keep_gone), 0);
                ck_assert_ptr_null(one.values);
        }
        for (size_t i = 0; i < n; i += n / 2) { /* with thousands of values that change nothing */
                RuleTable all = numbered(3000, 1, 2000, "10.0.0.3/80");

                for (size_t k = 0; k < all.n_values; k++)
                        all.values[k].gone = true;
                for (size_t k = i; k < i + n / 2; k++) {
                        RuleTable one = numbered(changes[k].port, 1, 1, "10.0.0.2/80");

                        one.values[0].gone = changes[k].gone;
                        ck_assert_int_eq(rule_table_merge(&all, &one, true), 0);
                }
                ck_assert_int_eq(rule_table_merge(&many, &all, keep_gone), 0);
        }
        if (keep_gone) { /* what was added for the sake of the numbers */
                ck_assert_uint_gt(many.n_values, 2000);
                for (; many.n_values > few.n_values; many.n_values--) {
                        free(many.values[many.n_values - 1].name);
                        free(many.values[many.n_values - 1].data);
                }
        }
        ck_assert_uint_eq(few.n_values, keep_gone ? 1000 + 6 : 1000 + 4 - 3);
        ck_assert(rule_table_equal(&few, &many));
        for (size_t i = 0; i < few.n_values; i++)
                ck_assert(few.values[i].gone == many.values[i].gone);
        rule_table_done(&few);
        rule_table_done(&many);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("rule");
        TCase *tc = tcase_create("rule");

        tcase_add_test(tc, test_endpoint_text);
        tcase_add_test(tc, test_families);
        tcase_add_test(tc, test_table);
        tcase_add_test(tc, test_tables_compared);
        tcase_add_test(tc, test_a_reading);
        tcase_add_test(tc, test_merge);
        tcase_add_test(tc, test_seek);
        tcase_add_test(tc, test_value_is_ours_only_as_we_write_it);
        tcase_add_loop_test(tc, test_merge_few, 0, 2);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
