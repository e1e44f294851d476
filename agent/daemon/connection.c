/* SPDX-License-Identifier: MIT */

/* The connection to the helper as the daemon sees it: the pairing key, the callbacks of the
 * channel, and what the log says about an outage. */

#include "agent/daemon/agent-private.h"
#include "agent/daemon/port-news.h"

#include "common/names.h"

#include "agent/channel/key.h"

#include "protocol/session/session.h"

#include <errno.h>
#include <string.h>

#define OUTAGE_REFUSED_SHIFT 16 /* bits of 'outage': causes below, refusal codes above */

static int agent_on_ready(void *userdata) {
        Agent *a = userdata;
        StatusHelper *helper = &a->connection.helper;
        const WireChallenge *challenge = channel_challenge(a->connection.channel);
        int r;

        r = agent_push(a, 0);
        if (r < 0)
                return r;
        /* That the helper answers nothing is news once, however many sessions it takes. */
        a->connection.outage =
                helper->unanswered_since.realtime_usec ? 1u << CHANNEL_UNANSWERED : 0;
        helper->state = CHANNEL_READY;
        helper->since = status_time_now();
        helper->failed = false;
        memcpy(helper->software, challenge->software, sizeof(helper->software));
        if (agent_may_log(a))
                journal_fields(
                        &a->journal, LOG_NOTICE,
                        FIELDS(.id = MESSAGE_HELPER_UP, .state = channel_state_name(CHANNEL_READY)),
                        "Connected to the helper at %s (%s)%s", helper->address, helper->software,
                        a->connection.paired ? "" : ", not paired");
        deferred_work_request(a->guest.ask_mode); /* the host may have restarted its network */
        agent_report_later(a);
        return 0;
}

/* The agent is awake anyway, so looking at the ports costs no wake-up of its own. */
static int agent_on_heard(void *userdata) {
        Agent *a = userdata;

        deferred_work_request_spaced(a->ports.check, PORT_NEWS_PAUSE_USEC);
        return 0;
}

static int agent_on_drained(void *userdata) {
        Agent *a = userdata;

        return agent_push(a, a->push.pending_usec);
}

static int agent_on_result(void *userdata, WireResult *result) {
        Agent *a = userdata;

        if (a->connection.helper.unanswered_since.realtime_usec) {
                a->connection.helper.unanswered_since = (StatusTime){0};
                a->connection.outage = 0;
                agent_report_later(a);
        }
        return agent_take_result(a, result);
}

static const char *refusal_advice(uint16_t code) {
        switch ((WireRefusal) code) {
        case WIRE_REFUSAL_NOT_PAIRED:
        case WIRE_REFUSAL_BAD_PROOF:
                return "pair this guest on Windows, then restart wslbridge-agent";
        case WIRE_REFUSAL_VERSION:
                return "update the older of the two programs";
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
                        &a->journal, LOG_WARNING, &fields,
                        "This kernel has no AF_VSOCK connection to a host (%s): this is not a "
                        "Hyper-V guest, or the module is not loaded (run 'modprobe hv_sock'); "
                        "trying again from time to time",
                        down->text);
                break;
        case CHANNEL_UNREACHABLE:
                journal_fields(&a->journal, LOG_WARNING, &fields,
                               "Cannot reach the helper at %s: %s; check that it is running on "
                               "Windows; trying again until it answers",
                               a->connection.helper.address, down->text);
                break;
        case CHANNEL_REFUSED:
                fields.id = MESSAGE_HELPER_REFUSED;
                journal_fields(&a->journal, LOG_WARNING, &fields,
                               "The helper refuses this agent (%s): %s; %s",
                               wire_refusal_name(down->code), down->text,
                               refusal_advice(down->code));
                break;
        case CHANNEL_GOODBYE:
                journal_fields(&a->journal, LOG_NOTICE, &fields,
                               "The helper ended the session (%s): %s; trying again",
                               wire_bye_name(down->code), down->text);
                break;
        case CHANNEL_UNANSWERED:
                journal_fields(&a->journal, LOG_WARNING, &fields,
                               "The helper is connected but does not say what became of our "
                               "services (%s); starting a new session. On Windows, run "
                               "'.\\wslbridge-helper doctor' in " NAMES_HELPER_FOLDER,
                               down->text);
                break;
        case CHANNEL_LOST:
        case CHANNEL_SILENT:
        case CHANNEL_VIOLATION:
                journal_fields(&a->journal, LOG_WARNING, &fields,
                               "%s the helper (%s): %s; trying again",
                               down->was_ready ? "Lost" : "No session with", state, down->text);
                break;
        case _CHANNEL_CAUSE_END:
                break;
        }
}

/* Each kind of failure is logged once between two sessions. An unreachable helper is logged only
 * when nothing else was logged about this outage. */
static bool agent_is_news(Agent *a, const ChannelDown *down) {
        uint32_t bit = 1u << down->cause;

        if (down->cause == CHANNEL_REFUSED && down->code < 32 - OUTAGE_REFUSED_SHIFT)
                bit = 1u << (OUTAGE_REFUSED_SHIFT + down->code);
        if ((a->connection.outage & bit) ||
            (down->cause == CHANNEL_UNREACHABLE && a->connection.outage))
                return false;
        a->connection.outage |= bit;
        return true;
}

