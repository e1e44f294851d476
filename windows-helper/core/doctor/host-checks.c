/* SPDX-License-Identifier: MIT */

/*
 * All checks of the host's doctor, and those of Windows itself. What the helper has measured counts
 * more than what usually follows from a setting of Windows.
 */

#include "windows-helper/core/doctor/host-checks-private.h"
#include "windows-helper/core/firewall/reach.h"

#include <errno.h>
#include <string.h>

#define NO_FEATURE                                                                         \
        "Install WSL 2 ('wsl --install'), or turn on the Windows feature Virtual Machine " \
        "Platform. "

/* Of Tcpip6\Parameters\DisabledComponents: IPv6 is off on all interfaces (fact 4.1.9). */
#define IPV6_ALL_OFF 0xff

const char *const host_finding_ids[] = {
        "program",      "service",
        "relay",        "status",
        "version",      "iphlpsvc",
        "ipv6",         "hyper-v-sockets",
        "wsl",          "hyper-v-registration",
        "event-source", "app-control",
        "vms",          "policy",
        "firewall",     "hyper-v-firewall",
        "wsl-firewall", "network",
        "pairing",      "not-paired",
        "agent",        "networking-mode",
        "rules",        "rules-left",
        "rules-lost",   "rules-taken",
        "foreign-rule", "guest-service",
        "forwarder",    "fact",
        NULL,
};

static void check_ipv6(const HostEvidence *e, const Measured *m, Findings *f) {
        if (e->ipv6 != SEEN_YES || (e->disabled_components & IPV6_ALL_OFF) != IPV6_ALL_OFF)
                return;
        if (m->n_active > 0)
                host_finding(f, FINDING_GOOD, "ipv6", NULL, NULL,
                             "IPv6 is turned off altogether (Tcpip6 DisabledComponents is 0x%x), "
                             "and ports open all the same",
                             (unsigned) e->disabled_components);
        else
                host_finding(f, FINDING_HINT, "ipv6", NULL,
                             "If ports do not open, set DisabledComponents to 0 (or to 0x20, to "
                             "prefer IPv4), and restart Windows.",
                             "IPv6 is turned off altogether (Tcpip6 DisabledComponents is 0x%x); "
                             "there are reports that port forwarding then does not work",
                             (unsigned) e->disabled_components);
}

/* iphlpsvc listens and forwards as the values say; without it they have no effect (fact 4.1.8). */
static void check_forwarder(const HostEvidence *e, const Measured *m, Findings *f) {
        static const char id[] = "iphlpsvc";

        switch (e->forwarder) {
        case SERVICE_IS_MISSING:
                host_finding(f, FINDING_BROKEN, id, NULL,
                             "Repair Windows: only that service can forward the ports.",
                             "This Windows has no IP Helper service (iphlpsvc)");
                break;
        case SERVICE_IS_DISABLED:
                host_finding(f, FINDING_BROKEN, id, NULL,
                             ELEVATED "  sc.exe config iphlpsvc start= auto\n"
                                      "  sc.exe start iphlpsvc",
                             "The IP Helper service (iphlpsvc), which forwards, is disabled");
                break;
        case SERVICE_IS_STOPPED:
                host_finding(f, FINDING_BROKEN, id, NULL, ELEVATED "  sc.exe start iphlpsvc",
                             "The IP Helper service (iphlpsvc), which forwards, does not run");
                break;
        case SERVICE_IS_PENDING:
                host_finding(f, FINDING_HINT, id, NULL, "Look again in a few seconds.",
                             "The IP Helper service (iphlpsvc) is starting or stopping");
                break;
        case SERVICE_IS_RUNNING:
                host_finding(f, FINDING_GOOD, id, NULL, NULL,
                             "The IP Helper service (iphlpsvc) runs");
                break;
        case SERVICE_IS_UNSEEN:
                host_finding(f, FINDING_UNSEEN, id, NULL, ASK_AS_ADMINISTRATOR,
                             "Windows does not say whether the service iphlpsvc runs");
                break;
        }
        check_ipv6(e, m, f);
}

