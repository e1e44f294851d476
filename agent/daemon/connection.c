/* SPDX-License-Identifier: MIT */

/* The channel's callbacks, pushing the state; see agent-internal.h. */

#include "agent/daemon/agent-private.h"

#include <errno.h>
#include <string.h>

#define OUTAGE_REFUSED_SHIFT 16 /* bits of 'outage': causes below, codes of a refusal above */

/*
 * The helper's limits do not allow what is configured. The session goes on, so that a smaller
 * configuration can be pushed. Until then the helper is asked for nothing: what it was asked for
 * before would keep pointing to an address that may be another guest's by then.
 */
static int agent_push_none(Agent *a, WireState *state) {
        const WireChallenge *challenge = channel_challenge(a->channel);
        int r;

        state->n_services = state->n_listens = state->n_remotes = 0;
        r = channel_push(a->channel, state, &a->sequence);
        if (r < 0)
                return r;
        a->unanswered = false; /* no service to be answered for */
        a->event_usec = 0;
        journal_line(&a->log, LOG_ERR,
                     "The configuration cannot be sent: it has %u endpoints, the helper takes %u; "
                     "narrow ranges or turn services off with 'enabled = no'",
                     (unsigned) wire_state_endpoints(&a->config->wire),
                     (unsigned) challenge->endpoints_max);
        agent_report_later(a);
        return agent_all_services(a, WIRE_SERVICE_INVALID, WIRE_REASON_NONE,
                                  "all services together have more endpoints than the helper "
                                  "takes; turn some off");
}