static int agent_on_down(void *userdata, const ChannelDown *down) {
        Agent *a = userdata;
        StatusHelper *helper = &a->connection.helper;
        bool news = agent_is_news(a, down);
        bool same = helper->failed && !down->was_ready && helper->error.cause == down->cause &&
                    helper->error.code == down->code && strcmp(helper->error.text, down->text) == 0;

        helper->state = CHANNEL_WAITING;
        helper->failed = true;
        helper->error = *down;
        if (down->cause == CHANNEL_UNANSWERED && !helper->unanswered_since.realtime_usec)
                helper->unanswered_since = status_time_now();
        else if (!down->was_ready) /* it does not even take connections now, which is worse */
                helper->unanswered_since = (StatusTime){0};
        agent_forget_push(a);
        if (news && agent_may_log(a))
                agent_log_down(a, down);
        deferred_work_request_spaced(a->ports.check, PORT_NEWS_PAUSE_USEC);
        if (same)
                return 0;
        if (down->was_ready)
                helper->since = status_time_now();
        agent_report_later(a);
        return agent_set_unanswered(a);
}

/* Load the key. A problem with it is logged once. A new key of the service is none: 'wslbridgectl
 * pair' restarts the service in a moment. */
static int agent_load_key(Agent *a, uint8_t ret_key[WIRE_KEY_SIZE]) {
        _cleanup_free_ char *problem = NULL;
        int r;

        r = key_load(a->config.root, getenv("CREDENTIALS_DIRECTORY"), ret_key, &problem);
        if (r < 0)
                return r;
        if (problem &&
            (!a->connection.key_problem || strcmp(a->connection.key_problem, problem) != 0))
                journal_fields(&a->journal, r == KEY_E_LATER ? LOG_NOTICE : LOG_WARNING,
                               FIELDS(.id = r == KEY_E_LATER ? NULL : MESSAGE_KEY_PROBLEM), "%s",
                               problem);
        free(a->connection.key_problem);
        a->connection.key_problem = TAKE_PTR(problem);
        a->connection.key_unread = r == KEY_E_UNREAD;
        if (!a->connection.key_unread) /* else what was so is so still */
                a->connection.paired = r == 0;
        return 0;
}

/* The channel stays idle until it is known who this guest is and which networking mode it has.
 * WSL's tools mostly answer within milliseconds, and then agent_on_answers() calls this again.
 * Until then the guest has no reason to ask for a rule. A connection also stays as it is while the
 * key cannot be read. */
static int agent_configure_channel(Agent *a, const uint8_t *key) {
        if (!wsl_settled(a->guest.wsl) || a->connection.key_unread)
                return 0;
        return channel_configure(a->connection.channel, &a->config.current->helper,
                                 &a->guest.identity, key);
}

/* Read once more what could not be read or watched, for a reason that passes without an event. */
static int agent_plan_again(Agent *a) {
        if (a->connection.key_unread || a->config.current->passing ||
            configwatch_error(a->config.watch) < 0)
                return again_later(a->config.again);
        again_forget(a->config.again);
        return 0;
}

int agent_connect(Agent *a) {
        StatusHelper *helper = &a->connection.helper;
        bool was_ready = channel_state(a->connection.channel) == CHANNEL_READY;
        uint8_t key[WIRE_KEY_SIZE] = {0};
        int r;

        r = agent_load_key(a, key);
        if (r >= 0) {
                config_helper_format(&a->config.current->helper, helper->address,
                                     sizeof(helper->address));
                r = agent_configure_channel(a, a->connection.paired ? key : NULL);
        }
        session_wipe(key, sizeof(key));
        if (r >= 0)
                r = agent_plan_again(a);
        if (r < 0)
                return r;
        if (was_ready && channel_state(a->connection.channel) != CHANNEL_READY) {
                helper->since = status_time_now();
                agent_forget_push(a);
                r = agent_set_unanswered(a);
        }
        helper->state = channel_state(a->connection.channel);
        if (!a->connection.key_unread) {
                a->connection.outage = 0; /* the next failure is news */
                /* The channel asks again now. A refusal whose cause is gone would be taken for the
                 * answer, and one that lasts is reported within moments. */
                if (helper->error.cause == CHANNEL_REFUSED)
                        helper->failed = false;
        }
        return r;
}

int agent_new_connection(Agent *a) {
        const ChannelHandler handler = {
                .userdata = a,
                .on_ready = agent_on_ready,
                .on_drained = agent_on_drained,
                .on_result = agent_on_result,
                .on_down = agent_on_down,
                .on_heard = agent_on_heard,
        };
        int r;

        a->connection.helper.since = status_time_now();
        r = channel_new(&a->connection.channel, a->event, &handler);
        return r < 0 ? r : agent_connect(a);
}

void agent_done_connection(Agent *a) {
        channel_free(a->connection.channel);
        free(a->connection.key_problem);
}
