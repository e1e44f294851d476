/* SPDX-License-Identifier: MIT */

/* What the doctor of the host concludes about its networks and the firewall. */

#include "tests/unit/windows-helper/doctor/healthy.h"

#include "tests/suite.h"

#include <stdio.h>
#include <string.h>

/* What holds for every port of the machine. */
START_TEST(test_network_and_firewall) {
        Findings f;

        sight.connected = 0;
        expect(FINDING_HINT, "network", "No network is connected", "Connect this host");
        healthy_setup();
        sight.overridden = WIRE_PROFILE_ALL;
        expect(FINDING_PROBLEM, "firewall", "Group Policy", "Ask the administrator");
        healthy_setup();
        sight.shut = WIRE_PROFILE_PRIVATE;
        expect(FINDING_PROBLEM, "firewall", "blocks all", "Turn that off");
        healthy_setup();
        sight.off = WIRE_PROFILE_ALL;
        expect(FINDING_HINT, "firewall", "is off", "Turn it on");
        healthy_setup();
        sight.lets_in = WIRE_PROFILE_PRIVATE;
        expect(FINDING_HINT, "firewall", "allows everything from the", "Let it block");
        healthy_setup();
        strcpy(sight.product, "Some Firewall 7");
        expect(FINDING_HINT, "firewall", "Some Firewall 7", "in that product");
        healthy_setup();
        sight.n_unread = 1;
        expect(FINDING_HINT, "firewall", "1 blocking rule of Group Policy",
               "ask the administrator");
        healthy_setup();
        sight.n_unread = 3;
        expect(FINDING_HINT, "firewall", "Not looked at: 3 blocking rules",
               "ask the administrator");
        healthy_setup();
        sight.off = sight.shut = WIRE_PROFILE_PUBLIC; /* no such network is connected */
        host_checks_run(&evidence, &f);
        for (size_t i = 0; i < f.n; i++)
                ck_assert_msg(f.items[i].rank == FINDING_GOOD, "%s", buffer_text(&f.items[i].seen));
        findings_done(&f);
}
END_TEST

/* Nobody can reach the service, which is active all the same. */
START_TEST(test_an_active_service_that_nobody_reaches) {
        see_status(STATUS("0.1.0", "true",
                          AGENT("connected", "nat",
                                SERVICE("web", "active", "\"unreachable\"",
                                        "\"no other machine can connect now\"")),
                          "", ""));
        expect(FINDING_HINT, "guest-service", "no other machine can connect", "Settings");
}
END_TEST

/* As many as there are, they are hints, and the exit code stays 0. */
START_TEST(test_many_services_that_nobody_reaches) {
        static char text[65536];
        size_t n;
        Findings f;

        n = (size_t) snprintf(text, sizeof(text),
                              "{\"schema\": 1, \"agents\": [{\"agent\": \"00/Debian\", \"state\": "
                              "\"connected\", \"services\": [");
        for (int i = 0; i < 500; i++)
                n += (size_t) snprintf(text + n, sizeof(text) - n,
                                       "%s{\"name\":\"s%d\",\"state\":\"active\",\"reason\":"
                                       "\"unreachable\",\"text\":\"\"}",
                                       i ? "," : "", i);
        (void) snprintf(text + n, sizeof(text) - n, "]}]}");
        see_status(text);
        evidence.vms = NULL; /* that status.json knows none */
        host_checks_run(&evidence, &f);
        for (size_t i = 0; i < f.n; i++)
                ck_assert_msg(strcmp(f.items[i].id, "guest-service") != 0 ||
                                      f.items[i].rank == FINDING_HINT,
                              "%s", buffer_text(&f.items[i].seen));
        findings_done(&f);
}
END_TEST

int main(void) {
        Suite *s = suite_create("network-checks");
        TCase *t = tcase_create("core");

        tcase_add_checked_fixture(t, healthy_setup, healthy_teardown);
        tcase_add_test(t, test_network_and_firewall);
        tcase_add_test(t, test_an_active_service_that_nobody_reaches);
        tcase_add_test(t, test_many_services_that_nobody_reaches);
        suite_add_tcase(s, t);
        return suite_run(s);
}
