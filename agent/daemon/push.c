/* SPDX-License-Identifier: MIT */

/*
 * Sends the STATE that the agent wants, and takes the RESULT.
 *
 * A RESULT has the sequence number of its STATE, and only the RESULT for the newest STATE counts.
 * The time from the kernel's event to that RESULT is the latency that status.json shows.
 */

#include "agent/daemon/agent-private.h"

#include "protocol/wire/wire-options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * The helper's limits do not allow what is configured. The session goes on, so that a smaller
 * configuration can be sent later. Until then the helper is asked for nothing, because the rules
 * from before would keep pointing to an address that another guest may have by then.
 */
static int agent_push_none(Agent *a, WireState *state) {
        const WireChallenge *challenge = channel_challenge(a->connection.channel);
        int r;

        state->n_services = state->n_listens = state->n_remotes = 0;
        r = channel_push(a->connection.channel, state, &a->push.sequence);
        if (r < 0)
                return r;
        a->push.unanswered = false;      /* the answer will have no services */
        a->push.n_sent = AGENT_NOT_SENT; /* … and does not count */
        a->push.event_usec = 0;
        journal_line(
                &a->journal, LOG_ERR,
                "Cannot send the configuration: it has %u endpoints, but the helper accepts only "
                "%u; narrow port ranges, or turn services off with 'enabled = no'",
                (unsigned) wire_state_endpoints(&a->config.current->wire),
                (unsigned) challenge->endpoints_max);
        agent_report_later(a);
        return agent_set_all_services(a, WIRE_SERVICE_INVALID, WIRE_REASON_NONE,
                                      "all services together have more endpoints than the helper "
                                      "accepts; turn some off");
}

/*
 * Left out are services that the helper's version of the protocol cannot say, because without what
 * it does not know, it would carry them in another way; and those that cannot be carried on in this
 * guest, because their ports would be opened for nothing.
 */
static bool agent_sends(const WireService *service, uint8_t version, uint8_t mode) {
        ModeState unused;

        return (version >= WIRE_VERSION_FIELDS ||
                wire_option_beyond_v1(service) == _WIRE_OPTION_END) &&
               !mode_stops_loopback(wire_mode_reach(mode), mode, service, &unused);
}

/* @ret_services: owned by the caller; NULL when the services of @state are all sent. */
static int agent_leave_out(Agent *a, WireState *state, WireService **ret_services) {
        const WireChallenge *challenge = channel_challenge(a->connection.channel);
        uint8_t version = challenge ? challenge->version : WIRE_VERSION_FIELDS;
        uint32_t n = state->n_services, n_sent = 0;

        free(a->push.sent_as);
        a->push.sent_as = NULL;
        a->push.n_sent = n;
        *ret_services = NULL;
        while (n_sent < n && agent_sends(&state->services[n_sent], version, state->mode))
                n_sent++;
        if (n_sent == n)
                return 0;
        *ret_services = calloc(n, sizeof(**ret_services));
        a->push.sent_as = calloc(n, sizeof(*a->push.sent_as));
        if (!*ret_services || !a->push.sent_as)
                return -ENOMEM;
        a->push.n_sent = 0;
        for (uint32_t i = 0; i < n; i++) {
                bool sent = agent_sends(&state->services[i], version, state->mode);

                a->push.sent_as[i] = sent ? a->push.n_sent : AGENT_NOT_SENT;
                if (sent)
                        (*ret_services)[a->push.n_sent++] = state->services[i];
        }
        state->services = *ret_services;
        state->n_services = a->push.n_sent;
        return 0;
}

/* Where the addresses are the host's own, the helper needs none. */
static bool agent_has_own_address(const Agent *a) {
        uint8_t mode = a->guest.answers.mode;
        WireReach reach = wire_mode_reach(mode);

        return (reach == WIRE_REACH_FORWARDED || reach == WIRE_REACH_OWN) &&
               wire_mode_is_served(mode, channel_version(a->connection.channel));
}

