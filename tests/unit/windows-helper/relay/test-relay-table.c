/* SPDX-License-Identifier: MIT */

/* Values of the relay's table, and what changes from one table to another. */

#include "tests/suite.h"
#include "windows-helper/core/relay/relay-table.h"

#include <errno.h>
#include <string.h>

static const struct {
        RuleFamily protocol;
        RuleFamily family;
        const char *name, *data;
        const char *problem; /* NULL: good; else a part of it */
} values[] = {
        {RULE_RELAY_TCP, RULE_V4TOV4, "0.0.0.0/8080", "172.28.64.10/80", NULL},
        {RULE_RELAY_TCP, RULE_V4TOV4, "0.0.0.0/8080", "172.28.64.10/80 proxy-v2", NULL},
        {RULE_RELAY_UDP, RULE_V4TOV4, "192.168.1.5/5060", "172.28.64.10/5060", NULL},
        {RULE_RELAY_UDP, RULE_V6TOV4, "::/53", "172.28.64.10/53", NULL},
        {RULE_RELAY_TCP, RULE_V6TOV6, "2001:db8::1/65535", "fd00::2/1", NULL},
        {RULE_RELAY_TCP, RULE_V4TOV6, "127.0.0.1/1", "fd00::2/1 proxy-v2", NULL},
        {RULE_RELAY_UDP, RULE_V4TOV4, "0.0.0.0/8080", "172.28.64.10/80 proxy-v2", "TCP only"},
        {RULE_RELAY_TCP, RULE_V4TOV4, "0.0.0.0/8080", NULL, "REG_SZ"},
        {RULE_RELAY_TCP, RULE_V4TOV4, "0.0.0.0/8080", "", "does not lead"},
        {RULE_RELAY_TCP, RULE_V4TOV4, "0.0.0.0/8080", "172.28.64.10", "does not lead"},
        {RULE_RELAY_TCP, RULE_V4TOV4, "0.0.0.0/8080", "172.28.64.10/0", "does not lead"},
        {RULE_RELAY_TCP, RULE_V4TOV4, "0.0.0.0/8080", " proxy-v2", "does not lead"},
        {RULE_RELAY_TCP, RULE_V4TOV4, "0.0.0.0/8080", "172.28.64.10/80 proxy-v1", "does not lead"},
        {RULE_RELAY_TCP, RULE_V4TOV4, "0.0.0.0/8080", "172.28.64.10/80  proxy-v2", "does not lead"},
        {RULE_RELAY_TCP, RULE_V4TOV4, "0.0.0.0/8080", "172.28.64.10/80 proxy-v2 proxy-v2",
         "does not lead"},
        {RULE_RELAY_TCP, RULE_V4TOV4, "0.0.0.0/8080", "host.example/80", "does not lead"},
        {RULE_RELAY_TCP, RULE_V4TOV4, "*/8080", "172.28.64.10/80", "not named after"},
        {RULE_RELAY_TCP, RULE_V4TOV4, "0.0.0.0/65536", "172.28.64.10/80", "not named after"},
        {RULE_RELAY_TCP, RULE_V4TOV4, "", "172.28.64.10/80", "not named after"},
        {RULE_RELAY_TCP, RULE_V4TOV4, "::/8080", "172.28.64.10/80", "another family"},
        {RULE_RELAY_TCP, RULE_V4TOV4, "0.0.0.0/8080", "fd00::2/80", "another family"},
        {RULE_RELAY_TCP, RULE_V4TOV4, "0.0.0.0/08080", "172.28.64.10/80", "as wslbridge"},
        {RULE_RELAY_TCP, RULE_V4TOV4, "0.0.0.0/8080", "172.28.64.10/080", "as wslbridge"},
        {RULE_RELAY_TCP, RULE_V6TOV4, "0:0::0/8080", "172.28.64.10/80", "as wslbridge"},
        {RULE_RELAY_TCP, RULE_V4TOV4, "224.0.0.1/8080", "172.28.64.10/80", "no host"},
        {RULE_RELAY_UDP, RULE_V4TOV4, "255.255.255.255/67", "172.28.64.10/67", "no host"},
        {RULE_RELAY_UDP, RULE_V6TOV4, "ff02::1/67", "172.28.64.10/67", "no host"},
        {RULE_RELAY_TCP, RULE_V4TOV4, "0.0.0.0/8080", "127.0.0.1/80", "no guest"},
        {RULE_RELAY_TCP, RULE_V4TOV4, "0.0.0.0/8080", "0.0.0.0/80", "no guest"},
        {RULE_RELAY_TCP, RULE_V4TOV4, "0.0.0.0/8080", "255.255.255.255/80", "no guest"},
        {RULE_RELAY_TCP, RULE_V4TOV6, "0.0.0.0/8080", "::1/80", "no guest"},
};

START_TEST(test_values) {
        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
                char name[RULE_TEXT_MAX], data[RULE_DATA_MAX];
                RelayEntry e;
                const char *problem =
                        relay_entry_parse((RuleFamily) (values[i].protocol + values[i].family),
                                          values[i].name, values[i].data, &e);

                if (values[i].problem) {
                        ck_assert_msg(problem && strstr(problem, values[i].problem), "case %zu: %s",
                                      i, problem ? problem : "taken");
                        continue;
                }
                ck_assert_msg(!problem, "case %zu: %s", i, problem);
                relay_entry_format(&e, name, data);
                ck_assert_str_eq(name, values[i].name);
                ck_assert_str_eq(data, values[i].data);
                ck_assert_int_eq(e.listen.udp, values[i].protocol == RULE_RELAY_UDP);
                ck_assert_int_eq(e.proxy_v2, strstr(data, "proxy-v2") != NULL);
        }
}
END_TEST

