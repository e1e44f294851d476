/* SPDX-License-Identifier: MIT */

/* The policy as 'wslbridge-helper status' shows it, and what counts as a change of it. */

#include "tests/suite.h"
#include "windows-helper/core/policy/policy.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
        const char *name;
        PolicyKind kind;
        const char *text; /* NULL: the default */
        uint32_t number;
        const char *shown;
} cases[] = {
        {"AllowedListenPorts", POLICY_IS_STRING, NULL, 0, "all"},
        {"AllowedListenPorts", POLICY_IS_STRING, "80,8000-8010", 0, "80, 8000-8010"},
        {"AllowedListenPorts", POLICY_IS_STRING, "", 0, "none"},
        {"AllowedListenPorts", POLICY_IS_STRING, "x", 0, "none"},
        {"DeniedListenPorts", POLICY_IS_STRING, NULL, 0, "135, 139, 445, 3389, 5985, 5986"},
        {"DeniedListenPorts", POLICY_IS_STRING, "", 0, "none"},
        {"DeniedListenPorts", POLICY_IS_STRING, "x", 0, "all"},
        {"AllowedListenAddresses", POLICY_IS_STRING, NULL, 0, "all"},
        {"AllowedListenAddresses", POLICY_IS_STRING, "10.0.0.0/8,::1,10.1.2.3", 0,
         "10.0.0.0/8, ::1, 10.1.2.3"},
        {"AllowedListenAddresses", POLICY_IS_STRING, "x", 0, "none"},
        {"AllowedProfiles", POLICY_IS_STRING, NULL, 0, "domain, private"},
        {"AllowedProfiles", POLICY_IS_STRING, "public", 0, "public"},
        {"AllowedProfiles", POLICY_IS_STRING, "none", 0, "none"},
        {"WidestRemote", POLICY_IS_STRING, NULL, 0, "LocalSubnet"},
        {"WidestRemote", POLICY_IS_STRING, "any", 0, "any"},
        {"AllowedProtocols", POLICY_IS_STRING, NULL, 0, "tcp, udp"},
        {"AllowedProtocols", POLICY_IS_STRING, "udp", 0, "udp"},
        {"AllowedProtocols", POLICY_IS_STRING, "", 0, "none"},
        {"AllowedProtocols", POLICY_IS_STRING, "x", 0, "none"},
        {"AllowRelay", POLICY_IS_NUMBER, NULL, 0, "1"},
        {"AllowRelay", POLICY_IS_NUMBER, "", 0, "0"},
        {"AllowRelay", POLICY_IS_NUMBER, "", 2, "0"},
        {"MaxEndpointsPerAgent", POLICY_IS_NUMBER, "", 17, "17"},
        {"PairingRequired", POLICY_IS_NUMBER, NULL, 0, "1"},
        {"PairingRequired", POLICY_IS_NUMBER, "", 0, "0"},
        {"RequirePrivilegedSourcePort", POLICY_IS_NUMBER, NULL, 0, "0"},
        {"RequirePrivilegedSourcePort", POLICY_IS_NUMBER, "", 1, "1"},
};

/* Each value of the table but the defaults is a change, and the same value twice is none. */
START_TEST(test_shown_and_compared) {
        char shown[POLICY_VALUE_TEXT_MAX], problem[WIRE_TEXT_MAX + 1];
        Policy before, p, again;

        policy_init(&before);
        policy_init(&p);
        policy_init(&again);
        ck_assert(policy_equal(&p, &before));
        if (cases[_i].text) {
                (void) policy_set(&p, cases[_i].name, cases[_i].kind, cases[_i].text,
                                  cases[_i].number, problem);
                (void) policy_set(&again, cases[_i].name, cases[_i].kind, cases[_i].text,
                                  cases[_i].number, problem);
                ck_assert(!policy_equal(&p, &before));
                ck_assert(!policy_equal(&before, &p));
                ck_assert(policy_equal(&p, &again));
        }
        policy_value_text(&p, (size_t) policy_find(cases[_i].name), shown);
        ck_assert_str_eq(shown, cases[_i].shown);
}
END_TEST

