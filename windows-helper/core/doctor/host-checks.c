/* SPDX-License-Identifier: MIT */

/* See diagnose.h. This file: Windows, and the helper as a service of it. */

#include "windows-helper/core/doctor/host-checks.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define AS_ADMINISTRATOR \
        "run 'wslbridge-helper doctor' in a terminal opened with 'Run as administrator'"
#define INSTALL "in a terminal opened with 'Run as administrator': wslbridge-helper install"

/* Of Tcpip6\Parameters\DisabledComponents: IPv6 off on all interfaces (fact 4.1). */
#define IPV6_ALL_OFF 0xff

static void diagnose_not_serving(const DiagnoseFacts *facts, Findings *f) {
        switch (facts->helper) {
        case SERVICE_IS_MISSING:
                findings_add(f, FINDING_BROKEN, "service", INSTALL,
                             "The service wslbridge-helper is not installed");
                break;
        case SERVICE_IS_DISABLED:
                findings_add(f, FINDING_BROKEN, "service",
                             "as administrator: sc config wslbridge-helper start= delayed-auto, "
                             "then sc start wslbridge-helper",
                             "The service wslbridge-helper is disabled");
                break;
        case SERVICE_IS_STOPPED:
                findings_add(f, FINDING_BROKEN, "service",
                             "as administrator: sc start wslbridge-helper; if it ends again, the "
                             "log Application, source wslbridge, says why",
                             "The service wslbridge-helper does not run");
                break;
        case SERVICE_IS_PENDING:
                findings_add(f, FINDING_HINT, "service", "look again in some seconds",
                             "The service wslbridge-helper is starting or stopping");
                break;
        case SERVICE_IS_RUNNING:
                findings_add(
                        f, FINDING_PROBLEM, "service",
                        "if it has just started, look again in some seconds; else as "
                        "administrator: sc stop wslbridge-helper, sc start wslbridge-helper",
                        "The service wslbridge-helper runs, but there is no status.json of it");
                break;
        case SERVICE_IS_UNSEEN:
                findings_add(f, FINDING_UNSEEN, "service", AS_ADMINISTRATOR,
                             "Windows does not tell whether the service wslbridge-helper runs");
                break;
        }
}

static void diagnose_service(const DiagnoseFacts *facts, Findings *f) {
        if (facts->status_error < 0 && facts->status_error != -ENOENT)
                findings_add(f, FINDING_UNSEEN, "status", AS_ADMINISTRATOR,
                             "status.json cannot be read (%s)", strerror(-facts->status_error));
        if (facts->status && facts->serves == SEEN_NO)
                findings_add(f, FINDING_HINT, "status", NULL,
                             "status.json is of a helper that did not end properly");
        if (facts->serves == SEEN_NO ||
            (facts->serves == SEEN_UNKNOWN && facts->helper != SERVICE_IS_RUNNING))
                diagnose_not_serving(facts, f);
        else if (facts->helper == SERVICE_IS_RUNNING)
                findings_add(f, FINDING_GOOD, "service", NULL, "The service wslbridge-helper runs");
        else
                findings_add(f, FINDING_HINT, "service", INSTALL,
                             "A helper runs, but not as a service: it ends with its terminal");
}

/* iphlpsvc listens and forwards for the values; without it they do nothing (fact 4.1). */
static void diagnose_forwarder(const DiagnoseFacts *facts, Findings *f) {
        static const char id[] = "iphlpsvc";

        switch (facts->forwarder) {
        case SERVICE_IS_MISSING:
                findings_add(f, FINDING_BROKEN, id,
                             "nothing short of repairing Windows: that service forwards ports",
                             "This Windows has no service IP Helper (iphlpsvc)");
                break;
        case SERVICE_IS_DISABLED:
                findings_add(f, FINDING_BROKEN, id,
                             "as administrator: sc config iphlpsvc start= auto, then sc start "
                             "iphlpsvc",
                             "The service IP Helper (iphlpsvc), which forwards, is disabled");
                break;
        case SERVICE_IS_STOPPED:
                findings_add(f, FINDING_BROKEN, id, "as administrator: sc start iphlpsvc",
                             "The service IP Helper (iphlpsvc), which forwards, does not run");
                break;
        case SERVICE_IS_PENDING:
                findings_add(f, FINDING_HINT, id, "look again in some seconds",
                             "The service IP Helper (iphlpsvc) is starting or stopping");
                break;
        case SERVICE_IS_RUNNING:
                findings_add(f, FINDING_GOOD, id, NULL, "The service IP Helper (iphlpsvc) runs");
                break;
        case SERVICE_IS_UNSEEN:
                findings_add(f, FINDING_UNSEEN, id, AS_ADMINISTRATOR,
                             "Windows does not tell whether the service iphlpsvc runs");
                break;
        }
        if (facts->ipv6 == SEEN_YES && (facts->disabled_components & IPV6_ALL_OFF) == IPV6_ALL_OFF)
                findings_add(
                        f, FINDING_HINT, "ipv6",
                        "if ports do not open: set DisabledComponents to 0 (or 0x20, to prefer "
                        "IPv4) and restart Windows",
                        "IPv6 is turned off as a whole (Tcpip6 DisabledComponents is 0x%x); "
                        "port forwarding was reported not to work so",
                        (unsigned) facts->disabled_components);
}

