/* SPDX-License-Identifier: MIT */

/* What the self-test concludes from its lines, and that a report can be read again. */

#include "tests/suite.h"
#include "windows-helper/core/selftest/facts.h"
#include "windows-helper/core/selftest/report.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static SelftestReport report;

static void setup(void) {
        report = SELFTEST_REPORT_NULL;
}

static void teardown(void) {
        selftest_report_done(&report);
}

static void see(SelftestPass pass, const char *key, bool done, uint32_t code) {
        SelftestLine line = {.pass = pass, .step = 3, .done = done, .code = code, .ms = 7};

        (void) snprintf(line.key, sizeof(line.key), "%s", key);
        (void) snprintf(line.text, sizeof(line.text), "of \"alice\" at 192.0.2.7\n");
        selftest_lines_add(&report.lines, &line);
}

static void expect(const char *id, FactVerdict verdict, const char *by) {
        const SelftestLine *why;

        ck_assert_ptr_nonnull(unverified_fact(id));
        ck_assert_int_eq(fact_judge(unverified_fact(id), &report.lines, &why), verdict);
        ck_assert_str_eq(why ? why->key : "-", by ? by : "-");
}

START_TEST(test_nothing_seen) {
        for (size_t i = 0; i < n_unverified_facts; i++)
                expect(unverified_facts[i].id, FACT_NOT_SEEN, NULL);
        see(SELFTEST_SERVICE, "hcs.list.none", false, 0);
        expect("2.2.5", FACT_NOT_SEEN, NULL);
}
END_TEST

START_TEST(test_kinds_of_rules) {
        see(SELFTEST_USER, "hyperv.suspend", true, 0);
        expect("1.3.1", FACT_HOLDS, "hyperv.suspend");
        see(SELFTEST_USER, "hyperv.bind.second", true, 10013);
        expect("1.3.5", FACT_FAILS, "hyperv.bind.second");
        see(SELFTEST_USER, "portproxy.retry", true, 1);
        expect("4.3.7", FACT_HOLDS, "portproxy.retry");
        see(SELFTEST_USER, "portproxy.retry", true, 0); /* the last line counts */
        expect("4.3.7", FACT_FAILS, "portproxy.retry");
        see(SELFTEST_SERVICE, "sleep.listener", true, 0);
        expect("2.6.1", FACT_NOT_SEEN, NULL);
        see(SELFTEST_SERVICE, "sleep.listener", true, 10057);
        expect("2.6.1", FACT_HOLDS, "sleep.listener");
        see(SELFTEST_USER, "firewall.quick", true, 1);
        expect("5.1.15", FACT_FAILS, "firewall.quick");
        /* the relay would not forgive what came */
        see(SELFTEST_USER, "relay.reset", true, 1);
        expect("9.3.20", FACT_FAILS, "relay.reset");
        see(SELFTEST_USER, "relay.reset", true, 0);
        expect("9.3.20", FACT_HOLDS, "relay.reset");
}
END_TEST

/* Only an answer from an address of a network decides; what was received says nothing of it. */
START_TEST(test_source_of_an_answer) {
        see(SELFTEST_USER, "relay.asked", true, 0);
        see(SELFTEST_USER, "relay.source", false, 0);
        expect("9.3.14", FACT_NOT_SEEN, NULL);
        see(SELFTEST_USER, "relay.source.loopback", true, 1);
        expect("9.3.14", FACT_NOT_SEEN, NULL);
        see(SELFTEST_SERVICE, "relay.source", true, 0);
        expect("9.3.14", FACT_HOLDS, "relay.source");
        see(SELFTEST_USER, "relay.source", true, 10022);
        expect("9.3.14", FACT_FAILS, "relay.source");
}
END_TEST