/* Of a list as of a single value. */
START_TEST(test_lists_compared) {
        static const struct {
                const char *name, *one, *other;
        } lists[] = {
                {"AllowedListenPorts", "80-90", "81-90"},
                {"AllowedListenPorts", "80-90", "80-91"},
                {"AllowedListenPorts", "1,80-90", "1,80-91"},
                {"DeniedListenPorts", "80", "81"},
                {"AllowedListenAddresses", "10.0.0.0/8", "11.0.0.0/8"},
                {"AllowedListenAddresses", "10.0.0.0/8", "10.0.0.0/9"},
                {"AllowedListenAddresses", "::1,10.0.0.0/8", "::1,10.0.0.0/9"},
        };

        for (size_t i = 0; i < N(lists); i++) {
                char problem[WIRE_TEXT_MAX + 1];
                Policy a, b;

                policy_init(&a);
                policy_init(&b);
                ck_assert_int_eq(
                        policy_set(&a, lists[i].name, POLICY_IS_STRING, lists[i].one, 0, problem),
                        0);
                ck_assert_int_eq(
                        policy_set(&b, lists[i].name, POLICY_IS_STRING, lists[i].other, 0, problem),
                        0);
                ck_assert_msg(!policy_equal(&a, &b), "%s", lists[i].other);
        }
}
END_TEST

/* What a longer list has left behind has no meaning. */
START_TEST(test_lists_that_were_longer) {
        static const struct {
                const char *name, *longer, *now;
        } lists[] = {
                {"AllowedListenPorts", "80,81", "80"},
                {"DeniedListenPorts", "80,81", "80"},
                {"AllowedListenAddresses", "10.0.0.0/8,::1", "10.0.0.0/8"},
        };

        for (size_t i = 0; i < N(lists); i++) {
                char problem[WIRE_TEXT_MAX + 1];
                Policy a, b;

                policy_init(&a);
                policy_init(&b);
                (void) policy_set(&a, lists[i].name, POLICY_IS_STRING, lists[i].longer, 0, problem);
                (void) policy_set(&a, lists[i].name, POLICY_IS_STRING, lists[i].now, 0, problem);
                (void) policy_set(&b, lists[i].name, POLICY_IS_STRING, lists[i].now, 0, problem);
                ck_assert_msg(policy_equal(&a, &b), "%s", lists[i].name);
        }
}
END_TEST

/* Many long items end at the end of the text. */
START_TEST(test_a_long_list) {
        char shown[POLICY_VALUE_TEXT_MAX];
        Policy p;

        policy_init(&p);
        for (size_t i = 0; i < POLICY_LISTEN_MAX; i++) {
                p.allowed_listen[i] = (WirePrefix){{.family = IP_FAMILY_V6}, 127};
                memset(p.allowed_listen[i].addr.bytes, 0xfe, 16);
        }
        p.n_allowed_listen = POLICY_LISTEN_MAX;
        policy_value_text(&p, (size_t) policy_find("AllowedListenAddresses"), shown);
        ck_assert_uint_eq(strlen(shown), POLICY_VALUE_TEXT_MAX - 1);
        ck_assert(strncmp(shown, "fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe/127, fefe:", 50) == 0);
}
END_TEST

START_TEST(test_sources) {
        PolicyOrigin a = {0}, b = {0};

        ck_assert_str_eq(policy_source_name(POLICY_FROM_DEFAULT), "default");
        ck_assert_str_eq(policy_source_name(POLICY_FROM_LOCAL), "local");
        ck_assert_str_eq(policy_source_name(POLICY_FROM_MANAGED), "Group Policy");
        ck_assert(policy_origin_equal(&a, &b));
        for (size_t i = 0; i < POLICY_DEFINITIONS; i++) {
                b.sources[i] = POLICY_FROM_MANAGED;
                ck_assert(!policy_origin_equal(&a, &b));
                b.sources[i] = a.sources[i];
        }
        strcpy(b.problems[b.n_problems++], "x");
        ck_assert(!policy_origin_equal(&a, &b));
        a.n_problems = 1;
        ck_assert(!policy_origin_equal(&a, &b));
        strcpy(a.problems[0], "x");
        ck_assert(policy_origin_equal(&a, &b));
        strcpy(a.problems[1], "one of before");
        ck_assert(policy_origin_equal(&a, &b));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("policy-text");
        TCase *tc = tcase_create("policy-text");

        tcase_add_loop_test(tc, test_shown_and_compared, 0, (int) N(cases));
        tcase_add_test(tc, test_lists_compared);
        tcase_add_test(tc, test_lists_that_were_longer);
        tcase_add_test(tc, test_a_long_list);
        tcase_add_test(tc, test_sources);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
