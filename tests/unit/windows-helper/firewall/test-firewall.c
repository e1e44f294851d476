/* SPDX-License-Identifier: MIT */

/* Firewall rules as data: names, remote scopes, and the difference of two lists. */

#include "tests/suite.h"
#include "windows-helper/core/firewall/firewall.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(FirewallRules *r, const char *listen, uint16_t port, uint8_t profiles,
                const char *remote) {
        FirewallRule rule = {.profiles = profiles, .remote = (char *) (uintptr_t) remote};

        ck_assert_int_eq(ip_parse(listen, &rule.listen.addr), 0);
        rule.listen.port = port;
        strcpy(rule.service, "web");
        ck_assert_int_eq(firewall_rules_add(r, &rule), 0);
        firewall_rules_sort(r);
}

START_TEST(test_names) {
        static const char *const bad[] = {
                "wslbridge",
                "wslbridge 0.0.0.0",
                "wslbridge 0.0.0.0:080",
                "Wslbridge 0.0.0.0:80",
                "wslbridge 0.0.0.0:65536",
                "wslbridge ::1:80",
                "wslbridge [::1:80",
                "wslbridge 0.0.0.0:80 ",
                "wslbridge 0.0.0.0:",
                "wslbridge 0.0.0.0:80/tcp",
                "wslbridge :80",
                "wslbridge [:80",
        };
        /* The longest goes first: nothing of it may be left in what follows. */
        static const char *const good[] = {
                "wslbridge [ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535/udp",
                "wslbridge 0.0.0.0:2222",
                "wslbridge [fd00::1]:80",
                "wslbridge 192.168.1.2:53/udp",
                "wslbridge 0.0.0.0:9",
        };
        char name[FIREWALL_NAME_MAX], longer[FIREWALL_NAME_MAX + 8];
        IpEndpoint e;

        for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
                ck_assert_msg(firewall_rule_parse_name(good[i], &e) == 0, "%s", good[i]);
                ck_assert_int_eq(e.udp, strstr(good[i], "/udp") != NULL);
                firewall_rule_name(&e, name);
                ck_assert_str_eq(name, good[i]);
        }
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                ck_assert_msg(firewall_rule_parse_name(bad[i], &e) == -EINVAL, "%s", bad[i]);
        /* Others may give their rules names of any length. */
        strcpy(longer, "wslbridge ");
        for (size_t n = strlen(longer); n < sizeof(longer) - 1; n++) {
                longer[n] = '1';
                longer[n + 1] = '\0';
                ck_assert_int_eq(firewall_rule_parse_name(longer, &e), -EINVAL);
        }
}
END_TEST

