/* SPDX-License-Identifier: MIT */

/* Rule text and table: we write what Windows expects, and read what others write. */

#include "tests/suite.h"
#include "windows-helper/core/rules/rule.h"

#include <check.h>
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
        RuleFamily f;

        ck_assert_str_eq(rule_family_name(rule_family(&v4, &v4)), "v4tov4");
        ck_assert_str_eq(rule_family_name(rule_family(&v4, &v6)), "v4tov6");
        ck_assert_str_eq(rule_family_name(rule_family(&v6, &v4)), "v6tov4");
        ck_assert_str_eq(rule_family_name(rule_family(&v6, &v6)), "v6tov6");
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

START_TEST(test_value_is_ours_only_as_we_write_it) {
        static const struct {
                RuleFamily family;
                const char *name, *data;
                bool is;
        } cases[] = {
                {RULE_V4TOV4, "0.0.0.0/80", "172.20.0.2/8080", true},
                {RULE_V4TOV4, "*/80", "172.20.0.2/8080", false},
                {RULE_V4TOV4, "0.0.0.0/080", "172.20.0.2/8080", false},
                {RULE_V4TOV4, "0.0.0.0/80", "172.20.0.2/08080", false},
                {RULE_V4TOV4, "0.0.0.0/80", "172.20.0.2/8080 ", false},
                {RULE_V4TOV4, "0.0.0.0/80", NULL, false},
                {RULE_V4TOV6, "0.0.0.0/80", "172.20.0.2/8080", false},
        };
        IpEndpoint connect = {ip_v4(172, 20, 0, 2), 8080}, none = {{0}, 0};

        for (size_t i = 0; i < N(cases); i++) {
                RuleTable t = RULE_TABLE_NULL;

                ck_assert_int_eq(rule_table_add(&t, cases[i].family, cases[i].name, cases[i].data),
                                 0);
                ck_assert_msg(rule_value_is(&t.values[0], &connect) == cases[i].is, "case %zu", i);
                ck_assert(!rule_value_is(&t.values[0], &none));
                rule_table_done(&t);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("rule");
        TCase *tc = tcase_create("rule");

        tcase_add_test(tc, test_endpoint_text);
        tcase_add_test(tc, test_families);
        tcase_add_test(tc, test_table);
        tcase_add_test(tc, test_value_is_ours_only_as_we_write_it);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
