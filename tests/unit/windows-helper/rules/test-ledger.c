/* SPDX-License-Identifier: MIT */

/* The ledger's text survives a round trip, any other text is refused, and the batch operations
 * leave the same set of entries as single ones. */

#include "tests/suite.h"
#include "windows-helper/core/rules/ledger.h"
#include "windows-helper/core/rules/rule.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N(a)  (sizeof(a) / sizeof((a)[0]))
#define OWNER "000102030405060708090a0b0c0d0e0f/Ubuntu"

START_TEST(test_text) {
        static const struct {
                const char *name, *data;
                bool good;
        } cases[] = {
                {"0.0.0.0/80", OWNER "|web|-|172.20.0.2/80", true},
                {"0.0.0.0/80", OWNER "|web|172.20.0.2/80|172.20.0.9/80", true},
                {"::/80", OWNER "|web|fd00::2/80|-", true},
                /* A distro's name may contain anything but NUL, so the owner is the rest of the
                   text. */
                {"0.0.0.0/80", "00/a|b|c|web|-|172.20.0.2/80", true},
                /* The value is called "*". */
                {"0.0.0.0/80", OWNER "|web|172.20.0.2/80|172.20.0.9/80|*", true},
                {"::/80", OWNER "|web|fd00::2/80|-|*", true},
                {"0.0.0.1/80", OWNER "|web|-|172.20.0.2/80|*", false},
                {"0.0.0.0/80", OWNER "|web|-|172.20.0.2/80|", false},
                {"0.0.0.0/80", OWNER "|web|-|172.20.0.2/80|*|*", false},
                {"0.0.0.0/80", OWNER "|web|-|-|*", false},
                {"0.0.0.0/80", OWNER "|web|-|*", false},
                {"0.0.0.0/80", "|*", false},
                {"0.0.0.0/80", OWNER "|web|-|-", false}, /* proves nothing */
                {"0.0.0.0/80", "|web|-|172.20.0.2/80", false},
                {"0.0.0.0/80", OWNER "||-|172.20.0.2/80", false},
                {"0.0.0.0/80", OWNER "|.web|-|172.20.0.2/80", false},
                {"0.0.0.0/80", OWNER "|web|172.20.0.2/80", false},
                {"0.0.0.0/80", OWNER "|web|-|172.20.0.2", false},
                {"0.0.0.0/80", OWNER "|web|-|*/80", false},
                {"0.0.0.0/80", "", false},
                {"*/80", OWNER "|web|-|172.20.0.2/80", false},
                {"80", OWNER "|web|-|172.20.0.2/80", false},
                {"0.0.0.0/080", OWNER "|web|-|172.20.0.2/80", false},
                {"0:0:0:0:0:0:0:0/80", OWNER "|web|-|172.20.0.2/80", false},
                {"FD00::1/80", OWNER "|web|-|172.20.0.2/80", false},
                {"0.0.0.0/80", OWNER "|web|-|172.20.0.2/080", false},
        };

        for (size_t i = 0; i < N(cases); i++) {
                char data[LEDGER_TEXT_MAX + 1], name[RULE_TEXT_MAX];
                LedgerEntry e;
                int r = ledger_entry_parse(cases[i].name, cases[i].data, &e);

                ck_assert_msg((r == 0) == cases[i].good, "'%s': %d", cases[i].data, r);
                if (r == 0) {
                        ledger_entry_format(&e, data);
                        rule_endpoint_format(&e.listen, name);
                        ck_assert_str_eq(data, cases[i].data);
                        ck_assert_str_eq(name, cases[i].name);
                }
        }
}
END_TEST

START_TEST(test_text_limits) {
        char data[LEDGER_TEXT_MAX + 32], again[LEDGER_TEXT_MAX + 1];
        LedgerEntry e = {.listen = {ip_v4(0, 0, 0, 0), 65535}, .star = true};

        /* The longest text of each part fits. */
        memset(e.owner, 'o', LEDGER_OWNER_MAX);
        memset(e.service, 's', WIRE_SERVICE_NAME_MAX);
        e.current = e.next = (RuleTarget){{.family = IP_FAMILY_V6}, 65535, RULE_WAY_PORTPROXY};
        memset(e.current.addr.bytes, 0xff, 16);
        memset(e.next.addr.bytes, 0xee, 16);
        ledger_entry_format(&e, again);
        ck_assert_int_eq(ledger_entry_parse("0.0.0.0/65535", again, &e), 0);
        ck_assert_uint_eq(strlen(e.owner), LEDGER_OWNER_MAX);
        /* An owner that is one byte longer does not. */
        (void) snprintf(data, sizeof(data), "o%s", again);
        ck_assert_int_lt(ledger_entry_parse("0.0.0.0/65535", data, &e), 0);
}
END_TEST

static LedgerEntry entry(unsigned port) {
        return (LedgerEntry){
                .listen = {ip_v4(0, 0, 0, 0), (uint16_t) port},
                .owner = OWNER,
                .service = "web",
                .next = {ip_v4(172, 20, 0, 2), (uint16_t) port},
        };
}