/* Both must run for rules to be made (fact 5.1). */
static void diagnose_firewall(const DiagnoseFacts *facts, Findings *f) {
        const struct {
                const char *name;
                ServiceSeen seen;
        } services[] = {{"MpsSvc", facts->firewall}, {"BFE", facts->filter}};
        char advice[64];

        for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
                if (services[i].seen == SERVICE_IS_UNSEEN ||
                    services[i].seen == SERVICE_IS_RUNNING ||
                    services[i].seen == SERVICE_IS_PENDING)
                        continue;
                (void) snprintf(advice, sizeof(advice), "as administrator: sc start %s",
                                services[i].name);
                findings_add(f, FINDING_PROBLEM, "firewall", advice,
                             "The service %s of Windows Firewall does not run; no port can be "
                             "opened in it",
                             services[i].name);
        }
        switch (facts->firewall_effect) {
        case FIREWALL_EFFECTIVE:
                break;
        case FIREWALL_OFF:
                findings_add(f, FINDING_HINT, "firewall", "turn it on, if that was not meant",
                             "Windows Firewall is off");
                break;
        case FIREWALL_OVERRIDDEN:
                findings_add(f, FINDING_PROBLEM, "firewall",
                             "ask who sets the Group Policy for a rule there that opens the ports",
                             "Group Policy makes Windows Firewall ignore local rules, ours too");
                break;
        case FIREWALL_BLOCKS_ALL:
                findings_add(f, FINDING_PROBLEM, "firewall",
                             "turn that off in the firewall's settings of the present network",
                             "Windows Firewall blocks all incoming connections, rules or not");
                break;
        }
}

static void diagnose_hyperv(const DiagnoseFacts *facts, Findings *f) {
        if (!facts->sockets_seen)
                findings_add(f, FINDING_UNSEEN, "hyper-v-sockets", NULL,
                             "Whether there are Hyper-V sockets could not be looked at");
        else if (facts->sockets_error != 0) /* 10047 without the feature (fact 10) */
                findings_add(f, FINDING_BROKEN, "hyper-v-sockets",
                             "install WSL2 (wsl --install), or turn on the Windows feature Virtual "
                             "Machine Platform, and restart Windows",
                             "This Windows has no Hyper-V sockets (Winsock error %u), so no guest "
                             "can reach the helper",
                             (unsigned) facts->sockets_error);
        else
                findings_add(f, FINDING_GOOD, "hyper-v-sockets", NULL, "Hyper-V sockets are there");
        if (facts->wsl == SEEN_NO)
                findings_add(f, FINDING_HINT, "wsl", "for WSL: wsl --install",
                             "WSL has never been used on this machine; other Hyper-V guests may "
                             "be");
        /* Guests of plain Hyper-V need the registration, those of WSL don't (facts 2.1, 8). */
        if (facts->registered == SEEN_NO)
                findings_add(f, FINDING_HINT, "hyper-v-registration", INSTALL,
                             "Hyper-V does not know our service, so only guests of WSL can reach "
                             "the helper");
        if (facts->event_source == SEEN_NO)
                findings_add(f, FINDING_HINT, "event-source", INSTALL,
                             "The event source 'wslbridge' is not registered, so the Event Log has "
                             "our events without their texts");
}

static void diagnose_vms(const DiagnoseFacts *facts, Findings *f) {
        size_t n_wsl = 0;

        if (!facts->vms) {
                if (facts->vms_error == -ENOSYS)
                        findings_add(f, FINDING_HINT, "vms",
                                     "install WSL2, or turn on the Windows feature Virtual Machine "
                                     "Platform; else the helper reads the registry instead",
                                     "This Windows has no Host Compute Service");
                else if (facts->vms_error == -EACCES) /* fact 2.2 */
                        findings_add(f, FINDING_UNSEEN, "vms", AS_ADMINISTRATOR,
                                     "Which VMs run is told to administrators only");
                else
                        findings_add(f, FINDING_PROBLEM, "vms", "restart Windows if it lasts",
                                     "The Host Compute Service does not tell which VMs run (%s)",
                                     strerror(-facts->vms_error));
                return;
        }
        for (size_t i = 0; i < facts->vms->n; i++)
                n_wsl += facts->vms->items[i].wsl;
        if (facts->vms->n == 0)
                findings_add(f, FINDING_HINT, "vms", "start the guest; a distro of WSL: wsl",
                             "No virtual machine runs");
        else
                findings_add(f, FINDING_GOOD, "vms", NULL, "Virtual machines: %zu, of WSL: %zu",
                             facts->vms->n, n_wsl);
}

static void diagnose_policy(const DiagnoseFacts *facts, Findings *f) {
        size_t n = 0;

        if (!facts->policy) {
                findings_add(f, FINDING_UNSEEN, "policy", AS_ADMINISTRATOR,
                             "The policy could not be read");
                return;
        }
        for (size_t i = 0; i < facts->policy->n_problems; i++)
                findings_add(f, FINDING_PROBLEM, "policy",
                             "correct the value named; it is read again at once", "%s",
                             facts->policy->problems[i]);
        for (size_t i = 0; i < POLICY_DEFINITIONS; i++)
                n += facts->policy->sources[i] != POLICY_FROM_DEFAULT;
        findings_add(f, FINDING_GOOD, "policy", NULL,
                     "Policy values that are not the default: %zu (see 'wslbridge-helper status')",
                     n);
}

void diagnose(const DiagnoseFacts *facts, Findings *ret_findings) {
        Findings f = FINDINGS_NULL;

        diagnose_service(facts, &f);
        diagnose_forwarder(facts, &f);
        diagnose_hyperv(facts, &f);
        diagnose_vms(facts, &f);
        diagnose_status(facts, &f);
        diagnose_rules(facts, &f);
        diagnose_firewall(facts, &f);
        diagnose_policy(facts, &f);
        findings_sort(&f);
        *ret_findings = f;
}
