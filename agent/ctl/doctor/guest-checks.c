/* SPDX-License-Identifier: MIT */

/*
 * All checks of the guest's doctor, and the ids of what they can find.
 */

#include "agent/ctl/doctor/guest-checks-private.h"

const char *const guest_finding_ids[] = {
        "wsl-1",
        "no-hyperv",
        "no-vsock",
        "no-systemd",
        "agent-absent",
        "agent-masked",
        "agent-unit",
        "agent-skipped",
        "agent-failed",
        "agent-crashing",
        "agent-mute",
        "agent-changing",
        "agent-stopped",
        "status-bad",
        "wsl-silent",
        "drive-silent",
        "networking-mode",
        "no-address",
        "off-link",
        "replies-elsewhere",
        "key-problem",
        "not-paired",
        "bad-key",
        "not-admitted",
        "helper-silent",
        "helper-unanswered",
        "config-stale",
        "config-problem",
        "service-invalid",
        "service-refused",
        "service-conflict",
        "service-blocked",
        "service-withdrawn",
        "service-pending",
        "loopback",
        "port-loopback",
        "port-silent",
        "port-container",
        "guest-firewall",
        "service-unreachable",
        "service-firewall",
        "address-doubtful",
        "candidates",
        "wsl-firewall",
        "wsl-mirrored",
        "idle-stop",
        "forwarder",
        NULL,
};

void guest_checks_run(const GuestEvidence *e, Findings *ret) {
        Findings f = FINDINGS_NULL(guest_finding_ids);

        system_checks_run(e, &f);
        if (!e->wsl1) { /* there, whatever else is missing is an effect */
                helper_checks_run(e, &f);
                service_checks_run(e, &f);
                firewall_checks_run(e, &f);
        }
        findings_finish(&f);
        *ret = f;
}
