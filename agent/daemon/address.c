/* SPDX-License-Identifier: MIT */

/*
 * The guest's address: takes the kernel's snapshots and, when the choice has changed, sends it to
 * the helper at once. Logging and everything else that takes time comes after that.
 */

#include "agent/daemon/agent-private.h"

#include <string.h>

/* @first: since the start, which is before DHCP in a boot, so no address is no problem yet. */
static void agent_log_choice(Agent *a, bool first) {
        const WireAddress *w = agent_published(a);
        const Choice *c = &a->address.choice;
        char address[IP_TEXT_MAX], gateway[IP_TEXT_MAX];

        if (!choice_has_address(c)) {
                const char *name = c->interface[0] ? c->interface : a->config.current->interface;

                journal_fields(&a->journal, first ? LOG_INFO : LOG_WARNING,
                               FIELDS(.id = first ? NULL : MESSAGE_NO_ADDRESS),
                               "No address to forward to: %s%s%s%s",
                               choice_problem_text(c->problem), *name ? " (" : "", name,
                               *name ? ")" : "");
                return;
        }
        ip_format(&w->addr, address);
        ip_format(&w->gateway, gateway);
        journal_fields(&a->journal, LOG_NOTICE, FIELDS(.id = MESSAGE_ADDRESS, .address = address),
                       "Address is %s/%u on %s, gateway %s%s", address, (unsigned) w->prefix,
                       c->interface, gateway,
                       c->vmbus_preferred ? " (the default route uses another interface)" : "");
        if (c->problem != CHOICE_OK && c->problem != CHOICE_OFF_LINK) {
                journal_fields(&a->journal, LOG_WARNING,
                               FIELDS(.id = MESSAGE_ADDRESS, .address = address),
                               "%s is the best address left: %s. To choose another one, write "
                               "'interface = ADDRESS' to /etc/wslbridge/agent.conf",
                               address, choice_problem_text(c->problem));
        } else if (c->problem == CHOICE_OFF_LINK) {
                journal_fields(
                        &a->journal, LOG_WARNING,
                        FIELDS(.id = MESSAGE_OFF_LINK, .address = address),
                        "The gateway %s is not in the subnet %s/%u: the virtual switch drops "
                        "the packets of a static address outside its own subnet",
                        gateway, address, (unsigned) w->prefix);
        }
}

/* The candidates are only shown to people, so this comes after the choice has been sent. */
static void agent_take_candidates(Agent *a, const Snapshot *snapshot) {
        Candidate candidates[SNAPSHOT_CANDIDATES_MAX];
        size_t n = snapshot_candidates(snapshot, candidates);

        if (n == a->address.n_candidates &&
            memcmp(candidates, a->address.candidates, sizeof(candidates)) == 0)
                return;
        memcpy(a->address.candidates, candidates, sizeof(candidates));
        a->address.n_candidates = n;
        agent_report_later(a);
}

static int agent_on_snapshot(NetWatch *w, const Snapshot *snapshot, uint64_t event_usec,
                             bool trailing, void *userdata) {
        Agent *a = userdata;
        bool known = a->address.known;
        bool own = agent_reach(a) == WIRE_REACH_OWN;
        Choice choice;
        int r;

        snapshot_choose(snapshot, a->config.current->interface, &choice);
        if (known) {
                if (!trailing && choice_may_pass(&a->address.choice, &choice))
                        return 0; /* believed at the end of the window, unless a better one comes */
                if (choice_equal(&choice, &a->address.choice)) {
                        agent_take_candidates(a, snapshot);
                        return 0;
                }
        }
        a->address.choice = choice;
        a->address.known = true;
        r = agent_push(a, event_usec); /* before anything slower */
        if (r < 0)
                return r;
        if (known)
                deferred_work_request(a->guest.ask_mode);
        a->address.since = status_time_now();
        agent_log_choice(a, !known);
        agent_take_candidates(a, snapshot);
        deferred_work_request(a->loopback.update);
        deferred_work_request(a->ports.check);
        agent_report_later(a);
        /* Where other machines reach it there, the address is a part of each service's state. */
        if ((own || agent_reach(a) == WIRE_REACH_OWN) &&
            channel_version(a->connection.channel) == 0)
                r = agent_set_unanswered(a);
        if (r < 0)
                return r;
        return a->connection.channel ? channel_hurry(a->connection.channel) : 0;
}

int agent_new_address(Agent *a) {
        int r = netwatch_new(&a->address.netwatch, a->event, 0, agent_on_snapshot, a);

        return r < 0 ? r : netwatch_refresh(a->address.netwatch);
}

void agent_done_address(Agent *a) {
        netwatch_free(a->address.netwatch);
}
