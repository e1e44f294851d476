/* SPDX-License-Identifier: MIT */

/*
 * Conclusions about guests whose ports are not forwarded: what stands between them and other
 * machines is the Hyper-V firewall in networking mode mirrored.
 */

#include "windows-helper/core/doctor/host-checks-private.h"
#include "windows-helper/core/firewall/reach.h"

#include <errno.h>

#define VM_SETTING "Set-NetFirewallHyperVVMSetting -Name '" HYPERV_WSL_CREATOR "'"

static const char id[] = "hyper-v-firewall";

/* Settings of the firewall as a whole, of which only the first that decides is told. */
static void check_setting(const HypervSight *s, Findings *f) {
        if (s->enabled == HYPERV_OFF)
                host_finding(f, FINDING_HINT, id, NULL, "Turn it on, unless it is off on purpose.",
                             "The Hyper-V firewall is off for guests of WSL, so in networking mode "
                             "mirrored everybody reaches every port on which a guest listens");
        else if (s->inbound == HYPERV_ALLOW)
                host_finding(
                        f, FINDING_HINT, id, NULL,
                        "Let it block what no rule allows, unless this is on purpose. " ELEVATED
                        "  powershell.exe -Command \"" VM_SETTING " -DefaultInboundAction Block\"",
                        "The Hyper-V firewall allows everything that no rule blocks, so in "
                        "networking "
                        "mode mirrored everybody reaches every port on which a guest listens");
        else if (s->host_rules == HYPERV_OFF)
                host_finding(f, FINDING_PROBLEM, id, NULL,
                             "If a company's policy (Intune, CSP Firewall) says so, ask its "
                             "administrator. Otherwise: " ELEVATED
                             "  powershell.exe -Command \"" VM_SETTING
                             " -AllowHostPolicyMerge True\"",
                             "The Hyper-V firewall does not take over the rules of Windows "
                             "Firewall (AllowHostPolicyMerge is False), so ours let nobody in to "
                             "guests in networking mode mirrored");
}

/* @open_told: check_setting() has said so of all networks. */
static void check_profiles(const HypervSight *s, bool open_told, Findings *f) {
        char networks[FIREWALL_PROFILES_TEXT_MAX];
        uint8_t closed = 0, open = 0;

        for (size_t i = 0; i < s->n_profiles; i++) {
                const HypervProfile *p = &s->profiles[i];

                if (p->enabled == HYPERV_OFF || p->inbound == HYPERV_ALLOW)
                        open |= p->profile;
                else if (p->local_rules == HYPERV_OFF)
                        closed |= p->profile;
        }
        firewall_profiles_text(open, networks);
        if (open && !open_told)
                host_finding(f, FINDING_HINT, id, "open",
                             "Let it block there what no rule allows, unless this is on purpose.",
                             "The Hyper-V firewall is off or allows everything on %s networks, so "
                             "everybody there reaches every port on which a guest in networking "
                             "mode mirrored listens",
                             networks);
        firewall_profiles_text(closed, networks);
        if (closed)
                host_finding(f, FINDING_PROBLEM, id, "policy",
                             "Ask the administrator who has set that for a rule that opens the "
                             "ports, or for AllowLocalPolicyMerge.",
                             "A policy makes the Hyper-V firewall ignore local rules on %s "
                             "networks, so ours let nobody in there in networking mode mirrored",
                             networks);
}

/* A rule that fits no interface of a guest may be for another network than the present one. */
static void check_rules(const HypervSight *s, Findings *f) {
        bool fits = s->status != HYPERV_STATUS_NO_PORTS;

        if (s->n_no_force > 0)
                host_finding(f, fits ? FINDING_PROBLEM : FINDING_HINT, id, "rules",
                             "Look at the rules. " ELEVATED
                             "  powershell.exe -Command \"Get-NetFirewallHyperVRule -VMCreatorId "
                             "'" HYPERV_WSL_CREATOR "'\"",
                             "Rules of ours that the Hyper-V firewall lists and does not enforce: "
                             "%zu (status %u%s)",
                             s->n_no_force, (unsigned) s->status,
                             fits ? "" : ": they fit no interface of a guest now");
}

static void check_firewall(const HypervSight *s, Findings *f) {
        switch (s->seen) {
        case HYPERV_UNSEEN:
                host_finding(f, FINDING_UNSEEN, id, NULL, ASK_AS_ADMINISTRATOR,
                             "Windows does not say what its Hyper-V firewall does, which decides "
                             "in networking mode mirrored");
                break;
        case HYPERV_ABSENT:
                host_finding(f, FINDING_HINT, id, NULL,
                             "Networking mode mirrored needs Windows 11 22H2 or later.",
                             "This Windows has no Hyper-V firewall, like Windows 10");
                break;
        case HYPERV_PRESENT:
                check_setting(s, f);
                check_profiles(s, s->enabled == HYPERV_OFF || s->inbound == HYPERV_ALLOW, f);
                check_rules(s, f);
                host_finding(f, FINDING_GOOD, id, NULL, NULL,
                             "The Hyper-V firewall was looked at (rules of ours in it: %zu)",
                             s->n_rules);
                break;
        }
}

void direct_checks_run(const HostEvidence *e, const Measured *m, Findings *f) {
        if (m->n_mirrored == 0)
                return;
        if (e->hyperv)
                check_firewall(e->hyperv, f);
        else if (e->hyperv_error == -ETIMEDOUT)
                host_finding(f, FINDING_PROBLEM, id, NULL, RESTART_IF, "WMI does not answer");
        /* WSL turns it on for this mode whatever the file says (fact 5.2.7). */
        if (e->wsl_firewall == SEEN_NO)
                host_finding(f, FINDING_HINT, "wsl-firewall", NULL,
                             "To open a port, write a drop-in in the guest instead.",
                             "firewall=false in .wslconfig has no effect in networking mode "
                             "mirrored: WSL keeps the Hyper-V firewall on");
}
