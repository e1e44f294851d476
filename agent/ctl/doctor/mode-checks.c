/* SPDX-License-Identifier: MIT */

/*
 * Conclusions about WSL's networking mode, in which the ports may be reached directly.
 */

#include "agent/ctl/doctor/guest-checks-private.h"

#include <string.h>

#define PORTS_SHOWN_MAX 16

/* Where other machines reach this guest itself, they reach every port that listens. */
static void add_listening(const GuestEvidence *e, const PortMap *map, const char *protocol,
                          Buffer *seen) {
        const ReportAddress *a = *e->report->v4.address ? &e->report->v4 : &e->report->v6;
        uint16_t ports[PORTS_SHOWN_MAX];
        size_t n = port_map_list(map, ports, PORTS_SHOWN_MAX);

        if (!map->known)
                return;
        buffer_printf(seen, "\n%s ports that listen at %s: %s", protocol, a->address,
                      n == 0 ? "none" : "");
        for (size_t i = 0; i < n && i < PORTS_SHOWN_MAX; i++)
                buffer_printf(seen, "%s%u", i > 0 ? ", " : "", (unsigned) ports[i]);
        if (n > PORTS_SHOWN_MAX)
                buffer_printf(seen, " and %zu more", n - PORTS_SHOWN_MAX);
}

static void check_direct(const GuestEvidence *e, Findings *f) {
        const Report *r = e->report;
        Finding *x = findings_add(f, FINDING_GOOD, "networking-mode", NULL);

        if (report_is_outside(r)) {
                buffer_printf(&x->seen, "The host sees this guest on a network of other machines");
                buffer_printf(&x->advice,
                              "If they do not reach it there, look at which virtual switch this "
                              "virtual machine is connected to, in Hyper-V Manager. On the Default "
                              "Switch, let the guest get its address by DHCP.");
        } else {
                buffer_printf(&x->seen, "WSL's networking mode is '%s'",
                              *r->mode_word ? r->mode_word : r->mode);
        }
        buffer_printf(&x->seen, ": %s", reach_meaning(report_reach(r)));
        if (strcmp(r->mode, wire_mode_name(WIRE_MODE_VIRTIOPROXY)) == 0)
                buffer_printf(&x->seen, ". If no .wslconfig and no policy asks for this mode, WSL "
                                        "has fallen back to it, because it could not make its NAT "
                                        "network; it says so when it starts");
        if (report_reach(r) == WIRE_REACH_OWN) {
                add_listening(e, e->ports, "TCP", &x->seen);
                add_listening(e, e->udp_ports, "UDP", &x->seen);
        }
}

/* WSL keeps that firewall on in this mode, whatever the file says (fact 5.2.7). */
static void check_wsl_firewall(const GuestEvidence *e, Findings *f) {
        Finding *x;

        if (!*e->firewall_off || strcmp(e->report->mode, wire_mode_name(WIRE_MODE_MIRRORED)) != 0)
                return;
        x = findings_add(f, FINDING_HINT, "wsl-firewall", NULL);
        buffer_printf(&x->seen,
                      "firewall=false in %s has no effect in networking mode mirrored: WSL keeps "
                      "the Hyper-V firewall on, and other machines reach only ports that a rule "
                      "opens",
                      e->firewall_off);
        buffer_printf(&x->advice,
                      "To open a port, add it with 'wslbridgectl expose'. Whether Windows lets "
                      "anybody in, these commands show there:\n" NAMES_HELPER_CD
                      "  .\\wslbridge-helper doctor");
}

/* WSL falls back to nat for several reasons, and a policy may choose the mode (fact 5.2.7). */
static void check_fallback(const GuestEvidence *e, Findings *f) {
        Finding *x;

        if (!*e->mirrored || strcmp(e->report->mode, wire_mode_name(WIRE_MODE_NAT)) != 0)
                return;
        x = findings_add(f, FINDING_HINT, "wsl-mirrored", NULL);
        buffer_printf(&x->seen, "%s asks for networking mode mirrored, but WSL is in mode nat",
                      e->mirrored);
        buffer_printf(&x->advice,
                      "In nat, wslbridge forwards the ports, so nothing has to be done for it. If "
                      "the file is newer than WSL's start, run 'wsl --shutdown' on Windows. "
                      "Otherwise WSL says why when it starts. Windows 10 does not have that mode: "
                      "it needs the Hyper-V firewall of Windows 11 22H2. Other reasons are a "
                      "policy, IPv6 turned off by the registry (DisabledComponents = 0xFF), a "
                      "kernel of your own that is older than 5.10 or has no seccomp, and a network "
                      "that was made without the firewall since Windows has started. For the last "
                      "one, restart Windows.");
}

static void check_mode(const GuestEvidence *e, Findings *f) {
        const Report *r = e->report;
        const char *word = *r->mode_word ? r->mode_word : r->mode;
        Finding *x;

        if (report_reach(r) != WIRE_REACH_NONE) {
                check_direct(e, f);
                check_wsl_firewall(e, f);
                return;
        }
        x = findings_add(f, FINDING_BROKEN, "networking-mode", NULL);
        buffer_printf(&x->seen,
                      "WSL's networking mode is '%s', in which there is nothing to forward to",
                      word);
        buffer_printf(&x->advice,
                      "The guest has no network at all. To give it one, add these "
                      "lines to .wslconfig on Windows, and run 'wsl --shutdown' "
                      "there:\n"
                      "  [wsl2]\n"
                      "  networkingMode=nat\n"
                      "WSL also falls back to this mode in its safe mode, and when it "
                      "cannot make the network, and says so when it starts. To read its "
                      "warning, type these on Windows:\n"
                      "  wsl.exe --shutdown\n"
                      "  wsl.exe");
}

void mode_checks_run(const GuestEvidence *e, Findings *f) {
        check_fallback(e, f);
        if (report_reach(e->report) != WIRE_REACH_FORWARDED)
                check_mode(e, f);
}
