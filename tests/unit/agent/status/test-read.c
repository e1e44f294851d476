/* SPDX-License-Identifier: MIT */

/* Reading status.json leniently, and what commands conclude from it about services. */

#include "agent/ctl/client/outcome.h"
#include "agent/ctl/doctor/wslconfig.h"

#include "tests/unit/agent/testing.h"

static Report *report;

static void setup(void) {
        test_setup();
        report = NULL;
}

static void teardown(void) {
        report_free(report);
        test_teardown();
}

static int parse(const char *text) {
        report = report_free(report);
        return report_parse(text, strlen(text), &report);
}

#define FULL                                                                                      \
        "{\"schema\": 1, \"agent\": {\"version\": \"0.1.0\", \"pid\": 17, \"agent_id\": \"ab\", " \
        "\"distro\": \"Debian\"}, \"guest\": {\"mode\": \"nat\", \"interface\": \"eth0\", "       \
        "\"ipv4\": {\"address\": \"172.20.1.2\", \"prefix\": 20, \"gateway\": \"172.20.0.1\"}, "  \
        "\"ipv6\": null, \"problem\": null, \"candidates\": [{\"interface\": \"eth0\", "          \
        "\"address\": \"172.20.1.2\", \"default_route\": true, \"vmbus\": true}]}, "              \
        "\"helper\": {\"address\": \"unix:/x\", \"state\": \"%s\", \"connected\": true, "         \
        "\"error\": {\"cause\": \"refused\", \"code\": \"not-paired\", \"text\": "                \
        "\"no\\u001b[2J\", \"errno\": 110}}, "                                                    \
        "\"last_update\": {\"usec\": 1500, \"host_usec\": 20}, \"services\": [{\"name\": "        \
        "\"web\", \"file\": \"/etc/web.ini\", \"enabled\": %s, \"state\": \"%s\", \"listens\": "  \
        "[{\"listen\": \"0.0.0.0:80\", \"count\": 2, \"connect_port\": 80}], \"since\": "         \
        "{\"time\": \"2026-01-31T12:00:00.000000Z\", \"monotonic_usec\": 5000000}, "              \
        "\"guest\": \"loopback-only\", \"guest_port\": 81}], \"configuration\": {\"stale\": %s, " \
        "\"fingerprint\": \"00000000000000ff\", \"read\": {\"monotonic_usec\": 6000000}, "        \
        "\"problems\": [{\"file\": \"/etc/x\", \"line\": 3, \"key\": null, \"message\": "         \
        "\"m\"}]}, "                                                                              \
        "\"counters\": {\"connects\": 4}}"

static void parse_full(const char *helper, const char *enabled, const char *state,
                       const char *stale) {
        char text[2048];

        (void) snprintf(text, sizeof(text), FULL, helper, enabled, state, stale);
        ck_assert_int_eq(parse(text), 0);
}

START_TEST(all_members) {
        parse_full("connected", "true", "active", "false");
        ck_assert_int_eq(report->pid, 17);
        ck_assert_str_eq(report->distro, "Debian");
        ck_assert_str_eq(report->v4.gateway, "172.20.0.1");
        ck_assert_uint_eq(report->v4.prefix, 20);
        ck_assert_str_eq(report->v6.address, "");
        ck_assert_uint_eq(report->n_candidates, 1);
        ck_assert(report->candidates[0].vmbus && report->candidates[0].default_route);
        ck_assert_str_eq(report->error_text, "no?[2J"); /* no escape sequence gets through */
        ck_assert_uint_eq(report->error_errno, 110);
        ck_assert_uint_eq(report->n_connects, 4);
        ck_assert(report->has_update);
        ck_assert_uint_eq(report->update_usec, 1500);
        ck_assert_uint_eq(report->services[0].listens[0].count, 2);
        ck_assert_uint_eq(report->services[0].guest_port, 81);
        ck_assert_str_eq(report->problems[0].key, "");
        ck_assert_uint_eq(report->problems[0].line, 3);
        ck_assert_ptr_eq(report_service(report, "web"), &report->services[0]);
        ck_assert_ptr_null(report_service(report, "we"));
}
END_TEST

