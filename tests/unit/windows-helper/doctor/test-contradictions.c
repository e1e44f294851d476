/* SPDX-License-Identifier: MIT */

/*
 * No two findings of the host's doctor contradict each other, and no advice is for a state that is
 * not there. All states of the helper's service are walked together with every pair of other things
 * that may be wrong.
 */

#include "tests/unit/windows-helper/doctor/healthy.h"

#include "tests/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What removes a program says nothing about it. Starting the service would fail. */
START_TEST(test_a_program_that_is_gone) {
        evidence.program = SEEN_NO;
        evidence.program_path = "C:\\x\\wslbridge-helper.exe";
        expect(FINDING_PROBLEM, "program", "is gone: C:\\x\\wslbridge-helper.exe", "quarantine");
        evidence.serves = SEEN_NO;
        evidence.status = NULL;
        evidence.status_error = -ENOENT;
        healthy_teardown();
        for (ServiceSeen seen = SERVICE_IS_DISABLED; seen <= SERVICE_IS_RUNNING; seen++) {
                evidence.helper = seen;
                expect(FINDING_BROKEN, "program", "is gone", "helper install");
        }
        evidence.helper = SERVICE_IS_MISSING; /* there is no entry that names a program */
        expect(FINDING_BROKEN, "service", "not installed", "helper install");
}
END_TEST

/* It runs only while it is needed, so a stopped one is no finding. */
START_TEST(test_a_relay_that_cannot_start) {
        for (ServiceSeen seen = SERVICE_IS_STOPPED; seen <= SERVICE_IS_RUNNING; seen++) {
                evidence.relay = seen;
                expect_healthy();
        }
        evidence.relay = SERVICE_IS_DISABLED;
        expect(FINDING_PROBLEM, "relay", "wslbridge-relay is disabled",
               "sc.exe config wslbridge-relay start= demand");
        evidence.relay_program = SEEN_NO;
        evidence.relay_path = "C:\\x\\wslbridge-relay.exe";
        expect(FINDING_PROBLEM, "relay", "is gone: C:\\x\\wslbridge-relay.exe", "quarantine");
        evidence.relay = SERVICE_IS_MISSING; /* a version without a relay */
        expect_healthy();
        evidence.relay_program = SEEN_YES;
        expect(FINDING_PROBLEM, "relay", "wslbridge-relay is missing", "helper install");
        evidence.helper = SERVICE_IS_MISSING; /* one that runs in a terminal */
        expect(FINDING_HINT, "service", "not as a service", "helper install");
        evidence.relay = SERVICE_IS_UNSEEN;
        evidence.helper = SERVICE_IS_RUNNING;
        evidence.relay_program = SEEN_UNKNOWN;
        expect_healthy();
}
END_TEST

/* What the helper has measured is so, whatever usually follows from a setting. */
START_TEST(test_what_is_measured_wins) {
        evidence.sockets_error = 10047;
        expect(FINDING_HINT, "hyper-v-sockets", "an agent is connected", NULL);
        healthy_setup();
        evidence.wsl = SEEN_NO; /* a VM of WSL runs */
        evidence.ipv6 = SEEN_YES;
        evidence.disabled_components = 0xff; /* a port is open */
        guests[0].met = false;               /* and this guest has opened it */
        vms.items[0].wsl = false;
        evidence.registered = SEEN_NO; /* a guest that is not WSL's is connected */
        see_status("{\"schema\": 1, \"version\": \"0.1.0\", \"pid\": 7, \"vms\": [{\"id\": \"" ID_A
                   "\", \"wsl\": true, \"listening\": true}], \"agents\": [{\"agent\": "
                   "\"00/Debian\", \"vm\": \"" ID_A "\", \"state\": \"connected\", \"mode\": "
                   "\"nat\", \"services\": [" GOOD_SERVICE "]}]}");
        expect_healthy();
        healthy_setup();
        evidence.n_guests = 0;
        expect_healthy();
        healthy_setup();
        see_status(STATUS("0.1.0", "true", AGENT("connected", "nat", GOOD_SERVICE), "\"00/Debian\"",
                          "")); /* paired since then */
        expect_healthy();
        vms.n = 0;
        expect(FINDING_HINT, "vms", "although an agent is connected", NULL);
        evidence.vms = NULL;
        evidence.vms_error = -ENOSYS;
        expect(FINDING_HINT, "vms", "reads the registry", NULL);
}
END_TEST

