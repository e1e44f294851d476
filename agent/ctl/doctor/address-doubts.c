/* SPDX-License-Identifier: MIT */

/*
 * Checks of the guest's doctor about an address that was the best one left, although it may not be
 * the right one, or not for long.
 */

#include "agent/ctl/doctor/guest-checks-private.h"

#include <string.h>

/* Only an IPv4 address can stand there. */
static void advise_choice(const Report *r, Buffer *advice) {
        bool v4 = *r->v4.address;

        buffer_printf(advice,
                      "If ports do not work, name %s in /etc/wslbridge/agent.conf ('ip address' "
                      "shows all):\n"
                      "  [agent]\n"
                      "  interface = %s",
                      v4 ? "the address that the host reaches, or its interface,"
                         : "the interface that the host reaches",
                      v4 ? r->v4.address : r->interface);
}

void check_address_doubts(const Report *r, Findings *f) {
        static const struct {
                const char *name, *advice;
        } doubts[] = {
                {"second-best", "Look at 'ip address': why has the interface of the virtual switch "
                                "no address? The switch gives one by DHCP. "},
                {"deprecated", "Look at 'ip address' for 'deprecated': renew the lease, or remove "
                               "'preferred_lft 0' from the address. "},
                {"alias", "Give the interface an address of its own that lasts. "},
                {"ambiguous", ""},
                {"other-table", "The agent has found the way out in 'ip route show table all'. "},
        };
        const ReportAddress *a = *r->v4.address ? &r->v4 : &r->v6;

        if (!*a->address)
                return;
        for (size_t i = 0; i < ELEMENTSOF(doubts); i++) {
                Finding *x;

                if (strcmp(doubts[i].name, r->address_problem_name) != 0)
                        continue;
                x = findings_add(f, FINDING_HINT, "address-doubtful", NULL);
                buffer_printf(&x->seen, "The host forwards to %s on %s, the best address left: %s",
                              a->address, r->interface, r->address_problem);
                buffer_printf(&x->advice, "%s", doubts[i].advice);
                advise_choice(r, &x->advice);
        }
}

/* As with an exit node of Tailscale: a rule that comes before the table main leads all into a
 * tunnel, also answers to the neighbour from whom a connection has come. */
void check_way_out(const GuestEvidence *e, Findings *f) {
        const Report *r = e->report;
        Finding *x;

        if (!*e->way_out || !*r->interface || strcmp(e->way_out, r->interface) == 0)
                return;
        x = findings_add(f, FINDING_PROBLEM, "replies-elsewhere", NULL);
        buffer_printf(&x->seen,
                      "What this guest answers the host leaves by %s, and not by %s, on which the "
                      "host waits for it: the routes or rules ('ip rule') of another program lead "
                      "there. So connections to services time out, although they may be active",
                      e->way_out, r->interface);
        if (strncmp(e->way_out, "tailscale", strlen("tailscale")) == 0)
                buffer_printf(&x->advice, "Let Tailscale leave local networks out of the tunnel. "
                                          "The second command then shows the way:\n"
                                          "  sudo tailscale set --exit-node-allow-lan-access=true");
        else
                buffer_printf(&x->advice,
                              "Let the VPN, or whatever has made %s, leave local networks out; "
                              "many have a setting for that. This command then shows the way:",
                              e->way_out);
        buffer_printf(&x->advice, "\n  ip route get %s from %s", r->v4.gateway, r->v4.address);
}