/* Administrators may start the two services, but neither stop them nor change how they start. So a
 * disabled one is enabled in the registry, which Windows reads when it starts (fact 5.1.13). */
static void advise_firewall_service(const char *name, ServiceSeen seen, Buffer *advice) {
        if (seen == SERVICE_IS_MISSING)
                buffer_printf(advice, "Repair Windows: the service is a part of it.");
        else if (seen == SERVICE_IS_DISABLED)
                buffer_printf(advice,
                              "Windows refuses other ways to enable it, even to administrators. "
                              "Restart Windows after this command. " ELEVATED
                              "  reg.exe add HKLM\\SYSTEM\\CurrentControlSet\\Services\\%s "
                              "/v Start /t REG_DWORD /d 2 /f",
                              name);
        else
                buffer_printf(advice,
                              "Restart Windows if this does not start it; if it stops again, the "
                              "Event Log has the reason (log System, source Service Control "
                              "Manager). " ELEVATED "  sc.exe start %s",
                              name);
}

/* Rules can be made only while both services run (fact 5.1.6). MpsSvc cannot run without BFE, so
 * one of them is the cause. Return: whether they run, as far as is known. */
static bool check_firewall_services(const HostEvidence *e, Findings *f) {
        bool filter = service_is_at_rest(e->filter);
        ServiceSeen seen = filter ? e->filter : e->firewall;
        const char *name = filter ? "BFE" : "MpsSvc";
        Finding *x;

        if (!service_is_at_rest(seen))
                return true;
        x = host_finding(f, FINDING_PROBLEM, "firewall", NULL, NULL,
                         "The Windows Firewall service %s %s, so no port can be opened in the "
                         "firewall",
                         name, seen == SERVICE_IS_DISABLED ? "is disabled" : "does not run");
        advise_firewall_service(name, seen, &x->advice);
        return false;
}

/* What holds on the networks that are connected. In each profile only the first of these counts:
 * off, all incoming blocked, everything let in. */
static void check_profiles(const FirewallSight *s, Findings *f) {
        static const char id[] = "firewall";
        uint8_t off = s->connected & s->off;
        uint8_t shut = s->connected & s->shut & (uint8_t) ~off;
        uint8_t lets_in = s->connected & s->lets_in & (uint8_t) ~(off | shut);
        uint8_t by_rules = s->connected & (uint8_t) ~(off | shut | lets_in);
        char networks[FIREWALL_PROFILES_TEXT_MAX];

        firewall_profiles_text(off, networks);
        if (off)
                host_finding(f, FINDING_HINT, id, NULL, "Turn it on, unless it is off on purpose.",
                             "Windows Firewall is off for the %s network, so everybody there "
                             "reaches every port",
                             networks);
        firewall_profiles_text(lets_in, networks);
        if (lets_in)
                host_finding(
                        f, FINDING_HINT, id, NULL,
                        "Let it block incoming connections that no rule allows, unless this is "
                        "on purpose.",
                        "Windows Firewall allows everything from the %s network that no rule "
                        "blocks",
                        networks);
        firewall_profiles_text(shut, networks);
        if (shut)
                host_finding(f, FINDING_PROBLEM, id, NULL,
                             "Turn that off in the firewall settings of the present network.",
                             "Windows Firewall blocks all incoming connections from the %s "
                             "network, no matter what the rules say",
                             networks);
        if (s->connected ? s->overridden & by_rules : s->overridden)
                host_finding(f, FINDING_PROBLEM, id, NULL,
                             "Ask the administrator of the Group Policy for a rule that opens the "
                             "ports.",
                             "Group Policy makes Windows Firewall ignore local rules, including "
                             "ours");
        if (s->n_unread && (by_rules | lets_in))
                host_finding(f, FINDING_HINT, id, NULL,
                             "If nobody gets in, ask the administrator of these rules.",
                             "Not looked at: %u blocking rule%s of Group Policy or Intune",
                             s->n_unread, s->n_unread == 1 ? "" : "s");
}