START_TEST(test_left_by_a_crash) {
        Findings f;
        bool left = false, stale = false, broken = false;

        evidence.serves = SEEN_NO;
        evidence.helper = SERVICE_IS_STOPPED;
        host_checks_run(&evidence, &f);
        for (size_t i = 0; i < f.n; i++) {
                left |= strcmp(f.items[i].id, "rules-left") == 0;
                stale |= strcmp(f.items[i].id, "status") == 0;
                broken |= strcmp(f.items[i].id, "service") == 0;
        }
        ck_assert(left && stale && broken);
        ck_assert_int_eq(f.items[0].rank, FINDING_BROKEN);
        findings_done(&f);
}
END_TEST

/* What the helper may say of itself. */
static const struct {
        Seen serves;
        int error;
        const char *text;
        bool pairs; /* every two changes are tried with it */
} says[] = {
        {SEEN_NO, -ENOENT, NULL, true},
        {SEEN_UNKNOWN, -EACCES, NULL},
        {SEEN_NO, 0, STATUS("0.1.0", "true", AGENT("connected", "nat", GOOD_SERVICE), "", "")},
        {SEEN_YES, 0, STATUS("0.1.0", "true", AGENT("connected", "nat", GOOD_SERVICE), "", ""),
         true},
        {SEEN_YES, 0, STATUS("0.1.0", "true", "", "", ""), true},
        {SEEN_YES, 0, STATUS("0.1.0", "false", AGENT("gone", "nat", ""), "\"00/Debian\"", ""),
         true},
        {SEEN_YES, 0, STATUS("0.1.0", "true", AGENT("connected", "mirrored", ""), "", "")},
        {SEEN_YES, 0,
         STATUS("0.1.0", "true",
                AGENT("connected", "none",
                      SERVICE("web", "refused", "\"networking-mode\"", "\"no network\"")),
                "", "")},
        {SEEN_YES, 0,
         STATUS("0.1.0", "true",
                AGENT("connected", "mirrored",
                      SERVICE("web", "refused", "\"networking-mode\"", "\"mirrored\"")),
                "", "")},
        {SEEN_YES, 0,
         STATUS("0.1.0", "true",
                AGENT("connected", "nat",
                      SERVICE("web", "blocked", "\"not-listening\"",
                              "\"the port opens as soon as it does\"")),
                "", "")},
        {SEEN_YES, 0,
         STATUS("0.1.0", "true",
                AGENT("connected", "nat",
                      SERVICE("web", "blocked", "\"iphlpsvc\"", "\"is disabled; allow it\"")),
                "", "")},
        {SEEN_YES, 0,
         STATUS("0.1.0", "true",
                AGENT("connected", "nat",
                      SERVICE("web", "active", "\"firewall-off\"",
                              "\"allows everything that no rule "
                              "blocks\"")),
                "", "")},
        {SEEN_YES, 0, "{\"schema\": 1, \"agents\": ["},
};

