/* SPDX-License-Identifier: MIT */

/*
 * What the doctor of the host concludes: each case changes a healthy machine in one respect.
 */

#include "tests/unit/windows-helper/doctor/healthy.h"

#include "tests/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

START_TEST(test_healthy) {
        expect_healthy();
}
END_TEST

START_TEST(test_windows) {
        evidence.forwarder = SERVICE_IS_MISSING;
        expect(FINDING_BROKEN, "iphlpsvc", "has no IP Helper", "Repair");
        evidence.forwarder = SERVICE_IS_DISABLED;
        expect(FINDING_BROKEN, "iphlpsvc", "disabled", "sc.exe config iphlpsvc start= auto");
        evidence.forwarder = SERVICE_IS_STOPPED;
        expect(FINDING_BROKEN, "iphlpsvc", "does not run", "sc.exe start iphlpsvc");
        evidence.forwarder = SERVICE_IS_PENDING;
        expect(FINDING_HINT, "iphlpsvc", "starting", "Look again");
        evidence.forwarder = SERVICE_IS_UNSEEN;
        expect(FINDING_UNSEEN, "iphlpsvc", "does not say", "administrator");
        healthy_setup();
        evidence.sight = NULL;
        expect(FINDING_UNSEEN, "firewall", "does not say which networks", "administrator");
        evidence.sight_error = -ETIMEDOUT;
        expect(FINDING_PROBLEM, "firewall", "does not answer", "Restart Windows");
        healthy_setup();
        evidence.app_control = APP_CONTROL_ON;
        expect(FINDING_HINT, "app-control", "is on", "only be turned off for all");
        evidence.app_control = APP_CONTROL_EVALUATES;
        expect(FINDING_HINT, "app-control", "evaluating", "Windows Security");
        unheard_setup();
        evidence.ipv6 = SEEN_YES;
        evidence.disabled_components = 0xffffffff;
        expect(FINDING_HINT, "ipv6", "0xffffffff", "0x20");
        evidence.disabled_components = 0x20;
        evidence.sockets_error = 10047;
        expect(FINDING_BROKEN, "hyper-v-sockets", "10047", "wsl --install");
        evidence.sockets_seen = false;
        expect(FINDING_UNSEEN, "hyper-v-sockets", "could not", NULL);
        unheard_setup();
        evidence.wsl = SEEN_NO;
        expect(FINDING_HINT, "wsl", "never", "wsl --install");
        evidence.wsl = evidence.registered = SEEN_NO;
        evidence.wsl = SEEN_UNKNOWN;
        expect(FINDING_HINT, "hyper-v-registration", "only guests of WSL", "install");
        healthy_setup();
        evidence.event_source = SEEN_NO;
        expect(FINDING_HINT, "event-source", "texts", "install");
}
END_TEST

START_TEST(test_the_service) {
        evidence.serves = SEEN_NO;
        evidence.status = NULL;
        evidence.status_error = -ENOENT;
        healthy_teardown(); /* a helper that ends withdraws its rules */
        evidence.helper = SERVICE_IS_MISSING;
        expect(FINDING_BROKEN, "service", "not installed", "wslbridge-helper install");
        evidence.helper = SERVICE_IS_DISABLED;
        expect(FINDING_BROKEN, "service", "disabled", "sc.exe config");
        evidence.helper = SERVICE_IS_STOPPED;
        expect(FINDING_BROKEN, "service", "does not run", "sc.exe start wslbridge-helper");
        expect(FINDING_BROKEN, "service", "does not run", "(error 5), exclude its folder");
        evidence.helper = SERVICE_IS_PENDING;
        expect(FINDING_HINT, "service", "starting", "Look again");
        evidence.helper = SERVICE_IS_RUNNING;
        expect(FINDING_PROBLEM, "service", "no status.json", "look again");
        evidence.helper = SERVICE_IS_UNSEEN;
        expect(FINDING_UNSEEN, "service", "does not say", "administrator");
        healthy_setup();
        evidence.helper = SERVICE_IS_MISSING; /* in a terminal */
        expect(FINDING_HINT, "service", "not as a service", "helper install");
        evidence.helper = SERVICE_IS_STOPPED;
        expect(FINDING_HINT, "service", "not as a service", "  sc.exe start wslbridge-helper");
        evidence.helper = SERVICE_IS_DISABLED;
        expect(FINDING_HINT, "service", "not as a service", "start= auto");
        evidence.helper = SERVICE_IS_PENDING;
        expect(FINDING_HINT, "service", "starting or stopping", "Look again");
        evidence.helper = SERVICE_IS_UNSEEN;
        expect(FINDING_UNSEEN, "service", "whether it is the service", "administrator");
        healthy_setup();
        see_status(STATUS("0.0.9", "true", AGENT("connected", "nat", GOOD_SERVICE), "", ""));
        expect(FINDING_HINT, "version", "0.0.9", "install");
        see_status("{\"schema\": 1, \"agents\": [");
        expect(FINDING_PROBLEM, "status", "not one of this version", "version");
}
END_TEST