/* What holds for every port. What it means for a service is in the service's own text. */
static void check_firewall(const HostEvidence *e, Findings *f) {
        const FirewallSight *s = e->sight;
        char text[WIRE_TEXT_MAX + 1];

        if (!check_firewall_services(e, f))
                return;
        if (e->sight_error == -ETIMEDOUT) {
                host_finding(f, FINDING_PROBLEM, "firewall", NULL, RESTART_IF,
                             "Windows Firewall does not answer");
                return;
        }
        if (!s || !s->known) {
                host_finding(f, FINDING_UNSEEN, "firewall", NULL, ASK_AS_ADMINISTRATOR,
                             "Windows does not say which networks are connected and whether its "
                             "firewall is on");
                return;
        }
        check_profiles(s, f);
        if (s->product[0])
                host_finding(f, FINDING_HINT, "firewall", NULL,
                             "If nobody gets in, open the ports in that product.",
                             "Another firewall is registered with Windows: %s", s->product);
        firewall_sight_text(s, text);
        if (s->connected == 0)
                host_finding(f, FINDING_HINT, "network", NULL, "Connect this host to a network.",
                             "No network is connected, so no other machine reaches a port");
        else
                host_finding(f, FINDING_GOOD, "network", NULL, NULL, "Connected %s", text);
}

static void check_sockets(const HostEvidence *e, const Measured *m, Findings *f) {
        static const char id[] = "hyper-v-sockets";

        if (!e->sockets_seen)
                host_finding(f, FINDING_UNSEEN, id, NULL, NULL,
                             "The check for Hyper-V sockets could not run");
        else if (e->sockets_error == 0)
                host_finding(f, FINDING_GOOD, id, NULL, NULL, "Windows has Hyper-V sockets");
        else if (m->n_connected > 0 || m->listens)
                host_finding(f, FINDING_HINT, id, NULL, NULL,
                             "This program cannot make a Hyper-V socket (Winsock error %u), but "
                             "the helper has some: %s",
                             (unsigned) e->sockets_error,
                             m->n_connected > 0 ? "an agent is connected"
                                                : "it listens to a virtual machine");
        else /* 10047 without the feature (fact 1.1.6) */
                host_finding(f, FINDING_BROKEN, id, NULL,
                             m->wsl ? "Restart Windows." : NO_FEATURE "Then restart Windows.",
                             "This Windows has no Hyper-V sockets (Winsock error %u), so no guest "
                             "can reach the helper",
                             (unsigned) e->sockets_error);
}

static void check_hyperv(const HostEvidence *e, const Measured *m, Findings *f) {
        check_sockets(e, m, f);
        if (e->wsl == SEEN_NO && !m->wsl)
                host_finding(f, FINDING_HINT, "wsl", NULL, "To use WSL:\n  wsl --install",
                             "WSL has never been used on this machine; there may be other Hyper-V "
                             "guests");
        /* Guests of plain Hyper-V need the registration, those of WSL do not (facts 2.1.3, 8.1.1).
         */
        if (e->registered == SEEN_NO && !m->other_connected)
                host_finding(f, FINDING_HINT, "hyper-v-registration", NULL, INSTALL,
                             "Hyper-V does not know our service, so only guests of WSL can reach "
                             "the helper");
        if (e->event_source == SEEN_NO)
                host_finding(f, FINDING_HINT, "event-source", NULL, INSTALL,
                             "The event source '" NAMES_EVENT_SOURCE
                             "' is not registered, so the Event Log "
                             "shows our events without their texts");
}

/* It judges a program that nobody has signed by what Microsoft's cloud knows about that very file,
 * and there are no exceptions for single programs. The running one has passed; its update may not.
 */