/* True for the endpoints that are removed in the end. What is left must equal a set that never had
 * them. */
static bool removed(unsigned port) {
        return port % 7 == 1;
}

START_TEST(test_a_batch_equals_single_steps) {
        Ledger one = LEDGER_NULL, batch = LEDGER_NULL;
        LedgerEntry added[50];
        const LedgerEntry *list[N(added)];

        for (unsigned port = 3; port < 100; port += 3) { /* known before */
                LedgerEntry e = entry(port);

                if (!removed(port))
                        ck_assert_int_eq(ledger_put(&one, &e), 0);
                ck_assert_int_eq(ledger_put(&batch, &e), 0);
        }
        for (unsigned i = 0; i < N(added); i++) {
                added[i] = entry(3 * i + 1);
                list[i] = &added[i];
        }
        for (unsigned i = N(added); i > 0; i--)
                if (!removed(added[i - 1].listen.port))
                        ck_assert_int_eq(ledger_put(&one, &added[i - 1]), 0);
        ck_assert_int_eq(ledger_reserve(&batch, N(added)), 0);
        ledger_merge(&batch, list, N(added));
        for (unsigned port = 1; port < 160; port++) {
                LedgerEntry e = entry(port), *known = ledger_find(&batch, &e.listen);

                if (known && removed(port))
                        ledger_entry_void(known);
        }
        ledger_compact(&batch);

        ck_assert_uint_eq(one.n_entries, batch.n_entries);
        for (size_t i = 0; i < one.n_entries; i++) {
                ck_assert_int_eq(
                        ip_endpoint_compare(&one.entries[i].listen, &batch.entries[i].listen), 0);
                ck_assert_ptr_eq(ledger_find(&batch, &one.entries[i].listen), &batch.entries[i]);
        }
        ledger_done(&one);
        ledger_done(&batch);
}
END_TEST

/* Not even a small block stays where a large one was: the heap could not give back what is before
 * it. */
START_TEST(test_without_entries_it_has_no_memory) {
        Ledger l = LEDGER_NULL;

        for (unsigned round = 0; round < 2; round++) {
                for (unsigned port = 1; port <= 1000; port++) {
                        LedgerEntry e = entry(port);

                        ck_assert_int_eq(ledger_put(&l, &e), 0);
                }
                for (size_t i = 0; i < l.n_entries; i++)
                        if (i != 500)
                                ledger_entry_void(&l.entries[i]);
                ledger_compact(&l);
                ck_assert_uint_eq(l.n_entries, 1);
                ck_assert_uint_lt(l.size, 100);
                ledger_entry_void(&l.entries[0]);
                ledger_compact(&l);
                ck_assert_uint_eq(l.n_entries, 0);
                ck_assert_uint_eq(l.size, 0);
                ck_assert_ptr_null(l.entries);
        }
}
END_TEST

/* An endpoint that another guest takes over has one entry, and it is the new guest's. */
START_TEST(test_one_entry_for_each_endpoint) {
        Ledger l = LEDGER_NULL;
        LedgerEntry e = entry(80), other = entry(81);

        ck_assert_int_eq(ledger_put(&l, &e), 0);
        ck_assert_int_eq(ledger_put(&l, &other), 0);
        strcpy(e.owner, "00/Debian");
        ck_assert_int_eq(ledger_put(&l, &e), 0);
        ck_assert_uint_eq(l.n_entries, 2);
        ck_assert_str_eq(ledger_find(&l, &e.listen)->owner, "00/Debian");
        ck_assert_str_eq(ledger_find(&l, &other.listen)->owner, OWNER);
        ledger_done(&l);
}
END_TEST

START_TEST(test_owns) {
        LedgerEntry e = entry(80);
        RuleTarget next = e.next, none = {{0}, 0, 0}, other = {ip_v4(10, 0, 0, 1), 80, 0};
        RuleTarget before = {ip_v4(172, 20, 0, 9), 80, 0}, after = {ip_v4(172, 20, 0, 1), 80, 0};

        ck_assert(ledger_entry_owns(&e, &next));
        ck_assert(!ledger_entry_owns(&e, &other));
        ck_assert(!ledger_entry_owns(&e, &none)); /* .current is none, but no value is "none" */
        e.current = before; /* in the middle of a change both are ours, and nothing around them */
        ck_assert(ledger_entry_owns(&e, &before));
        ck_assert(ledger_entry_owns(&e, &next));
        ck_assert(!ledger_entry_owns(&e, &after));
        ck_assert(!ledger_entry_owns(&e, &other));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("ledger");
        TCase *tc = tcase_create("ledger");

        tcase_add_test(tc, test_text);
        tcase_add_test(tc, test_text_limits);
        tcase_add_test(tc, test_a_batch_equals_single_steps);
        tcase_add_test(tc, test_without_entries_it_has_no_memory);
        tcase_add_test(tc, test_one_entry_for_each_endpoint);
        tcase_add_test(tc, test_owns);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
