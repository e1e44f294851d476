/* SPDX-License-Identifier: MIT */

/* What is said of values that are in the way: the commands in it are whole, and name the value that
 * is there. */

#include "tests/suite.h"

#include "common/adoption-text.h"
#include "windows-helper/core/rules/conflict-text.h"

#include <string.h>

static RuleTable table;

static void setup(void) {
        table = RULE_TABLE_NULL;
}

static void teardown(void) {
        rule_table_done(&table);
}

static const RuleValue *value(RuleFamily family, const char *name, const char *data) {
        ck_assert_int_eq(rule_table_add(&table, family, name, data), 0);
        return &table.values[table.n_values - 1];
}

START_TEST(test_portproxy) {
        const RuleValue *v = value(RULE_V4TOV4, "0.0.0.0/80", "10.0.0.1/80");
        char command[CONFLICT_COMMAND_MAX], text[WIRE_TEXT_MAX + 1];

        ck_assert(!conflict_command(v, command));
        conflict_text(v, text);
        ck_assert_str_eq(text, "0.0.0.0:80: there is a port forwarding that wslbridge did not "
                               "make; delete it, take it over ('wslbridge-helper adopt "
                               "0.0.0.0:80'), or listen elsewhere (v4tov4 0.0.0.0/80 = "
                               "10.0.0.1/80)");
}
END_TEST

START_TEST(test_relay) {
        static const struct {
                RuleFamily family;
                const char *name, *data, *text;
        } cases[] = {
                {RULE_RELAY_UDP + RULE_V4TOV4, "0.0.0.0/53", "10.0.0.1/53",
                 "0.0.0.0:53/udp: an entry of unknown origin is in the relay's table; take it over "
                 "('wslbridge-helper adopt 0.0.0.0:53/udp') or delete it ('reg.exe delete "
                 "HKLM\\SOFTWARE\\wslbridge\\Relay\\v4tov4\\udp /v 0.0.0.0/53 /f')"},
                {RULE_RELAY_TCP + RULE_V6TOV4, "FD00::1/80", "10.0.0.1/80",
                 "[fd00::1]:80: an entry of unknown origin is in the relay's table; take it over "
                 "('wslbridge-helper adopt [fd00::1]:80') or delete it ('reg.exe delete "
                 "HKLM\\SOFTWARE\\wslbridge\\Relay\\v6tov4\\tcp /v FD00::1/80 /f')"},
                {RULE_RELAY_TCP + RULE_V4TOV6, "0.0.0.0/80", NULL,
                 "0.0.0.0:80: an entry of unknown origin is in the relay's table; delete it "
                 "('reg.exe delete HKLM\\SOFTWARE\\wslbridge\\Relay\\v4tov6\\tcp /v 0.0.0.0/80 "
                 "/f')"},
        };
        char text[WIRE_TEXT_MAX + 1];

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                conflict_text(value(cases[i].family, cases[i].name, cases[i].data), text);
                ck_assert_str_eq(text, cases[i].text);
        }
}
END_TEST

/* Where there is no room for both ways, the one that was cut would be wrong. */
START_TEST(test_the_longest) {
        const RuleValue *v = value(RULE_RELAY_UDP + RULE_V6TOV6,
                                   "2001:db8:1111:2222:3333:4444:5555:6666/65535", "fd00::2/65535");
        char text[WIRE_TEXT_MAX + 1], endpoint[IP_ENDPOINT_TEXT_MAX];

        conflict_text(v, text);
        ck_assert(!adoption_text_endpoint(text, endpoint));
        ck_assert_ptr_nonnull(strstr(text, "; delete it ('reg.exe delete HKLM\\SOFTWARE\\wslbridge"
                                           "\\Relay\\v6tov6\\udp /v 2001:db8:1111:2222:3333:4444:"
                                           "5555:6666/65535 /f')"));
        conflict_text(value(RULE_RELAY_UDP + RULE_V4TOV4, "192.168.100.100/65535", "10.0.0.1/1"),
                      text);
        ck_assert(adoption_text_endpoint(text, endpoint));
        ck_assert_str_eq(endpoint, "192.168.100.100:65535/udp");
        ck_assert_str_eq(text + strlen(text) - strlen("65535 /f')"), "65535 /f')");
}
END_TEST

/* A shell could do something else with them. */
START_TEST(test_names_that_are_no_endpoint) {
        static const char *const names[] = {"odd", "0.0.0.0/80 & calc", "0.0.0.0/80\" /va",
                                            "%PATH%/80"};
        char command[CONFLICT_COMMAND_MAX];

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                ck_assert(!conflict_command(
                        value(RULE_RELAY_TCP + RULE_V4TOV4, names[i], "10.0.0.1/80"), command));
}
END_TEST

/* Claim: a value is one line, whatever is in it. */
START_TEST(test_the_value) {
        char text[WIRE_TEXT_MAX + 1], data[2 * WIRE_TEXT_MAX];

        conflict_value_text(value(RULE_V4TOV4, "0.0.0.0/80", "10.0.0.1/80"), text);
        ck_assert_str_eq(text, "0.0.0.0/80 = 10.0.0.1/80");
        conflict_value_text(value(RULE_V4TOV4, "a\nb", NULL), text);
        ck_assert_str_eq(text, "a?b = ?");
        memset(data, 'x', sizeof(data) - 1);
        data[sizeof(data) - 1] = '\0';
        conflict_value_text(value(RULE_V4TOV4, "0.0.0.0/80", data), text);
        ck_assert_uint_eq(strlen(text), WIRE_TEXT_MAX);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("conflict-text");
        TCase *tc = tcase_create("conflict-text");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_portproxy);
        tcase_add_test(tc, test_relay);
        tcase_add_test(tc, test_the_longest);
        tcase_add_test(tc, test_names_that_are_no_endpoint);
        tcase_add_test(tc, test_the_value);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