/* Each changes the evidence in one respect. */
static void no_forwarder(void) {
        evidence.forwarder = SERVICE_IS_DISABLED;
}
static void forwarder_stopped(void) {
        evidence.forwarder = SERVICE_IS_STOPPED;
}
static void firewall_stopped(void) {
        evidence.firewall = SERVICE_IS_STOPPED;
}
static void no_sockets(void) {
        evidence.sockets_error = 10047;
}
static void no_vm(void) {
        vms.n = 0;
}
static void other_vm(void) {
        vms.items[0].wsl = false;
}
static void no_compute(void) {
        evidence.vms = NULL;
        evidence.vms_error = -ENOSYS;
}
static void no_wsl(void) {
        evidence.wsl = SEEN_NO;
}
static void not_registered(void) {
        evidence.registered = SEEN_NO;
}
static void no_pairing(void) {
        evidence.n_guests = 0;
}
static void never_met(void) {
        guests[0].met = false;
}
static void no_ipv6(void) {
        evidence.ipv6 = SEEN_YES;
        evidence.disabled_components = 0xff;
}
static void no_network(void) {
        sight.connected = 0;
}
static void two_networks(void) {
        sight.connected = WIRE_PROFILE_PRIVATE | WIRE_PROFILE_PUBLIC;
}
static void firewall_off(void) {
        sight.off = WIRE_PROFILE_PRIVATE;
}
static void firewall_shut(void) {
        sight.shut = WIRE_PROFILE_PRIVATE | WIRE_PROFILE_PUBLIC;
}
static void firewall_lets_in(void) {
        sight.lets_in = WIRE_PROFILE_PRIVATE;
}
static void firewall_overridden(void) {
        sight.overridden = WIRE_PROFILE_ALL;
}
static void rule_lost(void) {
        add_ledger("0.0.0.0", 81, "172.28.64.10");
}
static void nothing(void) {
}

static void (*const changes[])(void) = {
        nothing,
        no_forwarder,
        forwarder_stopped,
        firewall_stopped,
        no_sockets,
        no_vm,
        other_vm,
        no_compute,
        no_wsl,
        not_registered,
        no_pairing,
        never_met,
        no_ipv6,
        no_network,
        two_networks,
        firewall_off,
        firewall_shut,
        firewall_lets_in,
        firewall_overridden,
        rule_lost,
};

/* Words of two findings that cannot both be true, or that send people two ways. */
static const char *const exclusive[][2] = {
        {"no status.json of it", "status.json is left"},
        {"service wslbridge-helper runs", "is not installed"},
        {"A helper runs, but not as a service", "service wslbridge-helper is starting"},
        {"is gone: ", "sc.exe start wslbridge-helper"},
        {"is not installed", "sc.exe start wslbridge-helper"},
        {"service wslbridge-helper is disabled", "  .\\wslbridge-helper uninstall\n  sc.exe"},
        {"has no Hyper-V sockets", "Agents connected"},
        {"wsl --install", "Agents connected"},
        {"wsl --install", "(WSL: 1)"},
        {"WSL has never been used", "(WSL: 1)"},
        {"No virtual machine runs", "Agents connected"},
        {"No virtual machine runs", "does not listen to"},
        {"No guest is paired", "Agents connected"},
        {"has never connected", "Agents connected: 1 of 1"},
        {"A guest that is not paired has asked", "Guests paired: 1"},
        {"A guest that is not paired has asked", "enable --now wslbridge-agent\n"},
        {"forwards, is disabled", "services active"},
        {"forwards, does not run", "services active"},
        {"port forwarding then does not work", "services active: 1 of 1"},
        {"No network is connected", "Connected network"},
        {"needs no forwarding", "has no network"},
        {"needs no forwarding", "networkingMode=NAT"},
        {"opens as soon as it does", "stop iphlpsvc"},
        {"sc.exe config iphlpsvc", "-> In a terminal opened with 'Run as "
                                   "administrator':\n  sc.exe start iphlpsvc"},
        {"that no rule blocks", "Turn Windows Firewall on"},
};

static bool finding_says(const Finding *x, const char *words) {
        return strstr(buffer_text(&x->seen), words) || strstr(buffer_text(&x->advice), words);
}

static bool findings_say(const Findings *f, const char *words) {
        for (size_t i = 0; i < f->n; i++)
                if (finding_says(&f->items[i], words))
                        return true;
        return false;
}