START_TEST(test_long_value) {
        char data[2000];
        RelayEntry e;

        memset(data, '1', sizeof(data) - 1);
        data[sizeof(data) - 1] = '\0';
        ck_assert_ptr_nonnull(
                strstr(relay_entry_parse(RULE_RELAY_TCP, "0.0.0.0/1", data, &e), "does not lead"));
}
END_TEST

/* "tcp 0.0.0.0/80>172.28.64.10/80 proxy-v2", separated by commas. */
static RelayTable table_of(const char *const *lines) {
        RelayTable t = RELAY_TABLE_NULL;

        for (; *lines; lines++) {
                RuleFamily protocol =
                        strncmp(*lines, "udp", 3) == 0 ? RULE_RELAY_UDP : RULE_RELAY_TCP;
                const char *arrow = strchr(*lines, '>');
                char name[RULE_TEXT_MAX] = "";
                RelayEntry e = {0};
                bool taken = false;

                memcpy(name, *lines + 4, (size_t) (arrow - *lines - 4));
                for (int f = 0; f < _RULE_PORTPROXY_END; f++)
                        taken |= !relay_entry_parse((RuleFamily) (protocol + f), name, arrow + 1,
                                                    &e);
                ck_assert_msg(taken, "%s", *lines);
                ck_assert_int_eq(relay_table_add(&t, &e), 0);
        }
        (void) relay_table_sort(&t);
        return t;
}

static void expect_changes(const char *const *old_lines, const char *const *new_lines,
                           const char *kinds) {
        RelayTable old = table_of(old_lines), new = table_of(new_lines);
        RelayDiff diff = {0};
        RelayChange c;
        char seen[32] = "";
        size_t n = 0;

        while (relay_diff_next(&diff, &old, &new, &c)) {
                seen[n++] = "OCMS"[c.kind];
                ck_assert_int_eq(!c.old, c.kind == RELAY_OPEN);
                ck_assert_int_eq(!c.new, c.kind == RELAY_CLOSE);
                if (c.old && c.new)
                        ck_assert_int_eq(ip_endpoint_compare(&c.old->listen, &c.new->listen), 0);
        }
        ck_assert_str_eq(seen, kinds);
        ck_assert(!relay_diff_next(&diff, &old, &new, &c));
        relay_table_done(&old);
        relay_table_done(&new);
}

#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NONE       ((const char *const[]){NULL})
#define WEB        "tcp 0.0.0.0/80>172.28.64.10/80"
#define WEB_MOVED  "tcp 0.0.0.0/80>172.28.64.11/80"
#define WEB_PROXY  "tcp 0.0.0.0/80>172.28.64.10/80 proxy-v2"
#define WEB_V6     "tcp 0.0.0.0/80>fd00::2/80"
#define DNS        "udp 0.0.0.0/80>172.28.64.10/53"
#define SSH        "tcp 192.168.1.5/22>172.28.64.10/22"

START_TEST(test_diff) {
        expect_changes(NONE, NONE, "");
        expect_changes(NONE, LINES(WEB), "O");
        expect_changes(LINES(WEB), NONE, "C");
        expect_changes(LINES(WEB), LINES(WEB), "S");
        expect_changes(LINES(WEB), LINES(WEB_MOVED), "M");
        expect_changes(LINES(WEB), LINES(WEB_PROXY), "M");
        expect_changes(LINES(WEB), LINES(WEB_V6), "M"); /* its value is in another key now */
        expect_changes(LINES(WEB), LINES(DNS), "CO");   /* one port, two protocols */
        expect_changes(LINES(SSH, WEB, DNS), LINES(DNS, WEB_MOVED), "MSC");
        expect_changes(LINES(WEB), LINES(SSH, WEB, DNS), "SOO");
}
END_TEST

/* Values of two families can have one endpoint; which of them stays does not depend on luck. */
START_TEST(test_twice) {
        RelayTable t = table_of(LINES(WEB_V6, WEB));
        char name[RULE_TEXT_MAX], data[RULE_DATA_MAX];

        ck_assert_uint_eq(t.n_entries, 1);
        relay_entry_format(&t.entries[0], name, data);
        ck_assert_str_eq(data, "172.28.64.10/80");
        ck_assert_int_eq(relay_table_add(&t, &t.entries[0]), 0);
        ck_assert_uint_eq(relay_table_sort(&t), 1);
        relay_table_done(&t);
}
END_TEST

START_TEST(test_full) {
        RelayTable t = table_of(LINES(WEB));
        RelayEntry e = t.entries[0];

        while (relay_table_add(&t, &e) == 0) {
        }
        ck_assert_uint_eq(t.n_entries, RELAY_ENTRIES_MAX);
        ck_assert_int_eq(relay_table_add(&t, &e), -ENOSPC);
        relay_table_done(&t);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("relay-table");
        TCase *tc = tcase_create("table");

        tcase_add_test(tc, test_values);
        tcase_add_test(tc, test_long_value);
        tcase_add_test(tc, test_diff);
        tcase_add_test(tc, test_twice);
        tcase_add_test(tc, test_full);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
