/* SPDX-License-Identifier: MIT */

/* Start, signals and end of the daemon; see agent.h. */

#include "agent/daemon/agent-private.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#define LOOP_FAILURES_MAX 64                 /* in a row: it has failed for good */
#define LOOP_PAUSE_NSEC   (10 * 1000 * 1000) /* after each, so that many take a while */

static int agent_on_terminate(sd_event_source *s, const struct signalfd_siginfo *si,
                              void *userdata) {
        Agent *a = userdata;

        journal_line(&a->journal, LOG_INFO, "Stopping on SIG%s", sigabbrev_np((int) si->ssi_signo));
        agent_notify_stopping(a);
        return sd_event_exit(a->event, 0);
}

static int agent_on_hangup(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        Agent *a = userdata;
        int r;

        deferred_work_request(a->guest.ask_mode);
        r = configwatch_renew(a->config.watch);
        return r < 0 ? r : agent_reload(a);
}

/* A failed reload must end the process. The loop switches off a source whose callback fails, and
 * the agent would ignore the next signal. */
static int agent_add_signal(Agent *a, int number, sd_event_signal_handler_t handler) {
        sd_event_source *s = NULL;
        int r;

        r = sd_event_add_signal(a->event, &s, number, handler, a);
        if (r >= 0)
                r = sd_event_source_set_exit_on_failure(s, 1);
        if (r >= 0)
                r = sd_event_source_set_floating(s, 1); /* lives as long as the loop */
        sd_event_source_unref(s);
        return r;
}

/* SD_EVENT_SIGNAL_PROCMASK would do the blocking, but systemd 249 does not have it yet. */
static int agent_new_signals(Agent *a) {
        sigset_t mask;
        int r;

        sigemptyset(&mask);
        sigaddset(&mask, SIGTERM);
        sigaddset(&mask, SIGINT);
        sigaddset(&mask, SIGHUP);
        sigaddset(&mask, SIGCHLD); /* for the loop: WSL's tools are children */
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;
        /* The log may go to a pipe that nobody reads any more. */
        if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
                return -errno;
        r = agent_add_signal(a, SIGTERM, agent_on_terminate);
        if (r >= 0)
                r = agent_add_signal(a, SIGINT, agent_on_terminate);
        if (r >= 0)
                r = agent_add_signal(a, SIGHUP, agent_on_hangup);
        return r < 0 ? r : 0;
}

static int agent_failed(Agent *a, int error, const char *what) {
        journal_fields(&a->journal, LOG_ERR, FIELDS(.error = -error), "%s: %s", what,
                       strerror(-error));
        return error;
}

int agent_new(Agent **ret_agent, const char *root) {
        _cleanup_(agent_freep) Agent *a = NULL;
        int r;

        a = calloc(1, sizeof(*a));
        if (!a) {
                Journal journal;

                journal_open(&journal, LOG_INFO);
                journal_line(&journal, LOG_ERR, "Cannot start: %s", strerror(ENOMEM));
                return -ENOMEM;
        }
        a->push = AGENT_PUSH_NULL;
        a->report.file = STATUS_FILE_NULL;
        a->guest.lock_fd = -1;
        journal_open(&a->journal, LOG_INFO);

        r = agent_lock_report(a);
        if (r == 0)
                r = agent_lock_guest(a, root);
        if (r != 0)
                return r < 0 ? agent_failed(a, r, "Cannot start") : r;
        r = agent_load_identity(a);
        if (r < 0)
                return agent_failed(a, r, "Cannot determine the identity of this guest");
        r = sd_event_new(&a->event);
        if (r >= 0)
                r = sd_event_set_watchdog(a->event, 1);
        if (r >= 0)
                r = agent_new_signals(a);
        if (r >= 0)
                r = agent_new_report(a);
        if (r >= 0)
                r = agent_new_ports(a);
        if (r >= 0)
                r = agent_new_loopback(a);
        if (r >= 0)
                r = agent_new_guest(a, root);
        if (r < 0)
                return agent_failed(a, r, "Cannot set up the event loop");
        /* Watched before it is read, so that a change in between is read, too. */
        r = agent_new_config(a, root);
        if (r < 0)
                return agent_failed(a, r, "Cannot watch the configuration directories");
        r = agent_load(a);
        if (r < 0)
                return agent_failed(a, r, "Cannot load the configuration");
        r = agent_new_address(a);
        if (r < 0)
                return agent_failed(a, r, "Cannot watch the network");
        r = agent_new_connection(a);
        if (r < 0)
                return agent_failed(a, r, "Cannot set up the connection to the helper");
        *ret_agent = TAKE_PTR(a);
        return 0;
}

Agent *agent_free(Agent *a) {
        if (!a)
                return NULL;
        agent_done_connection(a);
        agent_done_address(a);
        agent_done_config(a);
        agent_done_guest(a);
        agent_done_loopback(a);
        agent_done_ports(a);
        agent_done_services(a);
        agent_done_push(a);
        agent_done_report(a);
        sd_event_unref(a->event);
        free(a);
        return NULL;
}

/* As sd_event_loop(), but when the loop itself fails, and not one of our callbacks, it goes on: it
 * has only failed to tell the service manager that it lives. */
static int agent_loop(Agent *a) {
        unsigned n_failures = 0;
        int r, code = 0;

        while (sd_event_get_state(a->event) != SD_EVENT_FINISHED) {
                r = sd_event_run(a->event, UINT64_MAX);
                n_failures = r < 0 ? n_failures + 1 : 0;
                if (n_failures >= LOOP_FAILURES_MAX || r == -ENOMEM)
                        return r;
                if (r < 0)
                        (void) nanosleep(&(struct timespec){.tv_nsec = LOOP_PAUSE_NSEC}, NULL);
        }
        r = sd_event_get_exit_code(a->event, &code);
        return r < 0 ? r : code;
}

int agent_run(Agent *a) {
        int r = agent_loop(a);

        if (r < 0) {
                agent_failed(a, r, "Giving up");
                agent_notify_stopping(a);
        }
        channel_leave(a->connection.channel, "the agent stops");
        return r;
}