START_TEST(test_vms_and_agents) {
        unheard_setup();
        evidence.vms = NULL;
        evidence.vms_error = -ENOSYS;
        expect(FINDING_HINT, "vms", "no Host Compute Service", "Virtual Machine Platform");
        evidence.vms_error = -EACCES;
        expect(FINDING_UNSEEN, "vms", "Only administrators", "administrator");
        evidence.vms_error = -EIO;
        expect(FINDING_PROBLEM, "vms", "does not say", "Restart Windows");
        unheard_setup();
        vms.n = 0;
        expect(FINDING_HINT, "vms", "No virtual machine", "Start the guest");
        healthy_setup();
        see_status(STATUS("0.1.0", "false", AGENT("connected", "nat", GOOD_SERVICE), "", ""));
        expect(FINDING_PROBLEM, "vms", "does not listen to: 1", "Application");
        healthy_setup(); /* after a sleep: nobody knows */
        see_status(STATUS("0.1.0", "null", AGENT("connected", "nat", GOOD_SERVICE), "", ""));
        expect_healthy();
        vms.n = 2; /* one that the helper does not know */
        vms.items[1] = (Vm){.id = {{9}}, .wsl = true};
        expect(FINDING_PROBLEM, "vms", "does not listen to: 1", "Application");
        vms.items[1].wsl = false;
        see_status(STATUS("0.1.0", "true", "", "", ""));
        expect(FINDING_HINT, "agent", "No agent is connected", "systemctl enable");
        see_status(STATUS("0.1.0", "true", AGENT("connected", "nat", GOOD_SERVICE), "\"11/Ubuntu\"",
                          ""));
        expect(FINDING_PROBLEM, "not-paired", "11/Ubuntu", "pair --print 11/Ubuntu");
        see_status(STATUS("0.1.0", "true", AGENT("connected", "nat", GOOD_SERVICE),
                          "\"11/a & calc\"", ""));
        expect(FINDING_PROBLEM, "not-paired", "11/a & calc", "pair --print ID/NAME");
        unheard_setup();
        guests[0].met = false;
        expect(FINDING_HINT, "pairing", "00/Debian", "systemctl enable");
        unheard_setup();
        evidence.n_guests = 0;
        expect(FINDING_HINT, "pairing", "No guest is paired", "\n  .\\wslbridge-helper setup");
        evidence.keys_seen = false;
        expect(FINDING_UNSEEN, "pairing", "Only administrators", "administrator");
        healthy_setup();
        see_status(STATUS("0.1.0", "true", AGENT("connected", "none", GOOD_SERVICE), "", ""));
        expect(FINDING_HINT, "networking-mode", "has no network", "networkingMode=NAT");
        expect(FINDING_HINT, "networking-mode", "has no network", "WSL says why");
}
END_TEST

START_TEST(test_every_reason_has_advice) {
        unsigned n = 0;

        for (unsigned reason = 1; reason < 256; reason++) {
                char text[1024];
                const char *name = wire_reason_name((uint16_t) reason);
                bool soft = reason == WIRE_REASON_NETWORKING_MODE;

                if (strcmp(name, "unknown") == 0)
                        continue;
                (void) snprintf(text, sizeof(text),
                                STATUS("0.1.0", "true",
                                       AGENT("connected", "nat",
                                             SERVICE("web", "blocked", "\"%s\"", "\"why\"")),
                                       "", ""),
                                name);
                see_status(text);
                expect(soft ? FINDING_HINT : FINDING_PROBLEM, "guest-service",
                       "Service 'web' of Debian is blocked: why", "");
                n++;
        }
        ck_assert_uint_ge(n, 17);
        see_status(STATUS("0.1.0", "true",
                          AGENT("connected", "nat",
                                SERVICE("web", "pending", "\"not-listening\"", "\"soon\"")),
                          "", ""));
        expect(FINDING_HINT, "guest-service", "pending: soon", "Look again");
        see_status(STATUS("0.1.0", "true",
                          AGENT("connected", "nat",
                                SERVICE("web", "blocked", "\"not-listening\"",
                                        "\"opens as soon as it does\"")),
                          "", ""));
        expect(FINDING_PROBLEM, "guest-service", "opens as soon", "The text above says");
        see_status(STATUS("0.1.0", "true",
                          AGENT("connected", "nat",
                                SERVICE("web", "conflict", "\"foreign-rule\"",
                                        "\"delete it, take it over ('wslbridge-helper adopt "
                                        "[::]:80'), or listen elsewhere\"")),
                          "", ""));
        expect(FINDING_PROBLEM, "guest-service", "adopt", "\n  .\\wslbridge-helper adopt [::]:80");
        see_status(STATUS("0.1.0", "true",
                          AGENT("connected", "nat",
                                SERVICE("web", "conflict", "\"foreign-rule\"",
                                        "\"delete it, or listen elsewhere\"")),
                          "", ""));
        expect(FINDING_PROBLEM, "guest-service", "delete it", "cannot be taken over");
        see_status(STATUS(
                "0.1.0", "true",
                AGENT("connected", "nat", SERVICE("web", "active", "\"firewall\"", "\"ignored\"")),
                "", ""));
        expect(FINDING_HINT, "guest-service", "active: ignored", "product that is named");
        see_status(STATUS("0.1.0", "true",
                          AGENT("connected", "virtioproxy",
                                SERVICE("web", "active", "\"not-listening\"",
                                        "\"direct: WSL does not listen\"")),
                          "", ""));
        expect(FINDING_HINT, "guest-service", "active: direct: WSL does not", "update WSL");
}
END_TEST

