/* SPDX-License-Identifier: MIT */

/* Which port forwardings of others may be adopted, every way to type an endpoint, and values that
 * listen on a name. */

#include "tests/suite.h"

#include "common/adoption-text.h"
#include "windows-helper/core/rules/adoption.h"
#include "windows-helper/core/rules/named-rules.h"
#include <stdio.h>

#include <errno.h>

static const char *const no_endpoints[] = {
        "",
        ":",
        "/",
        "0",
        "65536",
        "0.0.0.0",
        "0.0.0.0:",
        "0.0.0.0/0",
        "::1:80",
        "[::1:80",
        "::1]:80",
        "[fd00::1/80",
        "fd00::1]/80",
        "[]:80",
        "localhost:80",
        "0.0.0.0:http",
        " 80",
        "80 ",
        "*",
        "**:80",
        "1.2.3:80",
        "0.0.0.0:80:80",
        "-1",
        "0.0.0.0//80",
        "/udp",
        "0.0.0.0/udp",
        "80/tcp",
        "80/udp/udp",
        "[fd00:1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb]:80",
};

START_TEST(test_spellings) {
        static const struct {
                const char *typed, *endpoint, *other;
        } cases[] = {
                {"0.0.0.0:2222", "0.0.0.0:2222", NULL},
                {"0.0.0.0/2222", "0.0.0.0:2222", NULL},
                {"2222", "0.0.0.0:2222", NULL},
                {"80", "0.0.0.0:80", NULL},
                {"*:2222", "0.0.0.0:2222", "[::]:2222"},
                {"*/2222", "0.0.0.0:2222", "[::]:2222"},
                {"192.168.1.5:1", "192.168.1.5:1", NULL},
                {"[::]:80", "[::]:80", NULL},
                {"::/80", "[::]:80", NULL},
                {"[fd00::1]/80", "[fd00::1]:80", NULL},
                {"FD00::1/65535", "[fd00::1]:65535", NULL},
                {"0.0.0.0:53/udp", "0.0.0.0:53/udp", NULL},
                {"0.0.0.0/53/udp", "0.0.0.0:53/udp", NULL},
                {"53/udp", "0.0.0.0:53/udp", NULL},
                {"*:53/udp", "0.0.0.0:53/udp", "[::]:53/udp"},
                {"[fd00::1]:53/udp", "[fd00::1]:53/udp", NULL},
                /* the longest that there are */
                {"[fd00:1111:2222:3333:4444:5555:6666:7777]:65535/udp",
                 "[fd00:1111:2222:3333:4444:5555:6666:7777]:65535/udp", NULL},
                {"fd00:1111:2222:3333:4444:5555:6666:7777/65535",
                 "[fd00:1111:2222:3333:4444:5555:6666:7777]:65535", NULL},
                {"[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535/udp",
                 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535/udp", NULL},
        };
        IpEndpoint found[ADOPTION_ENDPOINTS_MAX];
        char text[IP_ENDPOINT_TEXT_MAX];

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                ck_assert_msg(adoption_parse(cases[i].typed, found) == (cases[i].other ? 2 : 1),
                              "%s", cases[i].typed);
                ip_endpoint_format(&found[0], text);
                ck_assert_str_eq(text, cases[i].endpoint);
                if (!cases[i].other)
                        continue;
                ip_endpoint_format(&found[1], text);
                ck_assert_str_eq(text, cases[i].other);
        }
        for (size_t i = 0; i < sizeof(no_endpoints) / sizeof(no_endpoints[0]); i++)
                ck_assert_msg(adoption_parse(no_endpoints[i], found) == -EINVAL, "%s",
                              no_endpoints[i]);
}
END_TEST

START_TEST(test_what_may_be_adopted) {
        RuleTable t = RULE_TABLE_NULL;
        LedgerEntry ours = {.listen = {ip_v4(0, 0, 0, 0), 80}, .next = {ip_v4(172, 20, 0, 2), 80}};

        ck_assert_int_eq(rule_table_add(&t, RULE_V4TOV4, "0.0.0.0/80", "172.20.0.2/80"), 0);
        ck_assert_int_eq(rule_table_add(&t, RULE_V4TOV4, "*/80", "172.20.0.2/80"), 0);
        ck_assert_int_eq(rule_table_add(&t, RULE_V4TOV4, "0.0.0.0/80", NULL), 0);
        ck_assert_int_eq(rule_table_add(&t, RULE_V4TOV4, "localhost/80", "172.20.0.2/80"), 0);
        ck_assert_int_eq(rule_table_add(&t, RULE_RELAY_UDP, "0.0.0.0/53", "172.20.0.2/53"), 0);
        ck_assert(adoption_possible(&t.values[4], NULL));
        ck_assert(adoption_possible(&t.values[0], NULL));
        ck_assert(!adoption_possible(&t.values[0], &ours));
        ck_assert(adoption_possible(&t.values[1], &ours));
        ck_assert(!adoption_possible(&t.values[2], NULL));
        ck_assert(!adoption_possible(&t.values[3], NULL));
        rule_table_done(&t);
}
END_TEST

