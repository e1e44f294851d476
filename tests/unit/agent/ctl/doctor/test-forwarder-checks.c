/* SPDX-License-Identifier: MIT */

/*
 * Claim: when another forwarder than the usual one carries a service, the doctor says what carries
 * each of them, and why.
 */

#include "tests/unit/agent/ctl/doctor/healthy-guest.h"

START_TEST(each_reason) {
        static const struct {
                WireForwarder forwarder;
                WireForwarderReason why;
                const char *says;
        } cases[] = {
                {WIRE_FORWARDER_PORTPROXY, WIRE_WHY_DEFAULT, NULL},
                {WIRE_FORWARDER_RELAY, WIRE_WHY_ASKED, "relay, because of 'forwarder = relay'"},
                {WIRE_FORWARDER_RELAY, WIRE_WHY_PROTOCOL, "relay, because of 'protocol = udp'"},
                {WIRE_FORWARDER_RELAY, WIRE_WHY_CLIENT_ADDRESS,
                 "relay, because of 'client-address = proxy-v2'"},
                {WIRE_FORWARDER_DIRECT, WIRE_WHY_NETWORKING_MODE,
                 "direct, because the guest is reached without a forwarder"},
        };
        char says[256];

        ck_assert_uint_eq(ELEMENTSOF(cases), WIRE_WHY_NETWORKING_MODE);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                services[1].forwarder = wire_forwarder_name(cases[i].forwarder);
                services[1].why = wire_why_name(cases[i].why);
                expect(cases[i].says ? "forwarder" : "");
                if (!cases[i].says)
                        continue;
                (void) snprintf(says, sizeof(says),
                                "What carries each service on the host:\n"
                                "ssh: portproxy, the default\nweb: %s",
                                cases[i].says);
                ck_assert(first_says(says, ""));
                ck_assert(!findings_are_bad(&findings));
        }
}
END_TEST

/* What a newer helper says is passed on, and what nothing carries is left out. */
START_TEST(what_is_not_known) {
        services[0].forwarder = services[0].why = "";
        expect("");
        services[1].forwarder = "quic";
        services[1].why = "weather";
        expect("forwarder");
        ck_assert_str_eq(buffer_text(&findings.items[0].seen),
                         "What carries each service on the host:\nweb: quic, weather");
}
END_TEST

START_TEST(many) {
        static ReportService all[30];

        for (size_t i = 0; i < ELEMENTSOF(all); i++)
                all[i] = services[0];
        all[29].why = wire_why_name(WIRE_WHY_ASKED);
        report.services = all;
        report.n_services = ELEMENTSOF(all);
        expect("forwarder");
        ck_assert(first_says("and 10 more; 'wslbridgectl status' shows all", ""));
}
END_TEST

int main(void) {
        Suite *s = suite_create("forwarder-checks");
        TCase *c = tcase_create("forwarder-checks");

        tcase_add_checked_fixture(c, healthy_guest_setup, healthy_guest_teardown);
        tcase_add_test(c, each_reason);
        tcase_add_test(c, what_is_not_known);
        tcase_add_test(c, many);
        suite_add_tcase(s, c);
        return suite_run(s);
}