START_TEST(test_many_services) {
        static char text[65536];
        Findings f;
        size_t n = 0, found = 0;

        n += (size_t) snprintf(text, sizeof(text),
                               "{\"schema\": 1, \"agents\": [{\"agent\": \"00/Debian\", \"state\": "
                               "\"connected\", \"services\": [");
        for (int i = 0; i < 500; i++)
                n += (size_t) snprintf(text + n, sizeof(text) - n,
                                       "%s{\"name\":\"s%d\",\"state\":\"refused\",\"reason\":\"\","
                                       "\"text\":\"\"}",
                                       i ? "," : "", i);
        (void) snprintf(text + n, sizeof(text) - n, "]}]}");
        see_status(text);
        host_checks_run(&evidence, &f);
        for (size_t i = 0; i < f.n; i++)
                found += strcmp(f.items[i].id, "guest-service") == 0;
        ck_assert_uint_eq(found, HOST_FINDINGS_EACH_MAX + 1);
        findings_done(&f);
}
END_TEST

START_TEST(test_problems_are_reported_once) {
        strcpy(policy.problems[0], "HKLM bad");
        policy.n_problems = 1;
        see_status(STATUS("0.1.0", "true", AGENT("connected", "nat", GOOD_SERVICE), "",
                          "\"HKLM bad\""));
        expect(FINDING_PROBLEM, "policy", "HKLM bad", "Correct");
        healthy_setup();
        see_status(STATUS("0.1.0", "true", AGENT("connected", "nat", GOOD_SERVICE), "",
                          "\"ignored\""));
        expect(FINDING_PROBLEM, "firewall", "ignored", NULL);
        healthy_setup();
        see_status(STATUS("0.1.0", "true", AGENT("connected", "nat", GOOD_SERVICE), "", "\"\""));
        expect_healthy();
        evidence.policy = NULL;
        expect(FINDING_UNSEEN, "policy", "could not", "administrator");
}
END_TEST

START_TEST(test_our_rules) {
        add_ledger("0.0.0.0", 81, "172.28.64.10");
        expect(FINDING_PROBLEM, "rules-lost", "registry: 1", "put back");
        add_rule("0.0.0.0/81", "172.28.64.77/80");
        expect(FINDING_PROBLEM, "rules-taken", "changed: 1", "Delete");
        evidence.rules = NULL;
        expect(FINDING_UNSEEN, "rules", "could not", "administrator");
}
END_TEST

