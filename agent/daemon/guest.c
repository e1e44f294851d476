/* SPDX-License-Identifier: MIT */

/*
 * What this guest is, apart from its address: its identity, WSL's networking mode, and whether it
 * was asleep.
 *
 * None of this may delay an address on its way to the host. So questions are asked by deferred
 * work, after everything that waits on a socket but before the status is written.
 */

#include "agent/daemon/agent-private.h"

#include "agent/guest/identity.h"

#include <errno.h>
#include <string.h>

static void agent_log_mode(Agent *a) {
        const char *word = a->guest.answers.word;
        char text[WIRE_TEXT_MAX + 1];

        if (!agent_forwards(a)) {
                status_mode_text(a->guest.answers.mode, text, sizeof(text));
                journal_fields(&a->journal, LOG_NOTICE, FIELDS(.id = MESSAGE_NO_ADDRESS),
                               "Nothing needs to be forwarded (WSL reports '%s'): %s", word, text);
        } else if (a->guest.answers.mode == WIRE_MODE_UNKNOWN && *word) {
                journal_line(&a->journal, LOG_WARNING,
                             "WSL reports an unknown networking mode, '%s'; forwarding as in mode "
                             "'nat'. A newer version of wslbridge may know this mode",
                             word);
        } else {
                journal_line(&a->journal, LOG_INFO, "Networking mode is %s",
                             wire_mode_name(a->guest.answers.mode));
        }
}

/* Return: whether the name has changed, so that a new session with the helper is needed. */
static bool agent_take_identity(Agent *a) {
        WireHello *id = &a->guest.identity;
        const char *name = a->guest.answers.distro;

        id->has_vm_id = a->guest.answers.has_vm_id;
        memcpy(id->vm_id, a->guest.answers.vm_id, sizeof(id->vm_id));
        if (!*name || strcmp(id->distro, name) == 0)
                return false;
        journal_line(&a->journal, LOG_INFO, "This is the WSL distribution '%s'", name);
        memcpy(id->distro, name, strlen(name) + 1);
        return true;
}

/* Before the first answers nothing is sent to the helper, because it might have to be revoked. */
static int agent_on_answers(Wsl *w, void *userdata) {
        const WslAnswers was = ((Agent *) userdata)->guest.answers;
        Agent *a = userdata;
        bool renamed, changed;
        int r = 0;

        a->guest.answers = *wsl_answers(w);
        renamed = agent_take_identity(a);
        changed = a->guest.answers.mode != was.mode || strcmp(a->guest.answers.word, was.word) != 0;
        if (changed)
                agent_log_mode(a);
        agent_report_later(a);
        if (!wsl_settled(w))
                return 0;
        if (renamed || channel_state(a->connection.channel) == CHANNEL_IDLE)
                r = agent_connect(a);
        if (r < 0 || !changed)
                return r;
        return channel_state(a->connection.channel) == CHANNEL_READY ? agent_push(a, 0)
                                                                     : agent_set_unanswered(a);
}

static int agent_on_ask_mode(void *userdata) {
        Agent *a = userdata;

        return wsl_ask(a->guest.wsl);
}

/* After a sleep nothing is certain: the network or the networking mode may be different, and the
 * helper may have restarted. */
static int agent_on_clock(void *userdata) {
        Agent *a = userdata;
        int r;

        journal_line(&a->journal, LOG_INFO,
                     "The clock was set, perhaps after a sleep: checking everything again");
        r = netwatch_refresh(a->address.netwatch);
        if (r >= 0)
                r = channel_resume(a->connection.channel);
        if (r < 0)
                return r;
        deferred_work_request(a->guest.ask_mode);
        deferred_work_request(a->services.check_ports);
        return 0;
}

int agent_load_identity(Agent *a) {
        int r = identity_load(&a->guest.identity);

        if (r == IDENTITY_E_VOLATILE) {
                journal_line(
                        &a->journal, LOG_WARNING,
                        "/etc/machine-id is missing or not set up: this guest has a new identity "
                        "at each start and cannot stay paired. Run 'systemd-machine-id-setup'");
        }
        return r < 0 ? r : 0;
}

int agent_new_guest(Agent *a) {
        int r;

        r = clockwatch_new(&a->guest.clock, a->event, agent_on_clock, a);
        if (r >= 0)
                r = deferred_work_new(&a->guest.ask_mode, a->event, agent_on_ask_mode, a);
        if (r >= 0)
                r = wsl_new(&a->guest.wsl, a->event, agent_on_answers, a);
        if (r >= 0)
                r = wsl_ask(a->guest.wsl);
        if (r < 0)
                return r;
        a->guest.answers = *wsl_answers(a->guest.wsl);
        return 0;
}

void agent_done_guest(Agent *a) {
        wsl_free(a->guest.wsl);
        deferred_work_free(a->guest.ask_mode);
        clockwatch_free(a->guest.clock);
}