/* What only the service's pass shows; and one pass that contradicts. */
START_TEST(test_passes) {
        see(SELFTEST_USER, "hcs.list.none", true, 0x8037011b);
        expect("2.2.5", FACT_NOT_SEEN, NULL);
        see(SELFTEST_SERVICE, "hcs.list.none", true, 0);
        expect("2.2.5", FACT_HOLDS, "hcs.list.none");
        see(SELFTEST_SERVICE, "portproxy.listens", true, 0);
        expect("4.1.6", FACT_HOLDS, "portproxy.listens");
        see(SELFTEST_USER, "portproxy.listens", true, 1);
        expect("4.1.6", FACT_FAILS, "portproxy.listens");
        see(SELFTEST_SERVICE, "portproxy.reuse", true, 0); /* the account of iphlpsvc */
        expect("4.3.12", FACT_NOT_SEEN, NULL);
        see(SELFTEST_USER, "portproxy.reuse", true, 10013);
        expect("4.3.12", FACT_HOLDS, "portproxy.reuse");
        see(SELFTEST_USER, "hyperv.bind.wildcard", true, 10048); /* a self-test before */
        expect("1.3.9", FACT_NOT_SEEN, NULL);
        see(SELFTEST_SERVICE, "hyperv.bind.wildcard", true, 10048);
        expect("1.3.9", FACT_FAILS, "hyperv.bind.wildcard");
        see(SELFTEST_USER, "files.rename", true, 0);
        expect("9.2.7", FACT_HOLDS, "files.rename");
        see(SELFTEST_USER, "files.delete", true, 0);
        expect("9.2.7", FACT_FAILS, "files.delete");
}
END_TEST

/* A token that is not restricted yet tells nothing of one that is. */
START_TEST(test_restricted_token) {
        see(SELFTEST_RELAY, "account.read", true, 0);
        see(SELFTEST_RELAY, "account.write", true, 1);
        see(SELFTEST_RELAY, "account.tcp", true, 0);
        see(SELFTEST_RELAY, "account.event", true, 5);
        see(SELFTEST_SERVICE, "account.restricted", true, 0); /* another token */
        see(SELFTEST_RELAY, "account.restricted", false, 0);
        for (int i = 0; i < 2; i++) {
                expect("9.1.16", FACT_NOT_SEEN, NULL);
                expect("9.1.17", FACT_NOT_SEEN, NULL);
                expect("9.1.18", FACT_NOT_SEEN, NULL);
                see(SELFTEST_RELAY, "account.restricted", true, 1);
        }
        see(SELFTEST_RELAY, "account.restricted", true, 0);
        expect("9.1.16", FACT_FAILS, "account.write");
        expect("9.1.17", FACT_HOLDS, "account.tcp");
        expect("9.1.18", FACT_FAILS, "account.event");
        see(SELFTEST_SERVICE, "account.write", true, 1);
        see(SELFTEST_RELAY, "account.write", true, 0);
        expect("9.1.16", FACT_HOLDS, "account.read");
}
END_TEST

START_TEST(test_names) {
        FactVerdict verdict;

        for (unsigned i = 0; i < _FACT_VERDICT_END; i++) {
                ck_assert_int_eq(fact_verdict_parse(fact_verdict_name((FactVerdict) i), &verdict),
                                 0);
                ck_assert_uint_eq(verdict, i);
        }
        ck_assert_int_eq(fact_verdict_parse("perhaps", &verdict), -EINVAL);
        ck_assert_ptr_null(unverified_fact("1.3"));
}
END_TEST

