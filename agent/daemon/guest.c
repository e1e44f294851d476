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
#include "agent/util/passing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void agent_log_mode(Agent *a) {
        const char *word = a->guest.answers.word;
        const char *meaning = reach_meaning(wire_mode_reach(a->guest.answers.mode));

        if (*meaning) {
                journal_fields(&a->journal, LOG_NOTICE, FIELDS(.id = MESSAGE_NO_ADDRESS),
                               "Networking mode is %s (WSL reports '%s'): %s",
                               wire_mode_name(a->guest.answers.mode), word, meaning);
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

/* A dead interop stays dead until the VM ends, so this is what mends it (fact 6.2.5). */
static void agent_log_silence(Agent *a) {
        const WslAnswers *w = &a->guest.answers;

        if (!w->silent) {
                journal_line(&a->journal, LOG_NOTICE, "WSL answers again");
                return;
        }
        journal_line(
                &a->journal, LOG_WARNING,
                "WSL does not answer: wslinfo or wslpath hangs or fails. Going on as '%s'%s in "
                "networking mode %s%s, and asking again from time to time. If this lasts, run "
                "'wsl.exe --shutdown' on Windows; it ends all distributions",
                a->guest.identity.distro,
                w->distro_kept ? " (WSL's answer of an earlier start)" : "",
                wire_mode_name(w->mode), w->mode_kept ? " (the same)" : "");
}

/* That of WSL, see kept.h. */
static Installation wsl_installation(const Agent *a) {
        Installation i = {.of_machine = false};

        memcpy(i.id, a->guest.identity.agent_id, WIRE_ID_SIZE);
        return i;
}

/* Keep what WSL says for the next start. Return: 0, or negative errno to end the event loop. */
static int agent_keep_answers(Agent *a) {
        const WslAnswers *w = &a->guest.answers;
        Installation installation = wsl_installation(a);
        Kept now = {0};
        int r;

        if (!w->wsl)
                return 0; /* what is kept is not the agent's, but that of 'wslbridgectl pair' */
        memcpy(now.distro, w->distro, strlen(w->distro));
        memcpy(now.word, w->word, strlen(w->word));
        if (memcmp(&now, &a->guest.kept, sizeof(now)) == 0)
                return 0;
        r = kept_save(a->guest.directory, &installation, &now);
        if (r < 0 && !a->guest.keep_failed) {
                journal_fields(&a->journal, LOG_WARNING, FIELDS(.error = -r),
                               "Cannot keep WSL's answers for the next start in %s, ignoring: %s",
                               a->guest.directory, strerror(-r));
        }
        a->guest.keep_failed = r < 0;
        if (r < 0)
                return error_passes(-r) ? again_later(a->guest.keep) : 0;
        a->guest.kept = now;
        again_forget(a->guest.keep);
        return 0;
}

static int agent_on_keep(void *userdata) {
        return agent_keep_answers(userdata);
}

/* Return: whether the name has changed, so that a new session with the helper is needed. */
static bool agent_take_identity(Agent *a) {
        WireHello *id = &a->guest.identity;
        const char *name = a->guest.answers.distro;

        id->has_vm_id = a->guest.answers.has_vm_id;
        memcpy(id->vm_id, a->guest.answers.vm_id, sizeof(id->vm_id));
        if (!*name || strcmp(id->distro, name) == 0)
                return false;
        journal_line(&a->journal, LOG_INFO, "This is the WSL distribution '%s'%s", name,
                     a->guest.answers.distro_kept ? " (WSL's answer of an earlier start)" : "");
        memcpy(id->distro, name, strlen(name) + 1);
        return true;
}

/* Before the first answers nothing is sent to the helper, because it might have to be revoked. */
static int agent_on_answers(Wsl *w, void *userdata) {
        const WslAnswers was = ((Agent *) userdata)->guest.answers;
        Agent *a = userdata;
        bool renamed, changed;
        int r;

        a->guest.answers = *wsl_answers(w);
        renamed = agent_take_identity(a);
        changed = a->guest.answers.mode != was.mode || strcmp(a->guest.answers.word, was.word) != 0;
        if (changed || (was.mode_kept && !a->guest.answers.mode_kept))
                agent_log_mode(a);
        if (a->guest.answers.silent != was.silent)
                agent_log_silence(a);
        r = agent_keep_answers(a);
        if (r < 0)
                return r;
        agent_report_later(a);
        if (!wsl_settled(w))
                return 0;
        deferred_work_request(a->loopback.update);
        if (changed)
                deferred_work_request(a->ports.check);
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
        r = agent_refresh_address(a);
        if (r >= 0)
                r = channel_resume(a->connection.channel);
        if (r < 0)
                return r;
        deferred_work_request(a->guest.ask_mode);
        deferred_work_request(a->ports.check);
        return 0;
}

/*
 * There is one agent for each guest. The lock on the folder of status.json does not ensure that,
 * because systemd removes that folder when the service ends, also in a restart, and a hand-started
 * agent would lose its lock. The folder here stays, and only root and the service can open the file
 * in it, so nobody else can take the lock. An abstract socket would be open to every user, and the
 * distributions of WSL, which share the network, would keep each other out.
 *
 * An agent of an ordinary user cannot get in. It goes on without the lock: it has no key either.
 */
int agent_lock_guest(Agent *a, const char *root) {
        const char *directory = getenv("STATE_DIRECTORY");
        pid_t pid = 0;
        int r;

        if (directory && directory[0] == '/' && !strchr(directory, ':'))
                a->guest.directory = strdup(directory);
        else if (asprintf(&a->guest.directory, "%s" KEPT_DIRECTORY, root) < 0)
                a->guest.directory = NULL;
        if (!a->guest.directory)
                return -ENOMEM;
        if (asprintf(&a->guest.lock, "%s/lock", a->guest.directory) < 0) {
                a->guest.lock = NULL;
                return -ENOMEM;
        }
        (void) mkdir(a->guest.directory, 0755); /* the open below shows whether it is there */
        r = lock_file_take(a->guest.lock, &a->guest.lock_fd, &pid);
        if (r == LOCK_FILE_E_HELD)
                return agent_refuse_to_run(a, a->guest.directory, pid);
        if (r < 0 && r != -ENOENT && (r != -EACCES || geteuid() == 0 || directory)) {
                journal_fields(&a->journal, LOG_WARNING, FIELDS(.error = -r),
                               "Cannot lock %s, ignoring: %s; a second agent would not be noticed",
                               a->guest.lock, strerror(-r));
        }
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

/* Without WSL: a guest that was renamed stays the one that was paired. */
static void agent_take_paired_name(Agent *a, const char *root) {
        WireHello *id = &a->guest.identity;
        Installation installation;

        identity_of_machine(root, getenv("CREDENTIALS_DIRECTORY"), id->agent_id, &installation);
        if (!kept_load(a->guest.directory, &installation, &a->guest.kept) ||
            !a->guest.kept.distro[0] || strcmp(id->distro, a->guest.kept.distro) == 0)
                return;
        journal_line(&a->journal, LOG_INFO,
                     "This guest was paired as '%s' and keeps that name, although it is '%s' now",
                     a->guest.kept.distro, id->distro);
        memcpy(id->distro, a->guest.kept.distro, sizeof(a->guest.kept.distro));
}

/* The part of agent_new_guest() about WSL. */
static int agent_new_wsl(Agent *a, const char *root) {
        Installation installation = wsl_installation(a);
        int r;

        r = wsl_new(&a->guest.wsl, a->event, agent_on_answers, a);
        if (r < 0)
                return r;
        if (!wsl_answers(a->guest.wsl)->wsl)
                agent_take_paired_name(a, root);
        else if (kept_load(a->guest.directory, &installation, &a->guest.kept))
                wsl_remember(a->guest.wsl, &a->guest.kept);
        a->guest.answers = *wsl_answers(a->guest.wsl);
        (void) agent_take_identity(a);
        return wsl_ask(a->guest.wsl);
}

int agent_new_guest(Agent *a, const char *root) {
        int r;

        r = clockwatch_new(&a->guest.clock, a->event, agent_on_clock, a);
        if (r >= 0)
                r = deferred_work_new(&a->guest.ask_mode, a->event, agent_on_ask_mode, a);
        if (r >= 0)
                r = again_new(&a->guest.keep, a->event, agent_on_keep, a);
        return r < 0 ? r : agent_new_wsl(a, root);
}

void agent_done_guest(Agent *a) {
        wsl_free(a->guest.wsl);
        if (a->guest.lock)
                lock_file_drop(a->guest.lock, &a->guest.lock_fd);
        free(a->guest.lock);
        free(a->guest.directory);
        deferred_work_free(a->guest.ask_mode);
        again_free(a->guest.keep);
        clockwatch_free(a->guest.clock);
}