int agent_push(Agent *a, uint64_t event_usec) {
        WireState state;
        int r;

        if (!a->channel || !a->choice_known)
                return 0;
        state = a->config->wire; /* arrays stay the configuration's */
        state.mode = a->facts.mode;
        memcpy(state.interface, a->choice.interface, sizeof(state.interface));
        wire_text_clean(state.interface, WIRE_INTERFACE_MAX); /* the kernel allows any bytes */
        if (agent_forwards(a)) { /* else the addresses are the host's own, and no business here */
                state.v4 = a->choice.v4;
                state.v6 = a->choice.v6;
        }
        r = channel_push(a->channel, &state, &a->sequence);
        switch (r) {
        case 0:
                a->unanswered = true;
                a->event_usec = event_usec;
                return 0;
        case -EAGAIN: /* pushed by agent_on_drained() */
                a->pending_usec = event_usec;
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

static int agent_on_ready(void *userdata) {
        Agent *a = userdata;
        const WireChallenge *challenge = channel_challenge(a->channel);
        int r;

        r = agent_push(a, 0);
        if (r < 0)
                return r;
        a->outage = 0;
        a->helper.state = CHANNEL_READY;
        a->helper.since = status_time_now();
        a->helper.failed = false;
        memcpy(a->helper.software, challenge->software, sizeof(a->helper.software));
        journal_fields(&a->log, LOG_NOTICE,
                       FIELDS(.id = MESSAGE_HELPER_UP, .state = channel_state_name(CHANNEL_READY)),
                       "Connected to the helper at %s (%s)%s", a->helper.address,
                       a->helper.software, a->paired ? "" : ", not paired");
        agent_ask_mode_later(a); /* the host may have restarted its network meanwhile */
        agent_report_later(a);
        return 0;
}

/* A wake-up that was not made for it. */
static int agent_on_heard(void *userdata) {
        agent_check_ports_sometimes(userdata);
        return 0;
}

static int agent_on_drained(void *userdata) {
        Agent *a = userdata;

        return agent_push(a, a->pending_usec);
}

static int agent_on_result(void *userdata, WireResult *result) {
        return agent_take_result(userdata, result);
}

static const char *refusal_advice(uint16_t code) {
        switch ((WireRefusal) code) {
        case WIRE_REFUSAL_NOT_PAIRED:
        case WIRE_REFUSAL_BAD_PROOF:
                return "pair this guest on Windows, then restart wslbridge-agent";
        case WIRE_REFUSAL_VERSION:
                return "update the older of the two";
        case WIRE_REFUSAL_POLICY:
                return "ask the Windows administrator";
        case WIRE_REFUSAL_BUSY:
        case WIRE_REFUSAL_INTERNAL:
        case _WIRE_REFUSAL_END:
                break;
        }
        return "trying again";
}

static void agent_log_down(Agent *a, const ChannelDown *down) {
        const char *state = channel_cause_name(down->cause);
        JournalFields fields = {.id = MESSAGE_HELPER_DOWN, .state = state, .error = down->error};

        switch (down->cause) {
        case CHANNEL_NO_VSOCK:
                journal_fields(
                        &a->log, LOG_WARNING, &fields,
                        "This kernel has no AF_VSOCK way to a host (%s): not a Hyper-V guest, "
                        "or its module is not loaded (run 'modprobe hv_sock'); trying again "
                        "now and then",
                        down->text);
                break;
        case CHANNEL_UNREACHABLE:
                journal_fields(&a->log, LOG_WARNING, &fields,
                               "The helper at %s is not there: %s; check that it runs on Windows; "
                               "trying until it answers",
                               a->helper.address, down->text);
                break;
        case CHANNEL_REFUSED:
                fields.id = MESSAGE_HELPER_REFUSED;
                journal_fields(
                        &a->log, LOG_WARNING, &fields, "The helper refuses this agent (%s): %s; %s",
                        wire_refusal_name(down->code), down->text, refusal_advice(down->code));
                break;
        case CHANNEL_GOODBYE:
                journal_fields(&a->log, LOG_NOTICE, &fields,
                               "The helper said goodbye (%s): %s; trying again",
                               wire_bye_name(down->code), down->text);
                break;
        case CHANNEL_LOST:
        case CHANNEL_SILENT:
        case CHANNEL_VIOLATION:
                journal_fields(&a->log, LOG_WARNING, &fields,
                               "%s the helper (%s): %s; trying again",
                               down->was_ready ? "Lost" : "No session with", state, down->text);
                break;
        case _CHANNEL_CAUSE_END:
                break;
        }
}

/* Each kind of failure is logged once between two sessions, and that nobody listens only when
 * nothing was said about the outage before. */
static bool agent_is_news(Agent *a, const ChannelDown *down) {
        uint32_t bit = 1u << down->cause;

        if (down->cause == CHANNEL_REFUSED && down->code < 32 - OUTAGE_REFUSED_SHIFT)
                bit = 1u << (OUTAGE_REFUSED_SHIFT + down->code);
        if ((a->outage & bit) || (down->cause == CHANNEL_UNREACHABLE && a->outage))
                return false;
        a->outage |= bit;
        return true;
}

static int agent_on_down(void *userdata, const ChannelDown *down) {
        Agent *a = userdata;
        bool news = agent_is_news(a, down);
        bool same = a->helper.failed && !down->was_ready && a->helper.error.cause == down->cause &&
                    a->helper.error.code == down->code &&
                    strcmp(a->helper.error.text, down->text) == 0;

        a->helper.state = CHANNEL_WAITING;
        a->helper.failed = true;
        a->helper.error = *down;
        a->sequence = 0;
        a->unanswered = false;
        a->event_usec = 0;
        if (news)
                agent_log_down(a, down);
        agent_check_ports_sometimes(a);
        if (same)
                return 0;
        if (down->was_ready)
                a->helper.since = status_time_now();
        agent_report_later(a);
        return agent_unanswered_services(a);
}

int agent_new_channel(Agent *a) {
        const ChannelHandler handler = {
                .userdata = a,
                .on_ready = agent_on_ready,
                .on_drained = agent_on_drained,
                .on_result = agent_on_result,
                .on_down = agent_on_down,
                .on_heard = agent_on_heard,
        };
        int r = channel_new(&a->channel, a->event, &handler);

        return r < 0 ? r : agent_connect(a);
}