int agent_push(Agent *a, uint64_t event_usec) {
        _cleanup_free_ WireService *services = NULL;
        WireState state;
        int r;

        if (!a->connection.channel || !a->address.known)
                return 0;
        agent_outdate_push(a); /* what comes before this state is sent is about an older one */
        state = a->config.current->wire; /* the arrays still belong to the configuration */
        state.mode = a->guest.answers.mode;
        memcpy(state.interface, a->address.choice.interface, sizeof(state.interface));
        wire_text_clean(state.interface, WIRE_INTERFACE_MAX); /* the kernel allows any bytes */
        if (agent_has_own_address(a)) {
                state.v4 = a->address.choice.v4;
                state.v6 = a->address.choice.v6;
        }
        r = agent_leave_out(a, &state, &services);
        if (r == 0)
                r = channel_push(a->connection.channel, &state, &a->push.sequence);
        switch (r) {
        case 0:
                a->push.unanswered = true;
                a->push.event_usec = event_usec;
                return 0;
        case -EAGAIN: /* pushed by agent_on_drained() */
                a->push.pending_usec = event_usec;
                return 0;
        case -ENOTCONN: /* pushed by agent_on_ready() */
                return 0;
        case -E2BIG:
        case -EMSGSIZE:
                return agent_push_none(a, &state);
        default: /* errno values, not an enum of ours */
                return r;
        }
}

static void agent_log_result(Agent *a, uint64_t usec, size_t n_active) {
        char latency[64] = "";

        if (a->journal.level < LOG_INFO || !agent_may_log(a))
                return;
        if (a->push.event_usec) {
                (void) snprintf(latency, sizeof(latency), ", %llu us after the change",
                                (unsigned long long) usec);
        }
        journal_line(&a->journal, LOG_INFO,
                     "The helper has applied the state: %zu of %u services active%s", n_active,
                     (unsigned) a->config.current->wire.n_services, latency);
}

/* Whatever goes by the way on which others reach this guest. A helper of version 1 cannot say it.
 */
static void agent_take_place(Agent *a, uint8_t place) {
        if (channel_version(a->connection.channel) < WIRE_VERSION_FIELDS) {
                deferred_work_request(a->loopback.update); /* says that it is missing */
                return;
        }
        if (!agent_set_place(a, place))
                return;
        if (agent_reach(a) == WIRE_REACH_OWN && agent_may_log(a))
                journal_fields(&a->journal, LOG_NOTICE, FIELDS(.id = MESSAGE_NO_ADDRESS),
                               "The host sees this guest on a network of other machines: %s",
                               reach_meaning(WIRE_REACH_OWN));
        deferred_work_request(a->loopback.update);
        deferred_work_request(a->ports.check);
        agent_report_later(a);
}

int agent_take_result(Agent *a, const WireResult *result) {
        uint64_t usec = now_usec();
        size_t n_active = 0;
        bool changed = false;
        int r;

        /* An answer to an older STATE may not even be about the same services. The answer to the
         * newest one follows. */
        if (result->sequence != a->push.sequence || result->n_services != a->push.n_sent)
                return 0;
        agent_take_place(a, result->place);
        r = agent_set_results(a, result, &changed, &n_active);
        if (r < 0)
                return r;
        if (a->push.unanswered) {
                agent_log_result(a, usec - a->push.event_usec, n_active);
                if (a->push.event_usec) {
                        a->push.update_usec = usec - a->push.event_usec;
                        a->push.apply_usec = result->apply_usec;
                        changed = true;
                }
                a->push.unanswered = false;
                a->push.event_usec = 0;
        }
        deferred_work_request(a->ports.check);
        if (changed)
                agent_report_later(a);
        return 0;
}

void agent_outdate_push(Agent *a) {
        a->push.sequence = 0;
}

void agent_forget_push(Agent *a) {
        a->push.sequence = 0;
        a->push.unanswered = false;
        a->push.event_usec = 0;
}

void agent_done_push(Agent *a) {
        free(a->push.sent_as);
}
