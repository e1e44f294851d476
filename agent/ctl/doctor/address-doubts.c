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
