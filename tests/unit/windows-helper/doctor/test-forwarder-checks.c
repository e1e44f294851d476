/* SPDX-License-Identifier: MIT */

/* Claim: the doctor says which forwarder carries each service, and why, for each reason there is.
 */

#include "tests/unit/windows-helper/doctor/healthy.h"

#include "protocol/wire/wire.h"
#include "tests/suite.h"

#include <stdio.h>
#include <string.h>

#define SERVICES 30 /* more than are shown */

static char status[8192];

/* A status of two guests. @services: of the first, in JSON */
static void see_services(const char *services) {
        (void) snprintf(status, sizeof(status),
                        "{\"schema\": 1, \"version\": \"0.1.0\", \"agents\": ["
                        "{\"agent\": \"00/Debian\", \"state\": \"connected\", \"services\": [%s]},"
                        "{\"agent\": \"11/Ubuntu\", \"state\": \"connected\", \"services\": "
                        "[{\"name\": \"ssh\", \"state\": \"active\", \"forwarder\": \"portproxy\", "
                        "\"forwarder_reason\": \"default\"}]}]}",
                        services);
        see_status(status);
}

/* What is said of the forwarders; "" when nothing is. */
static const char *said(void) {
        static char text[4096];
        Findings f;

        text[0] = '\0';
        host_checks_run(&evidence, &f);
        for (size_t i = 0; i < f.n; i++) {
                if (strcmp(f.items[i].id, "forwarder") != 0)
                        continue;
                ck_assert_str_eq(text, "");
                ck_assert_int_eq(f.items[i].rank, FINDING_GOOD);
                (void) snprintf(text, sizeof(text), "%s", buffer_text(&f.items[i].seen));
        }
        findings_done(&f);
        return text;
}

START_TEST(test_each_reason) {
        static const struct {
                WireForwarder forwarder;
                WireForwarderReason why;
                const char *says;
        } cases[] = {
                {WIRE_FORWARDER_PORTPROXY, WIRE_WHY_DEFAULT, "portproxy, the default"},
                {WIRE_FORWARDER_RELAY, WIRE_WHY_ASKED, "relay, because of 'forwarder = relay'"},
                {WIRE_FORWARDER_RELAY, WIRE_WHY_PROTOCOL, "relay, because of 'protocol = udp'"},
                {WIRE_FORWARDER_RELAY, WIRE_WHY_CLIENT_ADDRESS,
                 "relay, because of 'client-address = proxy-v2'"},
                {WIRE_FORWARDER_DIRECT, WIRE_WHY_NETWORKING_MODE,
                 "direct, because the guest is reached without a forwarder"},
        };
        char service[512], expected[512];

        ck_assert_uint_eq(sizeof(cases) / sizeof(cases[0]), WIRE_WHY_NETWORKING_MODE);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                (void) snprintf(service, sizeof(service),
                                "{\"name\": \"it\", \"state\": \"active\", \"forwarder\": \"%s\", "
                                "\"forwarder_reason\": \"%s\"}",
                                wire_forwarder_name(cases[i].forwarder),
                                wire_why_name(cases[i].why));
                see_services(service);
                (void) snprintf(expected, sizeof(expected),
                                "What carries each service:\nit of Debian: %s\n"
                                "ssh of Ubuntu: portproxy, the default",
                                cases[i].says);
                ck_assert_str_eq(said(), expected);
        }
}
END_TEST

/* From a newer helper; and a service that nothing carries. */
START_TEST(test_what_is_not_known) {
        see_services("{\"name\": \"a\", \"state\": \"active\", \"forwarder\": \"quic\", "
                     "\"forwarder_reason\": \"weather\"},"
                     "{\"name\": \"c\", \"state\": \"active\", \"forwarder\": null}");
        ck_assert_str_eq(said(), "What carries each service:\na of Debian: quic, weather\n"
                                 "ssh of Ubuntu: portproxy, the default");
        see_status(STATUS("0.1.0", "true", AGENT("connected", "nat", GOOD_SERVICE), "", ""));
        ck_assert_str_eq(said(), "");
}
END_TEST

START_TEST(test_many) {
        char services[4096];
        size_t n = 0;

        for (int i = 0; i < SERVICES; i++)
                n += (size_t) snprintf(
                        services + n, sizeof(services) - n,
                        "%s{\"name\": \"s%d\", \"state\": \"active\", "
                        "\"forwarder\": \"portproxy\", \"forwarder_reason\": \"default\"}",
                        i ? "," : "", i);
        see_services(services);
        ck_assert_ptr_nonnull(strstr(said(), "\ns19 of Debian: portproxy, the default\n"
                                             "and 11 more; 'wslbridge-helper status' shows all"));
        ck_assert_ptr_null(strstr(said(), "s20 "));
}
END_TEST

START_TEST(test_nothing_that_is_over) {
        see_services("");
        evidence.serves = SEEN_NO;
        ck_assert_str_eq(said(), "");
}
END_TEST

int main(void) {
        Suite *s = suite_create("forwarder-checks");
        TCase *tc = tcase_create("forwarder-checks");

        tcase_add_checked_fixture(tc, healthy_setup, healthy_teardown);
        tcase_add_test(tc, test_each_reason);
        tcase_add_test(tc, test_what_is_not_known);
        tcase_add_test(tc, test_many);
        tcase_add_test(tc, test_nothing_that_is_over);
        suite_add_tcase(s, tc);
        return suite_run(s);
}
