/* SPDX-License-Identifier: MIT */

/*
 * What the doctor of the host says about guests whose ports are not forwarded, and about the
 * Hyper-V firewall, which decides in networking mode mirrored.
 */

#include "tests/unit/windows-helper/doctor/healthy.h"

#include "tests/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DIRECT_SERVICE SERVICE("web", "active", "\"direct\"", "\"direct: the guest has …\"")

static HypervSight hyperv;

static void see_mode(const char *mode) {
        static char text[2048];

        (void) snprintf(text, sizeof(text),
                        STATUS("0.1.0", "true", AGENT("connected", "%s", DIRECT_SERVICE), "", ""),
                        mode);
        see_status(text);
}

/* All is well, and @id says so. */
static void expect_good(const char *id, const char *seen) {
        bool found = false;
        Findings f;

        host_checks_run(&evidence, &f);
        for (size_t i = 0; i < f.n; i++) {
                ck_assert_msg(f.items[i].rank == FINDING_GOOD, "%s", buffer_text(&f.items[i].seen));
                found |= strcmp(f.items[i].id, id) == 0 &&
                         strstr(buffer_text(&f.items[i].seen), seen) != NULL;
        }
        ck_assert_msg(found, "no %s: %s", id, seen);
        findings_done(&f);
}

static void setup(void) {
        healthy_setup();
        see_mode("mirrored");
        hyperv = (HypervSight){
                .seen = HYPERV_PRESENT,
                .enabled = HYPERV_ON,
                .host_rules = HYPERV_ON,
                .inbound = HYPERV_BLOCK,
                .profiles = {{1, HYPERV_ON, HYPERV_NOT_SET},
                             {2, HYPERV_ON, HYPERV_ON},
                             {4, HYPERV_ON, HYPERV_ON}},
                .n_profiles = 3,
        };
        evidence.hyperv = &hyperv;
        evidence.wsl_firewall = SEEN_UNKNOWN;
}

START_TEST(test_nobody_is_told_to_disable_anything) {
        static const char *const modes[] = {"mirrored", "virtioproxy", "bridged"};

        for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
                see_mode(modes[i]);
                expect_good("networking-mode", modes[i]);
        }
        see_mode("mirrored");
        expect_good("networking-mode", "the Hyper-V firewall decides, too");
        see_mode("bridged");
        hyperv.host_rules = HYPERV_OFF;
        expect_healthy(); /* in another mode it does not matter */
}
END_TEST

START_TEST(test_an_external_switch) {
        see_status(STATUS("0.1.0", "true",
                          "{\"agent\": \"00/Debian\", \"state\": \"connected\", \"address\": "
                          "\"192.168.1.7\", \"mode\": \"unknown\", \"reach\": \"own\", "
                          "\"services\": [" DIRECT_SERVICE "]}",
                          "", ""));
        expect_good("networking-mode", "reach it at its own address, 192.168.1.7");
}
END_TEST

START_TEST(test_the_firewall) {
        hyperv.seen = HYPERV_UNSEEN;
        expect(FINDING_UNSEEN, "hyper-v-firewall", "does not say", "administrator");
        evidence.hyperv = NULL;
        evidence.hyperv_error = -ETIMEDOUT;
        expect(FINDING_PROBLEM, "hyper-v-firewall", "WMI does not answer", "Restart Windows");
        evidence.hyperv = &hyperv;
        hyperv.seen = HYPERV_ABSENT;
        expect(FINDING_HINT, "hyper-v-firewall", "like Windows 10", "22H2");
        setup();
        hyperv.enabled = HYPERV_OFF;
        expect(FINDING_HINT, "hyper-v-firewall", "is off for guests of WSL", "on purpose");
        setup();
        hyperv.inbound = HYPERV_ALLOW;
        expect(FINDING_HINT, "hyper-v-firewall", "allows everything that no rule blocks",
               "-DefaultInboundAction Block");
        setup();
        hyperv.host_rules = HYPERV_OFF;
        expect(FINDING_PROBLEM, "hyper-v-firewall", "AllowHostPolicyMerge is False",
               "-AllowHostPolicyMerge True");
        hyperv.host_rules = HYPERV_NOT_SET; /* Windows' default takes them over */
        expect_healthy();
        hyperv.profiles[0].local_rules = hyperv.profiles[2].local_rules = HYPERV_OFF;
        expect(FINDING_PROBLEM, "hyper-v-firewall", "domain and public", "AllowLocalPolicyMerge");
        setup();
        hyperv.profiles[2].enabled = HYPERV_OFF;     /* then nothing is kept out there, */
        hyperv.profiles[2].local_rules = HYPERV_OFF; /* whatever this says */
        expect(FINDING_HINT, "hyper-v-firewall", "off or allows everything on public networks",
               "on purpose");
        setup();
        hyperv.profiles[1].inbound = HYPERV_ALLOW;
        expect(FINDING_HINT, "hyper-v-firewall", "everything on private networks", "block");
        hyperv.inbound = HYPERV_ALLOW; /* once is enough */
        expect(FINDING_HINT, "hyper-v-firewall", "allows everything that no rule blocks",
               "on purpose");
        setup();
        hyperv.profiles[1].inbound = HYPERV_BLOCK;
        expect_healthy();
}
END_TEST

START_TEST(test_rules_that_are_not_enforced) {
        hyperv.n_rules = 3;
        expect_good("hyper-v-firewall", "rules of ours in it: 3");
        hyperv.n_no_force = 2;
        hyperv.status = 5;
        expect(FINDING_PROBLEM, "hyper-v-firewall", "2 (status 5)", "Get-NetFirewallHyperVRule");
        hyperv.status = 0;
        expect(FINDING_PROBLEM, "hyper-v-firewall", "(status 0)", "Look");
        hyperv.status = HYPERV_STATUS_NO_PORTS; /* as for the profile of another network */
        expect(FINDING_HINT, "hyper-v-firewall", "(status 3: they fit no interface of a guest now)",
               "Look");
}
END_TEST

START_TEST(test_wslconfig) {
        evidence.wsl_firewall = SEEN_YES;
        expect_healthy();
        evidence.wsl_firewall = SEEN_NO;
        expect(FINDING_HINT, "wsl-firewall", "no effect in networking mode mirrored", "drop-in");
        see_mode("virtioproxy");
        expect_healthy();
}
END_TEST

int main(void) {
        Suite *s = suite_create("direct-checks");
        TCase *tc = tcase_create("direct-checks");

        tcase_add_checked_fixture(tc, setup, healthy_teardown);
        tcase_add_test(tc, test_nobody_is_told_to_disable_anything);
        tcase_add_test(tc, test_an_external_switch);
        tcase_add_test(tc, test_the_firewall);
        tcase_add_test(tc, test_rules_that_are_not_enforced);
        tcase_add_test(tc, test_wslconfig);
        suite_add_tcase(s, tc);
        return suite_run(s);
}