/* A rule that is about to be removed has a name that nobody else has and that says whose it is. */
START_TEST(test_leaving_names) {
        static const char *const bad[] = {
                "wslbridge 0.0.0.0:2222",
                "wslbridge 0.0.0.0:2222 (removed 0123456789abcde)",
                "wslbridge 0.0.0.0:2222 (removed 0123456789abcdef0)",
                "wslbridge 0.0.0.0:2222 (removed 0123456789abcdef) ",
                "wslbridge 0.0.0.0:02222 (removed 0123456789abcdef)",
                " (removed 0123456789abcdef)",
        };
        static const char removed[] = " (removed 0123456789abcdef)";
        IpEndpoint longest = {.port = 65535}, e;
        char name[FIREWALL_NAME_MAX], longer[FIREWALL_NAME_MAX + sizeof(removed) + 8];

        ck_assert_int_eq(ip_parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", &longest.addr), 0);
        firewall_rule_leaving_name(&longest, UINT64_MAX, name);
        ck_assert_str_eq(name, "wslbridge [ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535 (removed "
                               "ffffffffffffffff)");
        ck_assert_int_eq(firewall_rule_parse_leaving_name(name, &e), 0);
        ck_assert_int_eq(ip_endpoint_compare(&e, &longest), 0);
        ck_assert_int_eq(firewall_rule_parse_name(name, &e), -EINVAL);
        /* Nothing of the longest is left in what follows. */
        (void) snprintf(name, sizeof(name), "wslbridge 0.0.0.0:80%s", removed);
        ck_assert_int_eq(firewall_rule_parse_leaving_name(name, &e), 0);
        ck_assert_uint_eq(e.port, 80);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                ck_assert_msg(firewall_rule_parse_leaving_name(bad[i], &e) == -EINVAL, "%s",
                              bad[i]);
        for (size_t n = FIREWALL_NAME_MAX - 8; n < FIREWALL_NAME_MAX + 8; n++) {
                memset(longer, '1', n);
                strcpy(longer + n, removed);
                ck_assert_int_eq(firewall_rule_parse_leaving_name(longer, &e), -EINVAL);
        }
}
END_TEST

/* "add 80; update 81; remove 82" */
static void expect(const FirewallRules *present, const FirewallRules *wanted, const char *text) {
        static const char *const names[] = {"add", "update", "remove"};
        FirewallChange *changes;
        char found[256] = "";
        size_t n, at = 0;

        ck_assert_int_eq(firewall_diff(present, wanted, &changes, &n), 0);
        for (size_t i = 0; i < n; i++)
                at += (size_t) snprintf(found + at, sizeof(found) - at, "%s%s %u", i ? "; " : "",
                                        names[changes[i].action], changes[i].rule->listen.port);
        ck_assert_str_eq(found, text);
        free(changes);
}

START_TEST(test_changes) {
        FirewallRules present = FIREWALL_RULES_NULL, wanted = FIREWALL_RULES_NULL;

        expect(&present, &wanted, "");
        add(&wanted, "0.0.0.0", 83, 3, "LocalSubnet");
        add(&wanted, "0.0.0.0", 80, 3, "LocalSubnet");
        expect(&present, &wanted, "add 80; add 83");
        add(&present, "0.0.0.0", 80, 3, "LocalSubnet");
        add(&present, "0.0.0.0", 82, 3, "LocalSubnet");
        expect(&present, &wanted, "remove 82; add 83");
        expect(&wanted, &wanted, "");
        add(&wanted, "0.0.0.0", 84, 3, "10.0.0.0/8");
        add(&present, "0.0.0.0", 84, 3, "LocalSubnet"); /* another scope */
        add(&wanted, "0.0.0.0", 85, 1, "LocalSubnet");
        add(&present, "0.0.0.0", 85, 3, "LocalSubnet"); /* another profile */
        expect(&present, &wanted, "remove 82; add 83; update 84; update 85");
        add(&wanted, "0.0.0.0", 82, 0, ""); /* its guest is in its grace period */
        add(&wanted, "0.0.0.0", 90, 0, ""); /* so is the guest of this one, but there is no rule */
        expect(&present, &wanted, "add 83; update 84; update 85");
        firewall_rules_done(&present);
        firewall_rules_done(&wanted);
}
END_TEST

/* A rule of a list owns its text; a list begins without memory, and any number fits in. */
START_TEST(test_lists) {
        FirewallRules rules = FIREWALL_RULES_NULL;
        FirewallRule copy = {.remote = NULL};
        const IpEndpoint none = {ip_v4(0, 0, 0, 0), 1};

        firewall_rules_sort(&rules);
        ck_assert_ptr_null(firewall_rules_find(&rules, rules.n, &none));
        for (uint16_t port = 2; port < 50; port++)
                add(&rules, "0.0.0.0", port, 3, port % 2 ? "*" : "LocalSubnet");
        ck_assert_uint_eq(rules.n, 48);
        ck_assert_ptr_null(firewall_rules_find(&rules, rules.n, &none));
        for (size_t i = 0; i < rules.n; i++) {
                ck_assert_ptr_eq(firewall_rules_find(&rules, rules.n, &rules.items[i].listen),
                                 &rules.items[i]);
                ck_assert_int_eq(firewall_rule_copy(&copy, &rules.items[i]), 0);
                ck_assert_str_eq(copy.remote, copy.listen.port % 2 ? "*" : "LocalSubnet");
                ck_assert_ptr_ne(copy.remote, rules.items[i].remote);
        }
        free(copy.remote);
        firewall_rules_done(&rules);
}
END_TEST

START_TEST(test_remote_scope) {
        WirePrefix remotes[] = {{ip_v4(10, 0, 0, 0), 8}, {{.family = IP_FAMILY_V6}, 7}};
        WireState state = {.remotes = remotes, .n_remotes = 2};
        WireService service = {.remote = WIRE_REMOTE_LOCAL_SUBNET};
        char *text;

        remotes[1].addr.bytes[0] = 0xfc;
        text = firewall_remote_text(&state, &service);
        ck_assert_str_eq(text, "LocalSubnet");
        free(text);
        service.remote = WIRE_REMOTE_ANY;
        text = firewall_remote_text(&state, &service);
        ck_assert_str_eq(text, "*");
        free(text);
        service = (WireService){.remote = WIRE_REMOTE_LIST, .n_remotes = 2};
        text = firewall_remote_text(&state, &service);
        ck_assert_str_eq(text, "10.0.0.0/8,fc00::/7");
        free(text);
        remotes[0].length = remotes[1].length = 0; /* Windows takes pieces of that only */
        remotes[0].addr = ip_v4(0, 0, 0, 0);
        remotes[1].addr.bytes[0] = 0;
        text = firewall_remote_text(&state, &service);
        ck_assert_str_eq(text, "0.0.0.0/1,128.0.0.0/1,40::/10,80::/9,100::/8,200::/7,400::/6,"
                               "800::/5,1000::/4,2000::/3,4000::/2,8000::/1");
        free(text);
        remotes[1].length = 3; /* its first address is :: as well */
        text = firewall_remote_text(&state, &service);
        ck_assert_str_eq(text, "0.0.0.0/1,128.0.0.0/1,40::/10,80::/9,100::/8,200::/7,400::/6,"
                               "800::/5,1000::/4");
        free(text);
        remotes[1].length = 96; /* nobody's, and not ours to change */
        text = firewall_remote_text(&state, &service);
        ck_assert_str_eq(text, "0.0.0.0/1,128.0.0.0/1,::/96");
        free(text);
        remotes[1] = (WirePrefix){ip_v4(128, 0, 0, 0), 1}; /* one of them twice */
        text = firewall_remote_text(&state, &service);
        ck_assert_str_eq(text, "0.0.0.0/1,128.0.0.0/1");
        free(text);
        service.n_remotes = 0; /* no decoder lets such a list through */
        text = firewall_remote_text(&state, &service);
        ck_assert_str_eq(text, "");
        free(text);
}
END_TEST

/* One item of such a list: its length, or -1 for what is no prefix. */
START_TEST(test_prefix) {
        static const struct {
                const char *item;
                int length;
        } cases[] = {
                {"10.0.0.0/9", 9},
                {"10.0.0.0/29", 29},
                {"10.0.0.0/0", 0},
                {"10.1.2.3/32", 32},
                {"10.1.2.3", 32},
                {"10.1.2.3/255.255.255.255", 32},
                {"10.0.0.0/128.0.0.0", 1},
                {"0.0.0.0/0.0.0.0", 0},
                {"::", 128},
                {"::/0", 0},
                {"fd00::1/128", 128},
                {"fd00::1-fd00::1", 128},
                {"fd00::-fd00::ffff", -1},
                {"fd00::1-", -1},
                {"-", -1},
                {"10.0.0.0/", -1},
                {"10.0.0.0/33", -1},
                {"10.0.0.0/320", -1},
                {"10.0.0.0/8x", -1},
                {"10.0.0.0/x", -1},
                {"10.0.0.0/-8", -1},
                {"10.0.0.0/4294967304", -1}, /* 2^32 + 8 */
                {"10.0.0.0/255.0.255.0", -1},
                {"10.0.0.0/0.0.0.255", -1},
                {"10.0.0.0/ffff::", -1},
                {"fd00::/129", -1},
                {"fd00::/255.0.0.0", -1},
                {"/8", -1},
                {"", -1},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const int r = cases[i].length < 0 ? -EINVAL : 0;
                WirePrefix prefix;
                char item[32];

                strcpy(item, cases[i].item);
                ck_assert_msg(firewall_prefix_read(item, &prefix) == r, "%s", cases[i].item);
                if (r == 0)
                        ck_assert_msg(prefix.length == cases[i].length, "%s", cases[i].item);
        }
}
END_TEST

/* Remote scopes as Windows gives them back. */
START_TEST(test_remote_scope_as_windows_has_it) {
        static const char *const cases[][2] = {
                {"LocalSubnet", "LocalSubnet"},
                {"*", "*"},
                {"", ""},
                {"10.0.0.0/255.0.0.0", "10.0.0.0/8"},
                {"10.1.2.3", "10.1.2.3/32"},
                {"11.1.2.3/255.255.255.255,10.0.0.0/8", "10.0.0.0/8,11.1.2.3/32"},
                {"fd00::/8,10.0.0.0/255.240.0.0", "10.0.0.0/12,fd00::/8"},
                {"0.0.0.0/0.0.0.0", "0.0.0.0/0"},
                {"fd00::1", "fd00::1/128"},
                {"::", "::/128"},
                {"fd00::1-fd00::1,10.0.0.0/255.0.0.0", "10.0.0.0/8,fd00::1/128"},
                {"10.0.0.0/8,10.1.0.0/16,10.1.2.3,11.0.0.0/8", "10.0.0.0/8,11.0.0.0/8"},
                {"fd00:1::/32,fd00::/8,fe80::/10,::/128", "::/128,fd00::/8,fe80::/10"},
                {"10.0.0.0/255.0.255.0",
                 "10.0.0.0/255.0.255.0"}, /* somebody else wrote it: it stays as it is */
                {"10.0.0.0-10.0.0.9", "10.0.0.0-10.0.0.9"},
                {"10.0.0.0/8,", "10.0.0.0/8,"},
                {"10.0.0.0/33", "10.0.0.0/33"},
                {"DNS,LocalSubnet", "DNS,LocalSubnet"},
        };
        char *text;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                ck_assert_int_eq(firewall_remote_read(cases[i][0], &text), 0);
                ck_assert_str_eq(text, cases[i][1]);
                free(text);
        }
}
END_TEST

