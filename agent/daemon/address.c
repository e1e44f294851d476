/* SPDX-License-Identifier: MIT */

/*
 * The guest's address: takes the kernel's snapshots and, when the choice has changed, sends it to
 * the helper at once. Logging and everything else that takes time comes after that.
 */

#include "agent/daemon/agent-private.h"

#include "agent/loop/timer.h"

#include <stdlib.h>
#include <string.h>

/* The agent starts before DHCP in a boot. So no address is no problem for that long. */
#define ADDRESS_PATIENCE_USEC     (30 * USEC_PER_SEC)
#define ADDRESS_PATIENCE_VARIABLE "WSLBRIDGE_ADDRESS_PATIENCE_MS"

static void agent_log_choice(Agent *a) {
        const WireAddress *w = agent_published(a);
        const Choice *c = &a->address.choice;
        char address[IP_TEXT_MAX], gateway[IP_TEXT_MAX];

        if (!choice_has_address(c)) {
                const char *name = c->interface[0] ? c->interface : a->config.current->interface;

                journal_fields(&a->journal, a->address.early ? LOG_INFO : LOG_WARNING,
                               FIELDS(.id = a->address.early ? NULL : MESSAGE_NO_ADDRESS),
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
                               "'interface = %s' to /etc/wslbridge/agent.conf",
                               address, choice_problem_text(c->problem),
                               w->addr.family == IP_FAMILY_V4 ? "ADDRESS" : "NAME");
        } else if (c->problem == CHOICE_OFF_LINK) {
                journal_fields(
                        &a->journal, LOG_WARNING,
                        FIELDS(.id = MESSAGE_OFF_LINK, .address = address),
                        "The gateway %s is not in the subnet %s/%u: the virtual switch drops "
                        "the packets of a static address outside its own subnet",
                        gateway, address, (unsigned) w->prefix);
        }
}

static int agent_on_no_address(sd_event_source *s, uint64_t usec, void *userdata) {
        Agent *a = userdata;

        if (!a->address.early)
                return 0;
        a->address.early = false;
        agent_log_choice(a);
        return 0;
}

/* A first look without an address begins the time in which it is no problem; an address ends it. */
static int agent_await_address(Agent *a, bool first) {
        const char *text = getenv(ADDRESS_PATIENCE_VARIABLE);
        int r = 0;

        a->address.early = (first || a->address.early) && !choice_has_address(&a->address.choice);
        if (first && a->address.early)
                r = loop_timer_start(a->address.patience,
                                     text ? strtoull(text, NULL, 10) * USEC_PER_MSEC
                                          : ADDRESS_PATIENCE_USEC);
        return r < 0 ? r : 0;
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
        bool known = a->address.known, sent;
        bool own = agent_reach(a) == WIRE_REACH_OWN;
        const DoubtLook look = {
                .now_usec = now_usec(), .trailing = trailing, .asked = a->address.asked};
        Choice choice;
        int r;

        snapshot_choose(snapshot, a->config.current->interface, &choice);
        if (known) {
                if (doubt_look(&a->address.doubt, &a->address.choice, &choice, &look))
                        return 1; /* believed later, unless a better one comes */
                if (choice_equal(&choice, &a->address.choice)) {
                        agent_take_candidates(a, snapshot);
                        return 0;
                }
        }
        sent = known && choice_same_state(&choice, &a->address.choice);
        a->address.choice = choice;
        a->address.known = true;
        r = sent ? 0 : agent_push(a, event_usec); /* before anything slower */
        if (r < 0)
                return r;
        if (known)
                deferred_work_request(a->guest.ask_mode);
        a->address.since = status_time_now();
        r = agent_await_address(a, !known);
        if (r < 0)
                return r;
        agent_log_choice(a);
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
        int r = loop_timer_new(a->event, USEC_PER_SEC, agent_on_no_address, a,
                               &a->address.patience);

        if (r >= 0)
                r = netwatch_new(&a->address.netwatch, a->event, 0, agent_on_snapshot, a);
        return r < 0 ? r : netwatch_refresh(a->address.netwatch);
}

int agent_refresh_address(Agent *a) {
        int r;

        a->address.asked = true;
        r = netwatch_refresh(a->address.netwatch);
        a->address.asked = false;
        return r;
}

void agent_done_address(Agent *a) {
        netwatch_free(a->address.netwatch);
        sd_event_source_unref(a->address.patience);
}