START_TEST(test_read_again) {
        SelftestLines again = SELFTEST_LINES_NULL;
        Buffer out = BUFFER_NULL;

        see(SELFTEST_SERVICE, "hcs.list.none", true, 0x8037011b);
        see(SELFTEST_USER, "hcs.load", false, 0);
        see(SELFTEST_RELAY, "account.tcp", true, 10013);
        ck_assert_int_eq(selftest_report_json(&report, NULL, "1.2", &out), 0);
        ck_assert_int_eq(selftest_lines_read(&again, buffer_text(&out), buffer_length(&out)), 0);
        ck_assert_uint_eq(again.n, 3);
        for (size_t i = 0; i < again.n; i++) {
                const SelftestLine *a = &again.items[i], *b = &report.lines.items[i];

                ck_assert(a->pass == b->pass && a->step == b->step && a->done == b->done);
                ck_assert(a->code == b->code && a->ms == b->ms);
                ck_assert_str_eq(a->key, b->key);
                ck_assert_str_eq(a->api, b->api);
                ck_assert_str_eq(a->text, b->text);
        }
        for (size_t n = 0; n + 2 < buffer_length(&out); n++) { /* half a file is no report */
                SelftestLines part = SELFTEST_LINES_NULL;

                ck_assert_int_eq(selftest_lines_read(&part, buffer_text(&out), n), -EINVAL);
                selftest_lines_done(&part);
        }
        selftest_lines_done(&again);
        buffer_done(&out);
}
END_TEST

START_TEST(test_a_masked_report) {
        Buffer out = BUFFER_NULL;
        Mask mask = MASK_NULL;

        see(SELFTEST_SERVICE, "hcs.list.none", true, 5);
        mask_name(&mask, MASK_USER, "Alice");
        ck_assert_int_eq(selftest_report_json(&report, &mask, "1.2", &out), 0);
        ck_assert_ptr_null(strstr(buffer_text(&out), "alice"));
        ck_assert_ptr_null(strstr(buffer_text(&out), "192.0.2.7"));
        ck_assert_ptr_nonnull(strstr(buffer_text(&out), "of \\\"<user-1>\\\" at <ipv4-1>"));
        ck_assert_ptr_nonnull(strstr(buffer_text(&out), "\"does not hold\""));
        buffer_done(&out);
        mask_done(&mask);
}
END_TEST

START_TEST(test_text) {
        Buffer out = BUFFER_NULL;

        see(SELFTEST_SERVICE, "hcs.list.none", true, 0x8037011b);
        see(SELFTEST_SERVICE, "hyperv.bind.second", true, 10048);
        see(SELFTEST_SERVICE, "life.pending", false, 0);
        for (size_t i = 0; i < report.lines.n; i++)
                selftest_report_line(&report.lines.items[i], &out);
        selftest_report_facts(&report, &out);
        ck_assert_ptr_nonnull(strstr(buffer_text(&out), "  0x8037011b      7 ms  of"));
        ck_assert_ptr_nonnull(strstr(buffer_text(&out), "  10048 "));
        ck_assert_ptr_nonnull(strstr(buffer_text(&out), "not done, of"));
        ck_assert_ptr_nonnull(strstr(buffer_text(&out), "-> The helper reads the list of VMs"));
        ck_assert_ptr_nonnull(strstr(buffer_text(&out), "Facts that hold: 1; that do not: 1;"));
        ck_assert_ptr_nonnull(strstr(buffer_text(&out), "Nothing is left behind."));
        buffer_done(&out);
}
END_TEST

/* A service that writes without end does not fill the memory. */
START_TEST(test_too_many_lines) {
        for (size_t i = 0; i < SELFTEST_LINES_MAX + 100; i++)
                see(SELFTEST_USER, "x", true, 0);
        ck_assert(report.lines.oom);
        ck_assert_uint_le(report.lines.n, 2 * SELFTEST_LINES_MAX);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("facts");
        TCase *tc = tcase_create("facts");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_nothing_seen);
        tcase_add_test(tc, test_kinds_of_rules);
        tcase_add_test(tc, test_source_of_an_answer);
        tcase_add_test(tc, test_passes);
        tcase_add_test(tc, test_restricted_token);
        tcase_add_test(tc, test_names);
        tcase_add_test(tc, test_read_again);
        tcase_add_test(tc, test_a_masked_report);
        tcase_add_test(tc, test_text);
        tcase_add_test(tc, test_too_many_lines);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
