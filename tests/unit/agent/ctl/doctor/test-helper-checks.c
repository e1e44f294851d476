/* SPDX-License-Identifier: MIT */

/*
 * Claim: what keeps this guest from its helper has one finding with the remedy for it, and no key
 * is asked for that would not help.
 */

#include "tests/unit/agent/ctl/doctor/healthy-guest.h"

START_TEST(helper) {
        static const struct {
                const char *code, *finding, *advice;
        } table[] = {
                {"not-paired", "not-paired", "  .\\wslbridge-helper pair Debian"},
                {"bad-proof", "bad-key", "  .\\wslbridge-helper pair Debian"},
                {"version", "not-admitted", "same version"},
                {"busy", "not-admitted",
                 "  sudo rm -f /etc/machine-id /var/lib/dbus/machine-id\n"
                 "  sudo systemd-machine-id-setup\n"},
                {"policy", "not-admitted", "policy value"},
                {"internal", "not-admitted", "Event Log"},
                {"", "not-admitted", "Event Log"},
        };

        report.connected = false;
        report.helper_state = "refused";
        report.error_cause = "refused";
        services[0].state = services[1].state = "pending";
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                report.error_code = table[i].code;
                expect(table[i].finding);
                ck_assert(first_says("since 2026-01-31 12:00:00 UTC, 2 min ago", table[i].advice));
        }
        report.error_code = "not-paired";
        evidence.wsl = false;
        expect("not-paired");
        ck_assert(first_says("", "  .\\wslbridge-helper pair --print 00ff/Debian\n"));
        ck_assert(first_says("", "in this guest:\n  sudo wslbridgectl pair"));
        report.key_problem = "/etc/wslbridge/key can be read by others";
        expect("key-problem");
}
END_TEST

START_TEST(helper_without_answers) {
        report.unanswered_since = report.helper_since;
        report.unanswered_since.time = "2026-01-31T12:00:00.000000Z";
        expect("helper-unanswered");
        ck_assert(first_says("since 2026-01-31 12:00:00 UTC", "  .\\wslbridge-helper doctor"));
        report.connected = false; /* between two sessions */
        report.helper_state = "waiting";
        report.error_cause = "unanswered";
        expect("helper-unanswered");
}
END_TEST

/* Only where the helper was there before, and only where there is such a command. */
START_TEST(virtual_sockets_that_died_in_a_sleep) {
        report.connected = false;
        report.helper_state = "waiting";
        report.error_cause = "unreachable";
        report.error_text = "Connection timed out";
        report.error_errno = ETIMEDOUT;
        report.n_connects = 1;
        expect("helper-silent");
        ck_assert(
                first_says("unreachable: Connection timed out", "  .\\wslbridge-helper doctor\n"));
        ck_assert(first_says("", "ends all distributions:\n  wsl.exe --shutdown"));
        for (unsigned i = 0; i < 4; i++) {
                report.n_connects = i == 0 ? 0 : 2;
                report.error_errno = i == 1 ? ECONNRESET : ETIMEDOUT;
                report.error_cause = i == 2 ? "lost" : "unreachable";
                evidence.wsl = i != 3;
                expect("helper-silent");
                ck_assert_msg(!first_says("", "--shutdown"), "case %u", i);
        }
}
END_TEST

/* The texts are those of key.c. */
START_TEST(key_problems) {
        static const struct {
                const char *problem, *advice;
        } table[] = {
                {"the credential 'key' has not reached the agent; run 'mount --make-shared /run', "
                 "then 'systemctl restart wslbridge-agent'",
                 "as root"},
                {"/etc/wslbridge/key is handed to the service when it starts; run 'systemctl "
                 "restart wslbridge-agent' to use it",
                 "as root"},
                {"/etc/wslbridge/key cannot be read now: Input/output error; trying again",
                 "Wait a moment"},
                {"/etc/wslbridge/key is not 64 hexadecimal digits, ignoring; pair again",
                 "  .\\wslbridge-helper pair Debian"},
                {"/etc/wslbridge/key cannot be opened, ignoring",
                 "  .\\wslbridge-helper pair Debian"},
        };

        report.connected = false;
        report.helper_state = "refused";
        report.error_code = "not-paired";
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                report.key_problem = table[i].problem;
                expect("key-problem");
                ck_assert_msg(first_says(table[i].problem, table[i].advice), "case %zu", i);
                ck_assert(i > 2 || !first_says("", "pair"));
        }
}
END_TEST

/* Whoever is connected has not been kept out by the key. */
START_TEST(key_that_is_not_needed) {
        report.key_problem = "/etc/wslbridge/key can be read by others";
        expect("key-problem");
        ck_assert(!findings_are_bad(&findings));
        report.connected = false;
        report.helper_state = "refused";
        report.error_code = "not-paired";
        expect("key-problem");
        ck_assert(findings_are_bad(&findings));
}
END_TEST

int main(void) {
        Suite *s = suite_create("helper-checks");
        TCase *c = tcase_create("helper-checks");

        tcase_add_checked_fixture(c, healthy_guest_setup, healthy_guest_teardown);
        tcase_add_test(c, helper);
        tcase_add_test(c, helper_without_answers);
        tcase_add_test(c, virtual_sockets_that_died_in_a_sleep);
        tcase_add_test(c, key_problems);
        tcase_add_test(c, key_that_is_not_needed);
        suite_add_tcase(s, c);
        return suite_run(s);
}