START_TEST(test_rules_of_others) {
        static const struct {
                const char *name, *data, *says, *advice; /* .says NULL: it is in order */
        } cases[] = {
                {"0.0.0.0/2222", "172.28.64.10/22", NULL, NULL},
                {"0.0.0.0/2222", "192.168.1.77/22", NULL, NULL},
                {"0.0.0.0/2222", "203.0.113.5/22", NULL, NULL}, /* elsewhere on the internet */
                {"0.0.0.0/2222", "127.0.0.1/22", NULL, NULL},   /* wslrelay's */
                {"192.168.1.20/2222", "127.0.0.1/2222", NULL, NULL},
                {"0.0.0.0/2222", "127.0.0.1/2222", "forwards to itself", "adopt 0.0.0.0:2222"},
                {"*/2222", "192.168.1.20/2222", "forwards to itself", "adopt 0.0.0.0:2222"},
                {"192.168.1.20/2222", "192.168.1.20/2222", "forwards to itself",
                 "adopt 192.168.1.20:2222"},
                {"0.0.0.0/2222", "172.20.5.5/22", "on no network", "adopt 0.0.0.0:2222"},
                {"0.0.0.0/2222", "my.host/22", "to a name", "adopt"},
                {"0.0.0.0/2222", NULL, "is not plain text", "not ours"},
                {"odd", "172.28.64.10/22", "listens on a name", "may be needed"},
                {"localhost/2222", "172.28.64.10/22", "listens on a name", "may be needed"},
                {"0.0.0.0/http", "172.28.64.10/80", "listens on a name", "may be needed"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                healthy_setup();
                add_rule(cases[i].name, cases[i].data);
                if (cases[i].says) {
                        expect(FINDING_HINT, "foreign-rule", cases[i].says, cases[i].advice);
                        continue;
                }
                add_ledger("0.0.0.0", 99, "172.28.64.10"); /* the only finding */
                expect(FINDING_PROBLEM, "rules-lost", "1", "put back");
        }
        healthy_setup();
        for (int i = 0; i < 100; i++) {
                char name[32];

                (void) snprintf(name, sizeof(name), "0.0.0.0/%d", 3000 + i);
                add_rule(name, "172.20.5.5/22");
        }
        Findings f;
        size_t n = 0;

        host_checks_run(&evidence, &f);
        for (size_t i = 0; i < f.n; i++)
                n += strcmp(f.items[i].id, "foreign-rule") == 0;
        ck_assert_uint_eq(n, HOST_FINDINGS_EACH_MAX + 1);
        findings_done(&f);
}
END_TEST

/* A finding about one thing names it, for programs. */
START_TEST(test_subjects) {
        static const struct {
                const char *id, *subject;
        } table[] = {
                {"guest-service", "00/Debian/web"},
                {"not-paired", "11/Ubuntu"},
                {"foreign-rule", "v4tov4 0.0.0.0/2222"},
                {"rules", ""},
        };
        Findings f;

        see_status(STATUS("0.1.0", "true",
                          AGENT("connected", "nat",
                                SERVICE("web", "conflict", "\"foreign-rule\"", "\"taken\"")),
                          "\"11/Ubuntu\"", ""));
        add_rule("0.0.0.0/2222", "127.0.0.1/2222");
        host_checks_run(&evidence, &f);
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
                size_t k = 0;

                while (k < f.n && strcmp(f.items[k].id, table[i].id) != 0)
                        k++;
                ck_assert_msg(k < f.n, "no %s", table[i].id);
                ck_assert_str_eq(buffer_text(&f.items[k].subject), table[i].subject);
        }
        findings_done(&f);
}
END_TEST

/* A long value with a newline in it becomes one short line. */
START_TEST(test_a_foreign_value_stays_one_line) {
        char data[2000];
        Findings f;

        memset(data, 'x', sizeof(data) - 1);
        memcpy(data, "\nok ", 4);
        data[sizeof(data) - 1] = '\0';
        add_rule("0.0.0.0/2222", data);
        host_checks_run(&evidence, &f);
        ck_assert_str_eq(f.items[0].id, "foreign-rule");
        ck_assert_uint_le(buffer_length(&f.items[0].seen), WIRE_TEXT_MAX);
        ck_assert_ptr_null(strchr(buffer_text(&f.items[0].seen), '\n'));
        findings_done(&f);
}
END_TEST

/* What is otherwise on this machine than we believe is no problem by itself: the helper copes. */
START_TEST(test_facts) {
        const UnverifiedFact *facts[] = {unverified_fact("2.2.5"), unverified_fact("4.1.7")};

        evidence.facts = facts;
        evidence.n_facts = 1;
        expect(FINDING_HINT, "fact", "SYSTEM gets the list of VMs without any privilege. What",
               NULL);
}
END_TEST

START_TEST(test_every_kind_has_one_id) {
        for (size_t i = 0; host_finding_ids[i]; i++)
                for (size_t k = 0; k < i; k++)
                        ck_assert_str_ne(host_finding_ids[i], host_finding_ids[k]);
}
END_TEST

int main(void) {
        Suite *s = suite_create("host-checks");
        TCase *t = tcase_create("core");

        tcase_add_checked_fixture(t, healthy_setup, healthy_teardown);
        tcase_add_test(t, test_healthy);
        tcase_add_test(t, test_windows);
        tcase_add_test(t, test_the_service);
        tcase_add_test(t, test_vms_and_agents);
        tcase_add_test(t, test_every_reason_has_advice);
        tcase_add_test(t, test_many_services);
        tcase_add_test(t, test_problems_are_reported_once);
        tcase_add_test(t, test_our_rules);
        tcase_add_test(t, test_rules_of_others);
        tcase_add_test(t, test_subjects);
        tcase_add_test(t, test_a_foreign_value_stays_one_line);
        tcase_add_test(t, test_facts);
        tcase_add_test(t, test_every_kind_has_one_id);
        suite_add_tcase(s, t);
        return suite_run(s);
}
