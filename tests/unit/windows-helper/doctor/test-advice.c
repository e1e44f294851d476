/* SPDX-License-Identifier: MIT */

/*
 * The host doctor's advice for services of Windows: what works for this service, in this state.
 */

#include "tests/unit/windows-helper/doctor/healthy.h"

#include "tests/suite.h"

#include <string.h>

/* Windows refuses what works for other services, and one of the two needs the other. */
START_TEST(test_firewall_services) {
        static const struct {
                ServiceSeen firewall, filter;
                const char *seen, *advice; /* NULL: no finding */
        } cases[] = {
                {SERVICE_IS_STOPPED, SERVICE_IS_RUNNING, "MpsSvc does not run",
                 "  sc.exe start MpsSvc"},
                {SERVICE_IS_DISABLED, SERVICE_IS_RUNNING, "MpsSvc is disabled",
                 "Services\\MpsSvc /v Start /t REG_DWORD /d 2 /f"},
                {SERVICE_IS_MISSING, SERVICE_IS_RUNNING, "MpsSvc does not run", "Repair"},
                {SERVICE_IS_STOPPED, SERVICE_IS_STOPPED, "BFE does not run", "  sc.exe start BFE"},
                {SERVICE_IS_STOPPED, SERVICE_IS_DISABLED, "BFE is disabled", "Services\\BFE /v"},
                {SERVICE_IS_PENDING, SERVICE_IS_RUNNING, NULL, NULL},
                {SERVICE_IS_UNSEEN, SERVICE_IS_UNSEEN, NULL, NULL},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                Findings f;
                size_t n = 0;

                evidence.firewall = cases[i].firewall;
                evidence.filter = cases[i].filter;
                if (cases[i].seen)
                        expect(FINDING_PROBLEM, "firewall", cases[i].seen, cases[i].advice);
                host_checks_run(&evidence, &f);
                for (size_t k = 0; k < f.n; k++)
                        n += strcmp(f.items[k].id, "firewall") == 0;
                ck_assert_uint_eq(n, cases[i].seen ? 1 : 0);
                findings_done(&f);
        }
}
END_TEST

/* netsh does not know the relay's table, so the key and the value are named. */
START_TEST(test_values_of_the_relay) {
        static const char ending[] = "  .\\wslbridge-helper adopt ";
        static const struct {
                RuleFamily family;
                const char *name, *data;
                const char *command, *adopt; /* NULL: not offered */
        } cases[] = {
                {RULE_RELAY_UDP + RULE_V4TOV4, "0.0.0.0/53", "172.28.64.10/53",
                 "\n  reg.exe delete HKLM\\SOFTWARE\\wslbridge\\Relay\\v4tov4\\udp /v 0.0.0.0/53 "
                 "/f\n",
                 "0.0.0.0:53/udp"},
                {RULE_RELAY_TCP + RULE_V6TOV4, "::/80", "172.28.64.10/80",
                 "\n  reg.exe delete HKLM\\SOFTWARE\\wslbridge\\Relay\\v6tov4\\tcp /v ::/80 /f\n",
                 "[::]:80"},
                {RULE_RELAY_TCP + RULE_V4TOV4, "0.0.0.0/81", NULL,
                 "\n  reg.exe delete HKLM\\SOFTWARE\\wslbridge\\Relay\\v4tov4\\tcp /v 0.0.0.0/81 "
                 "/f",
                 NULL},
                {RULE_RELAY_TCP + RULE_V4TOV4, "x/80 & calc", "172.28.64.10/80", "('regedit')",
                 NULL},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const char *advice, *adopt = NULL;
                Findings f;

                healthy_setup();
                add_value(cases[i].family, cases[i].name, cases[i].data);
                expect(FINDING_HINT, "foreign-rule", "is in the table of wslbridge's relay",
                       cases[i].command);
                host_checks_run(&evidence, &f);
                advice = buffer_text(&f.items[0].advice);
                adopt = strstr(advice, ending);
                ck_assert_int_eq(adopt != NULL, cases[i].adopt != NULL);
                if (adopt)
                        ck_assert_str_eq(adopt + strlen(ending), cases[i].adopt);
                ck_assert_ptr_null(strstr(advice, "calc"));
                findings_done(&f);
        }
}
END_TEST

int main(void) {
        Suite *s = suite_create("helper-doctor-advice");
        TCase *t = tcase_create("core");

        tcase_add_checked_fixture(t, healthy_setup, healthy_teardown);
        tcase_add_test(t, test_firewall_services);
        tcase_add_test(t, test_values_of_the_relay);
        suite_add_tcase(s, t);
        return suite_run(s);
}
