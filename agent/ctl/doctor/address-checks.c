/* SPDX-License-Identifier: MIT */

/*
 * Conclusions about the guest's address, and which interface to name in agent.conf.
 */

#include "agent/ctl/doctor/containers.h"
#include "agent/ctl/doctor/guest-checks-private.h"

#include <string.h>

static bool any_active(const Report *r) {
        for (size_t i = 0; r->connected && i < r->n_services; i++)
                if (strcmp(r->services[i].state, "active") == 0)
                        return true;
        return false;
}

/* The best interface apart from the present one: one of Hyper-V's, then that of the default route.
 * Return: NULL = there is no other. */
static const ReportCandidate *other_candidate(const GuestEvidence *e) {
        const Report *r = e->report;
        const char *present = *e->config->interface ? e->config->interface : r->interface;
        const ReportCandidate *best = NULL;
        int best_points = -1;

        for (size_t i = 0; i < r->n_candidates; i++) {
                const ReportCandidate *c = &r->candidates[i];
                int points = (c->vmbus ? 2 : 0) + (c->default_route ? 1 : 0);

                /* 'interface =' may have the address instead of the name */
                if (strcmp(c->interface, present) != 0 && strcmp(c->address, present) != 0 &&
                    !container_interface(c->interface) && points > best_points) {
                        best = c;
                        best_points = points;
                }
        }
        return best;
}

void advise_interface(const GuestEvidence *e, Buffer *advice) {
        const ReportCandidate *other = other_candidate(e);
        const char *line = e->config->interface;

        if (other && *line)
                buffer_printf(advice,
                              "Replace 'interface = %s' in /etc/wslbridge/agent.conf. Another "
                              "interface has the address %s:\n"
                              "  [agent]\n"
                              "  interface = %s",
                              line, other->address, other->interface);
        else if (other)
                buffer_printf(advice,
                              "Name the interface in /etc/wslbridge/agent.conf; this one has the "
                              "address %s:\n"
                              "  [agent]\n"
                              "  interface = %s",
                              other->address, other->interface);
        else if (*line)
                buffer_printf(advice,
                              "Correct 'interface = %s' in /etc/wslbridge/agent.conf, or remove "
                              "that line; 'ip address' shows the interfaces.",
                              line);
        else
                buffer_printf(advice, "No other interface could be it. 'ip address' and 'ip "
                                      "route' show what there is. The virtual switch gives an "
                                      "address by DHCP; WSL sets one at the start.");
}

static void check_address(const GuestEvidence *e, Findings *f) {
        const Report *r = e->report;
        const ReportAddress *a = *r->v4.address ? &r->v4 : &r->v6;
        bool active = any_active(r);
        Finding *x;

        if (!*a->address) {
                x = findings_add(f, FINDING_BROKEN, "no-address", NULL);
                buffer_printf(&x->seen, "The guest has no address%s%s",
                              *r->address_problem ? ": " : "", r->address_problem);
                advise_interface(e, &x->advice);
        } else if (strcmp(r->address_problem_name, "off-link") == 0) {
                /* The host has judged the address; what the guest sees is only a rule of thumb. */
                x = findings_add(f, active ? FINDING_HINT : FINDING_BROKEN, "off-link", NULL);
                buffer_printf(&x->seen,
                              "The guest's address looks as if it were outside the network of the "
                              "virtual switch (address %s/%u on %s, gateway %s): %s",
                              a->address, a->prefix, r->interface,
                              *a->gateway ? a->gateway : "none", r->address_problem);
                if (active)
                        buffer_printf(&x->advice, "If the services can be reached, no action is "
                                                  "needed: the host has accepted the address. "
                                                  "Otherwise remove the address, and let the "
                                                  "switch give one (DHCP).");
                else
                        buffer_printf(&x->advice,
                                      "Somebody has set a static address, and the virtual switch "
                                      "drops traffic from outside its own network. Remove the "
                                      "address, and let the switch give one (DHCP).");
        }
}

/* With a single adapter of Hyper-V there is no doubt, even if Docker and VPNs have added others. */
static void check_candidates(const GuestEvidence *e, Findings *f) {
        const Report *r = e->report;
        size_t n_vmbus = 0, n_default = 0;
        Finding *x;

        for (size_t i = 0; i < r->n_candidates; i++) {
                n_vmbus += r->candidates[i].vmbus;
                n_default += r->candidates[i].default_route;
        }
        if (r->n_candidates < 2 || *e->config->interface || n_vmbus == 1 ||
            (n_vmbus == 0 && n_default == 1))
                return;
        x = findings_add(f, FINDING_HINT, "candidates", NULL);
        buffer_printf(&x->seen, "Several interfaces could be the one to forward to: ");
        for (size_t i = 0; i < r->n_candidates; i++)
                buffer_printf(&x->seen, "%s%s %s%s", i > 0 ? ", " : "", r->candidates[i].interface,
                              r->candidates[i].address,
                              r->candidates[i].default_route ? " (default route)" : "");
        buffer_printf(&x->seen, "; the agent has chosen %s", *r->interface ? r->interface : "none");
        buffer_printf(&x->advice, "If another one is on the virtual switch: ");
        advise_interface(e, &x->advice);
}

void address_checks_run(const GuestEvidence *e, Findings *f) {
        check_address(e, f);
        check_address_doubts(e->report, f);
        check_way_out(e, f);
        check_candidates(e, f);
}