/* Claim: what becomes ours as it is can be read in the ledger again. */
START_TEST(test_proof) {
        static const struct {
                RuleFamily family;
                const char *name, *data;
                bool proven;
        } cases[] = {
                {RULE_V4TOV4, "0.0.0.0/80", "172.20.0.2/80", true},
                {RULE_V4TOV4, "*/80", "172.20.0.2/80", true},
                {RULE_V4TOV4, "0.0.0.0/080", "172.20.0.2/80", false},
                {RULE_V4TOV4, "0.0.0.0/80", "name/80", false},
                {RULE_RELAY_TCP, "0.0.0.0/80", "172.20.0.2/80 proxy-v2", true},
                {RULE_RELAY_TCP, "*/80", "172.20.0.2/80", false},
                {RULE_RELAY_UDP, "0.0.0.0/53", "172.20.0.2/53", true},
                {RULE_RELAY_UDP, "0.0.0.0/53", "172.20.0.2/53 proxy-v2", false},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                char name[LEDGER_NAME_MAX], data[LEDGER_TEXT_MAX + 1];
                RuleTable t = RULE_TABLE_NULL;
                LedgerEntry e;

                ck_assert_int_eq(rule_table_add(&t, cases[i].family, cases[i].name, cases[i].data),
                                 0);
                ck_assert_msg(adoption_proof(&t, &t.values[0], &e) == cases[i].proven, "%s = %s",
                              cases[i].name, cases[i].data);
                if (cases[i].proven) {
                        strcpy(e.owner, "00/Debian");
                        strcpy(e.service, "web");
                        ledger_name_format(&e.listen, name);
                        ledger_entry_format(&e, data);
                        ck_assert_msg(ledger_entry_parse(name, data, &e) == 0, "%s", data);
                        ck_assert(ledger_entry_proves(&e, &t.values[0]));
                }
                rule_table_done(&t);
        }
}
END_TEST

START_TEST(test_port_of_a_name) {
        static const struct {
                const char *name;
                uint16_t port; /* 0: none */
        } cases[] = {
                {"localhost/3493", 3493}, {"my.host/65535", 65535},
                {"0.0.0.0/80", 0},        {"0.0.0.0/http", 80},
                {"0.0.0.0/gopher", 0},    {"localhost/", 0},
                {"localhost", 0},         {"/80", 0},
                {"localhost/65536", 0},   {"localhost/80x", 0},
                {"localhost/0", 0},       {"::1/80", 80}, /* below v4tov4, where it has no effect */
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                RuleTable t = RULE_TABLE_NULL;
                uint16_t port = 0;

                ck_assert_int_eq(rule_table_add(&t, RULE_V4TOV4, cases[i].name, "10.0.0.1/80"), 0);
                ck_assert_int_eq(named_rule_port(&t.values[0], &port), cases[i].port != 0);
                ck_assert_uint_eq(port, cases[i].port);
                rule_table_done(&t);
        }
}
END_TEST

/* What the text of a conflict offers is what the doctors read in it, and nothing else is. */
START_TEST(test_the_offer_in_a_text) {
        static const char *const endpoints[] = {"0.0.0.0:2222", "[2001:db8::1]:65535", "[::]:80",
                                                "0.0.0.0:53/udp", "[::]:53/udp"};
        static const char *const without[] = {
                "",
                "delete it, or listen elsewhere",
                "take it over ('wslbridge-helper adopt ')",
                "take it over ('wslbridge-helper adopt 80 & calc')",
                "adopt 80",
                "take it over ('wslbridge-helper adopt /udp')",
                "take it over ('wslbridge-helper adopt 80/udp & calc')",
                "adopt 00000000000000000000000000000000000000000000000000000000000000'"};
        char text[200], endpoint[IP_ENDPOINT_TEXT_MAX];

        for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
                (void) snprintf(text, sizeof(text), "x: delete it, " ADOPTION_TEXT ", or (y = z)",
                                endpoints[i]);
                ck_assert(adoption_text_endpoint(text, endpoint));
                ck_assert_str_eq(endpoint, endpoints[i]);
        }
        for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
                ck_assert(!adoption_text_endpoint(without[i], endpoint));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("adoption");
        TCase *tc = tcase_create("adoption");

        tcase_add_test(tc, test_spellings);
        tcase_add_test(tc, test_the_offer_in_a_text);
        tcase_add_test(tc, test_what_may_be_adopted);
        tcase_add_test(tc, test_proof);
        tcase_add_test(tc, test_port_of_a_name);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