/* What the agent says counts, whatever the mode is. */
START_TEST(how_it_is_reached) {
        static const struct {
                const char *guest;
                WireReach reach;
                bool outside;
                size_t n_tcp, n_udp;
        } table[] = {
                {"\"mode\": \"nat\", \"reach\": \"forwarded\"", WIRE_REACH_FORWARDED, false, 0, 0},
                {"\"mode\": \"bridged\", \"reach\": \"own\"", WIRE_REACH_OWN, false, 0, 0},
                {"\"mode\": \"unknown\", \"reach\": \"teleported\"", WIRE_REACH_FORWARDED, false, 0,
                 0},
                {"\"mode\": \"unknown\", \"reach\": \"forwarded\", \"listening\": null",
                 WIRE_REACH_FORWARDED, false, 0, 0},
                {"\"mode\": \"unknown\", \"reach\": \"own\", \"listening\": "
                 "{\"tcp\": [22, 80, 0, 70000, \"x\"], \"n_tcp\": 9}",
                 WIRE_REACH_OWN, true, 2, 0},
                {"\"mode\": \"unknown\", \"reach\": \"own\", \"listening\": "
                 "{\"tcp\": [22, 80], \"n_tcp\": 9, \"udp\": [53, -1, 65536, 123, 5353], "
                 "\"n_udp\": 7}",
                 WIRE_REACH_OWN, true, 2, 3},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                char text[512];

                (void) snprintf(text, sizeof(text),
                                "{\"schema\": 1, \"agent\": {}, \"guest\": {%s}}", table[i].guest);
                ck_assert_int_eq(parse(text), 0);
                ck_assert_msg(report_reach(report) == table[i].reach, "%s", text);
                ck_assert_msg(report_is_outside(report) == table[i].outside, "%s", text);
                ck_assert_uint_eq(report->tcp.n, table[i].n_tcp);
                ck_assert_uint_eq(report->udp.n, table[i].n_udp);
                ck_assert(report->tcp.known == (table[i].n_tcp > 0));
                ck_assert(report->udp.known == (table[i].n_udp > 0));
        }
        ck_assert_uint_eq(report->tcp.ports[1], 80);
        ck_assert_uint_eq(report->tcp.n_all, 9);
        ck_assert_uint_eq(report->udp.ports[2], 5353);
        ck_assert_uint_eq(report->udp.n_all, 7);
}
END_TEST

START_TEST(not_a_status) {
        static const char *const bad[] = {
                "",
                "{",
                "null",
                "[]",
                "17",
                "{}",
                "{\"schema\": 1}",
                "{\"schema\": 1, \"agent\": 3}",
                "{\"schema\": \"1\", \"agent\": {}}",
                "{\"schema\": -1, \"agent\": {}}",
                "root:x:0:0:root:/root:/bin/bash\n",
        };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                ck_assert_msg(parse(bad[i]) == REPORT_E_NOT_JSON, "%s", bad[i]);
        ck_assert_int_eq(parse("{\"schema\": 2, \"agent\": {}}"), REPORT_E_NEWER);
}
END_TEST

START_TEST(lenient) {
        ck_assert_int_eq(parse("{\"schema\": 1, \"agent\": {\"pid\": \"x\", \"new\": [1]}, "
                               "\"guest\": 5, \"services\": {\"a\": 1}, \"helper\": [], "
                               "\"configuration\": {\"problems\": [7, null]}}"),
                         0);
        ck_assert_int_eq(report->pid, 0);
        ck_assert_uint_eq(report->n_services, 0);
        ck_assert_uint_eq(report->n_problems, 2);
        ck_assert_str_eq(report->problems[0].file, "");
        ck_assert_int_eq(parse("{\"schema\": 1, \"agent\": {\"pid\": 99999999999999}, "
                               "\"services\": [3, {}]}"),
                         0);
        ck_assert_uint_eq(report->n_services, 2);
        ck_assert_str_eq(report->services[1].state, "");
}
END_TEST

START_TEST(times) {
        static const struct {
                uint64_t now;
                const char *text;
        } table[] = {
                {4, "2026-01-31 12:00:00 UTC, 0 s ago"}, /* the clocks of two kernels */
                {5, "2026-01-31 12:00:00 UTC, 0 s ago"},
                {64, "2026-01-31 12:00:00 UTC, 59 s ago"},
                {65, "2026-01-31 12:00:00 UTC, 1 min ago"},
                {7205, "2026-01-31 12:00:00 UTC, 2 h ago"},
                {200000, "2026-01-31 12:00:00 UTC, 2 d ago"},
        };
        char text[REPORT_TIME_TEXT_SIZE];

        parse_full("connected", "true", "active", "false");
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                report_time_format(&report->services[0].since, table[i].now * USEC_PER_SEC, text);
                ck_assert_str_eq(text, table[i].text);
        }
        report_time_format(&report->helper_since, 0, text);
        ck_assert_str_eq(text, "an unknown time");
        report->helper_since.time = "2026-01-31\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4";
        report_time_format(&report->helper_since, 0, text);
        ck_assert_str_eq(text, "an unknown time");
}
END_TEST