START_TEST(test_description) {
        static const char *const bad[] = {
                "",
                "Opened for service '",
                "Opened for service 'web'",
                "opened for service 'web' of a guest, by wslbridge",
                "Opened for service 'web' of a guest, by wslbridge!",
                "Opened for service '' of a guest, by wslbridge",
        };
        FirewallRule rule = {.remote = NULL};
        char about[FIREWALL_ABOUT_MAX], service[WIRE_SERVICE_NAME_MAX + 1];

        memset(service, 'y', sizeof(service));
        memset(rule.service, 'x', WIRE_SERVICE_NAME_MAX);
        firewall_rule_about(&rule, about);
        ck_assert_int_eq(firewall_rule_parse_about(about, service), 0);
        ck_assert_str_eq(service, rule.service);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                ck_assert_int_eq(firewall_rule_parse_about(bad[i], service), -EINVAL);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("firewall");
        TCase *tc = tcase_create("firewall");

        tcase_add_test(tc, test_names);
        tcase_add_test(tc, test_leaving_names);
        tcase_add_test(tc, test_changes);
        tcase_add_test(tc, test_lists);
        tcase_add_test(tc, test_remote_scope);
        tcase_add_test(tc, test_prefix);
        tcase_add_test(tc, test_remote_scope_as_windows_has_it);
        tcase_add_test(tc, test_description);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