static void check_app_control(const HostEvidence *e, Findings *f) {
        if (e->app_control == APP_CONTROL_OFF)
                return;
        host_finding(f, FINDING_HINT, "app-control", NULL,
                     "If Windows blocks wslbridge-helper: it can only be turned off for all "
                     "programs, in Windows Security, App & browser control, Smart App Control.",
                     e->app_control == APP_CONTROL_ON
                             ? "Smart App Control is on; it may block this program or its next "
                               "version, because they are not signed"
                             : "Smart App Control is evaluating this machine; when it turns itself "
                               "on, it may block this program, because it is not signed");
}

static void check_vms(const HostEvidence *e, const Measured *m, Findings *f) {
        size_t n_wsl = 0;

        if (!e->vms) {
                if (e->vms_error == -ENOSYS)
                        host_finding(f, FINDING_HINT, "vms", NULL,
                                     m->n_connected > 0 || m->wsl ? NULL : NO_FEATURE,
                                     "This Windows has no Host Compute Service; the helper reads "
                                     "the registry instead");
                else if (e->vms_error == -EACCES) /* fact 2.2.5 */
                        host_finding(f, FINDING_UNSEEN, "vms", NULL, ASK_AS_ADMINISTRATOR,
                                     "Only administrators may see which virtual machines run");
                else
                        host_finding(f, FINDING_PROBLEM, "vms", NULL, RESTART_IF,
                                     "The Host Compute Service does not say which virtual machines "
                                     "run (%s)",
                                     vm_list_error_text(e->vms_error));
                return;
        }
        for (size_t i = 0; i < e->vms->n; i++)
                n_wsl += e->vms->items[i].wsl;
        if (e->vms->n == 0 && m->n_connected > 0)
                host_finding(f, FINDING_HINT, "vms", NULL, NULL,
                             "Windows names no virtual machine, although an agent is connected");
        else if (e->vms->n == 0)
                host_finding(f, FINDING_HINT, "vms", NULL,
                             "Start the guest. For WSL's default distribution:\n  wsl",
                             "No virtual machine runs");
        else
                host_finding(f, FINDING_GOOD, "vms", NULL, NULL, "Virtual machines: %zu (WSL: %zu)",
                             e->vms->n, n_wsl);
}

static void check_policy(const HostEvidence *e, Findings *f) {
        size_t n = 0;

        if (!e->policy) {
                host_finding(f, FINDING_UNSEEN, "policy", NULL, ASK_AS_ADMINISTRATOR,
                             "The policy could not be read");
                return;
        }
        for (size_t i = 0; i < e->policy->n_problems; i++)
                host_finding(f, FINDING_PROBLEM, "policy", NULL,
                             "Correct the value that is named; it is read again at once.", "%s",
                             e->policy->problems[i]);
        for (size_t i = 0; i < POLICY_DEFINITIONS; i++)
                n += e->policy->sources[i] != POLICY_FROM_DEFAULT;
        host_finding(f, FINDING_GOOD, "policy", NULL, NULL,
                     "Policy values that are not the default: %zu (see 'wslbridge-helper status')",
                     n);
}

/* Where this machine differs from what we expect, as the self-test or the helper has seen. */
static void check_facts(const HostEvidence *e, Findings *f) {
        for (size_t i = 0; i < e->n_facts; i++)
                host_finding(f, FINDING_HINT, "fact", e->facts[i]->id, NULL,
                             "On this machine, this does not hold: %s What follows: %s",
                             e->facts[i]->statement, e->facts[i]->instead);
}

void host_checks_run(const HostEvidence *e, Findings *ret) {
        Findings f = FINDINGS_NULL(host_finding_ids);
        Measured m = {.n_connected = 0};

        status_checks_run(e, &m, &f); /* first, for what it measures; the findings are sorted */
        service_checks_run(e, &f);
        forwarder_checks_run(e, &f);
        check_forwarder(e, &m, &f);
        check_hyperv(e, &m, &f);
        check_app_control(e, &f);
        check_vms(e, &m, &f);
        check_policy(e, &f);
        check_firewall(e, &f);
        direct_checks_run(e, &m, &f);
        rule_checks_run(e, &f);
        check_facts(e, &f);
        findings_finish(&f);
        *ret = f;
}