START_TEST(outcomes) {
        static const struct {
                const char *helper, *enabled, *state;
                Outcome outcome;
        } table[] = {
                {"connected", "true", "active", OUTCOME_ACTIVE},
                {"connected", "true", "pending", OUTCOME_PENDING},
                {"waiting", "true", "pending", OUTCOME_PENDING},
                {"refused", "true", "pending", OUTCOME_REFUSED},
                {"connected", "true", "conflict", OUTCOME_FAILED},
                {"connected", "true", "withdrawn", OUTCOME_FAILED},
                {"connected", "false", "disabled", OUTCOME_OFF},
        };
        Expected expected = {.name = "web", .file = "/etc/web.ini", .placed_usec = 6000000};

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                parse_full(table[i].helper, table[i].enabled, table[i].state, "false");
                ck_assert_int_eq(outcome_of(report, "web"), table[i].outcome);
                ck_assert_int_eq(outcome_of_new(report, &expected), table[i].outcome);
        }
        ck_assert_int_eq(outcome_of(report, "other"), OUTCOME_PENDING);
        ck_assert_int_eq(outcome_of(NULL, "web"), OUTCOME_PENDING);
}
END_TEST

/* The host knows nothing of the last step. */
START_TEST(outcomes_on_the_loopback) {
        static const struct {
                const char *connect, *loopback;
                Outcome outcome;
        } table[] = {
                {"guest", "", OUTCOME_ACTIVE},
                {"loopback", "", OUTCOME_PENDING}, /* whether the gateway is the host is open */
                {"loopback", "starting", OUTCOME_PENDING},
                {"loopback", "carried", OUTCOME_ACTIVE},
                {"loopback", "direct", OUTCOME_ACTIVE}, /* it may be the service itself */
                {"loopback", "failed", OUTCOME_FAILED},
                {"loopback", "not-running", OUTCOME_FAILED},
                {"loopback", "no-room", OUTCOME_FAILED},
                {"loopback", "no-host", OUTCOME_FAILED},
                {"loopback", "a word of a later agent", OUTCOME_FAILED},
        };

        parse_full("connected", "true", "active", "false");
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                report->services[0].connect = table[i].connect;
                report->services[0].loopback = table[i].loopback;
                ck_assert_msg(outcome_of(report, "web") == table[i].outcome, "case %zu", i);
        }
        report->services[0].state = "conflict"; /* which comes before */
        ck_assert_int_eq(outcome_of(report, "web"), OUTCOME_FAILED);
}
END_TEST

/* A report counts once the agent has read the file. The state of the service may be older, as that
 * of "web" is here: a request that is in force already, for example of a file that was removed and
 * is back, keeps its state. */
START_TEST(an_answer_to_an_older_request_does_not_count) {
        static const struct {
                uint64_t since, placed, fingerprint;
                bool counts;
        } table[] = {
                {5500000, 5500001, 254, true},  /* read later; another file has changed as well */
                {5500000, 6000000, 254, true},  /* read at that moment */
                {5500000, 6000001, 254, false}, /* not read */
                {0, 6000001, 254, false},       /* that file was there before, but is not read */
                {0, 6000001, 255, true},        /* it is what was read before */
                {6000000, 6000001, 255, true},  /* read while it was being placed */
                {6000001, 6000002, 255, false}, /* it was removed since, and is back */
        };

        parse_full("connected", "true", "active", "false");
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Expected expected = {.name = "web",
                                     .file = "/etc/web.ini",
                                     .since_usec = table[i].since,
                                     .placed_usec = table[i].placed,
                                     .fingerprint = table[i].fingerprint};

                ck_assert_msg(outcome_of_new(report, &expected) ==
                                      (table[i].counts ? OUTCOME_ACTIVE : OUTCOME_PENDING),
                              "case %zu", i);
                ck_assert_int_eq(outcome_of_new(NULL, &expected), OUTCOME_PENDING);
                expected.file = "/etc/x";
                ck_assert_msg(outcome_of_new(report, &expected) ==
                                      (table[i].counts ? OUTCOME_BROKEN : OUTCOME_PENDING),
                              "case %zu", i);
                expected.file = "/run/web.ini";
                ck_assert_int_eq(outcome_of_new(report, &expected), OUTCOME_PENDING);
        }
}
END_TEST