/* One verdict on each thing: what is good is not bad, too. */
static void expect_one_verdict(const Findings *f) {
        static const char *const ids[] = {"program", "service",         "iphlpsvc", "ipv6",
                                          "network", "hyper-v-sockets", "pairing",  "agent"};

        for (size_t i = 0; i < f->n; i++)
                for (size_t k = 0; k < i; k++)
                        for (size_t n = 0; n < sizeof(ids) / sizeof(ids[0]); n++)
                                ck_assert_msg(strcmp(f->items[i].id, ids[n]) != 0 ||
                                                      strcmp(f->items[k].id, ids[n]) != 0 ||
                                                      strcmp(buffer_text(&f->items[i].subject),
                                                             buffer_text(&f->items[k].subject)),
                                              "%s\n%s", buffer_text(&f->items[i].seen),
                                              buffer_text(&f->items[k].seen));
}

/* In each profile the firewall does one thing. */
static void expect_one_firewall(const Findings *f) {
        size_t n = 0;

        for (size_t i = 0; i < f->n; i++)
                n += finding_says(&f->items[i], "private network") ||
                     finding_says(&f->items[i], "private and public network");
        ck_assert_uint_le(n, 1);
        ck_assert(!findings_say(f, "ignore local rules") || n == 0 || sight.connected != 2);
}

#define N_EXCLUSIVE (sizeof(exclusive) / sizeof(exclusive[0]))
#define N_CHANGES   (sizeof(changes) / sizeof(changes[0]))
#define N_SAYS      (sizeof(says) / sizeof(says[0]))

static bool said[N_EXCLUSIVE]; /* the first of the two, in some case */

static void expect_no_contradiction(void) {
        Findings f;

        host_checks_run(&evidence, &f);
        ck_assert(!f.oom);
        for (size_t i = 0; i < N_EXCLUSIVE; i++) {
                if (!findings_say(&f, exclusive[i][0]))
                        continue;
                said[i] = true;
                ck_assert_msg(!findings_say(&f, exclusive[i][1]),
                              "helper %d, serves %d, status %s: '%s' and '%s'", evidence.helper,
                              evidence.serves, evidence.status, exclusive[i][0], exclusive[i][1]);
        }
        expect_one_verdict(&f);
        expect_one_firewall(&f);
        findings_done(&f);
}

static void walk_case(size_t status, ServiceSeen helper, Seen program, size_t a, size_t b) {
        healthy_setup();
        evidence.helper = helper;
        evidence.program = program;
        evidence.program_path = "C:\\x.exe";
        evidence.serves = says[status].serves;
        evidence.status_error = says[status].error;
        evidence.status = NULL;
        if (says[status].text)
                see_status(says[status].text);
        changes[a]();
        changes[b]();
        expect_no_contradiction();
}

/* The state of the service meets each change alone. The changes meet each other while it runs. */
START_TEST(test_no_two_findings_contradict) {
        for (size_t status = 0; status < N_SAYS; status++) {
                for (ServiceSeen helper = SERVICE_IS_UNSEEN; helper <= SERVICE_IS_RUNNING; helper++)
                        for (size_t a = 0; a < N_CHANGES; a++)
                                walk_case(status, helper, a ? SEEN_YES : SEEN_NO, a, 0);
                for (size_t a = 0; a < N_CHANGES && says[status].pairs; a++)
                        for (size_t b = 0; b < a; b++)
                                walk_case(status, SERVICE_IS_RUNNING, SEEN_YES, a, b);
        }
        /* A text that has changed must not make the table useless. The second words were the
         * contradiction, and may be gone. */
        for (size_t k = 0; k < N_EXCLUSIVE; k++)
                ck_assert_msg(said[k], "nobody says '%s'", exclusive[k][0]);
}
END_TEST

int main(void) {
        Suite *s = suite_create("contradictions");
        TCase *t = tcase_create("core");

        tcase_set_timeout(t, 120);
        tcase_add_checked_fixture(t, healthy_setup, healthy_teardown);
        tcase_add_test(t, test_a_program_that_is_gone);
        tcase_add_test(t, test_a_relay_that_cannot_start);
        tcase_add_test(t, test_what_is_measured_wins);
        tcase_add_test(t, test_left_by_a_crash);
        tcase_add_test(t, test_no_two_findings_contradict);
        suite_add_tcase(s, t);
        return suite_run(s);
}