START_TEST(all_active_and_gone) {
        static const char *const names[] = {"web", "other"};

        parse_full("connected", "true", "active", "false");
        ck_assert(outcome_all_active(report, NULL, 0));
        ck_assert(outcome_all_active(report, names, 1));
        ck_assert(!outcome_all_active(report, names, 2));
        ck_assert(!outcome_all_active(NULL, NULL, 0));
        ck_assert(!outcome_is_gone(report, "web"));
        ck_assert(outcome_is_gone(report, "other"));
        ck_assert(outcome_is_gone(NULL, "web"));
        parse_full("connected", "false", "disabled", "false");
        ck_assert(outcome_all_active(report, NULL, 0));
}
END_TEST

START_TEST(files_that_were_read) {
        static const char json[] = "{\"schema\": 1, \"agent\": {}, \"configuration\": {"
                                   "\"fingerprint\": \"00000000000000ff\", \"read\": {\"time\": "
                                   "\"2026-01-31T12:00:00.000000Z\", \"monotonic_usec\": 7}, "
                                   "\"problems\": [{\"in_force\": \"previous\"}, "
                                   "{\"in_force\": \"nothing\"}, {}]}}";

        ck_assert_int_eq(parse(json), 0);
        ck_assert(report_has_read(report, 255));
        ck_assert(!report_has_read(report, 254));
        ck_assert_uint_eq(report->config_read.monotonic_usec, 7);
        ck_assert(report->problems[0].previous);
        ck_assert(!report->problems[1].previous && !report->problems[2].previous);
}
END_TEST

START_TEST(wslconfig) {
        static const struct {
                const char *text;
                IdleStop idle;
        } table[] = {
                {"", IDLE_STOPS},
                {"[general]\r\ninstanceIdleTimeout=-1\r\n[wsl2]\r\nvmIdleTimeout=-1\r\n",
                 IDLE_STAYS},
                {"[WSL2]\nVMIDLETIMEOUT = -1\n[General]\ninstanceidletimeout = -5 \n", IDLE_STAYS},
                {"[general]\ninstanceIdleTimeout=-1\n", IDLE_STAYS},
                {"\xef\xbb\xbf[general]\ninstanceIdleTimeout = \"-1\" # never", IDLE_STAYS},
                {"[general]\nx=1\n  instanceIdleTimeout=-1\n", IDLE_STAYS},
                {"[general]\ninstanceIdleTimeout=-1\ninstanceIdleTimeout=5\n", IDLE_STAYS},
                {"[general]\ninstanceIdleTimeout=5\ninstanceIdleTimeout=-1\n", IDLE_STOPS},
                {"[general]\ninstanceIdleTimeout=-1s\n", IDLE_STOPS},
                {"[general]\n#instanceIdleTimeout=-1\n", IDLE_STOPS},
                {"[wsl2]\nvmIdleTimeout=-1\n", IDLE_STOPS},
                {"[wsl2]\nvmIdleTimeout=-1\ninstanceIdleTimeout=-1\n", IDLE_STOPS},
                {"[general]\ninstanceIdleTimeout=-1\n[wsl2]\nvmIdleTimeout=60000\n", IDLE_STAYS},
                {"[general]\ninstanceIdleTimeout=-x\n[wsl2]\nvmIdleTimeout=-1\n", IDLE_STOPS},
                {"junk\n[general]\ninstanceIdleTimeout=-1\n]\n[wsl2]\nvmIdleTimeout=-1",
                 IDLE_STAYS},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                ck_assert_msg(wslconfig_idle(table[i].text) == table[i].idle, "case %zu", i);
}
END_TEST

int main(void) {
        Suite *s = suite_create("report");
        TCase *c = tcase_create("report");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, all_members);
        tcase_add_test(c, how_it_is_reached);
        tcase_add_test(c, not_a_status);
        tcase_add_test(c, lenient);
        tcase_add_test(c, times);
        tcase_add_test(c, outcomes);
        tcase_add_test(c, outcomes_on_the_loopback);
        tcase_add_test(c, an_answer_to_an_older_request_does_not_count);
        tcase_add_test(c, all_active_and_gone);
        tcase_add_test(c, files_that_were_read);
        tcase_add_test(c, wslconfig);
        suite_add_tcase(s, c);
        return suite_run(s);
}
