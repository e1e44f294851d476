/* SPDX-License-Identifier: MIT */

/* Start, signals, the choice of the address, end; see agent.h and agent-internal.h. */

#include "agent/daemon/agent-private.h"

#include "agent/guest/identity.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

static int agent_on_terminate(sd_event_source *s, const struct signalfd_siginfo *si,
                              void *userdata) {
        Agent *a = userdata;

        journal_line(&a->log, LOG_INFO, "Stopping on SIG%s", sigabbrev_np((int) si->ssi_signo));
        agent_notify_stopping(a);
        return sd_event_exit(a->event, 0);
}

static int agent_on_files(void *userdata) {
        return agent_reload(userdata);
}

static int agent_on_hangup(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        Agent *a = userdata;
        int r;

        deferred_work_request(a->ask_mode);
        r = configwatch_renew(a->configwatch);
        return r < 0 ? r : agent_reload(a);
}

/* A reload that fails must end the process: a source whose callback fails is switched off, and the
 * agent would be deaf to the next one. */
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

/* SD_EVENT_SIGNAL_PROCMASK would do the blocking, but is too new for systemd 249. */
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
        journal_fields(&a->log, LOG_ERR, FIELDS(.error = -error), "%s: %s", what, strerror(-error));
        return error;
}

static int agent_load_identity(Agent *a) {
        int r = identity_load(&a->identity);

        if (r == IDENTITY_E_VOLATILE) {
                journal_line(
                        &a->log, LOG_WARNING,
                        "/etc/machine-id is missing or not set up: this guest has a new identity "
                        "at each start and cannot stay paired. Run 'systemd-machine-id-setup'");
        }
        return r < 0 ? r : 0;
}

/* systemd gives a colon-separated list; ours is the only entry, unless a drop-in adds some. Started
 * by hand where the service is installed, the agent finds a link to the file of the service, which
 * a file in its place would make useless. */
static const char *agent_status_directory(void) {
        const char *value = getenv("RUNTIME_DIRECTORY");
        struct stat st;

        if (value && value[0] == '/' && !strchr(value, ':'))
                return value;
        if (lstat(STATUS_DIRECTORY "/" STATUS_FILE, &st) == 0 && S_ISLNK(st.st_mode))
                return STATUS_SERVICE_DIRECTORY;
        return STATUS_DIRECTORY;
}

int agent_new(Agent **ret_agent, const char *root) {
        _cleanup_(agent_freep) Agent *a = NULL;
        int r;

        a = calloc(1, sizeof(*a));
        if (!a)
                return -ENOMEM;
        a->root = root;
        a->directory = agent_status_directory();
        a->update_usec = STATUS_UPDATE_NEVER;
        a->helper.since = status_time_now();
        journal_open(&a->log, LOG_INFO);

        r = agent_load_identity(a);
        if (r < 0)
                return agent_failed(a, r, "Cannot find out who this guest is");
        r = sd_event_new(&a->event);
        if (r >= 0)
                r = sd_event_set_watchdog(a->event, 1);
        if (r >= 0)
                r = agent_new_signals(a);
        if (r >= 0)
                r = agent_new_report(a);
        if (r >= 0)
                r = agent_new_services(a);
        if (r >= 0)
                r = agent_new_guest(a);
        if (r < 0)
                return agent_failed(a, r, "Cannot set up the event loop");
        /* Watched before it is read: a change in between is read again. */
        r = configwatch_new(&a->configwatch, a->event, root, agent_on_files, a);
        if (r < 0)
                return agent_failed(a, r, "Cannot watch the configuration directories");
        r = agent_load(a);
        if (r < 0)
                return agent_failed(a, r, "Cannot load the configuration");
        r = agent_new_address(a);
        if (r < 0)
                return agent_failed(a, r, "Cannot watch the network");
        r = agent_new_channel(a);
        if (r < 0)
                return agent_failed(a, r, "Cannot set up the connection to the helper");
        *ret_agent = TAKE_PTR(a);
        return 0;
}

Agent *agent_free(Agent *a) {
        if (!a)
                return NULL;
        channel_free(a->channel);
        netwatch_free(a->netwatch);
        configwatch_free(a->configwatch);
        wsl_free(a->wsl);
        clockwatch_free(a->clock);
        deferred_work_free(a->ask_mode);
        deferred_work_free(a->check_ports);
        sd_event_source_disable_unref(a->patience);
        sd_event_source_disable_unref(a->report);
        sd_event_unref(a->event);
        for (size_t i = 0; a->config && i < a->config->n_services; i++)
                free(a->services[i].text);
        free(a->services);
        config_free(a->config);
        config_free(a->rejected);
        free(a->key_problem);
        free(a);
        return NULL;
}

int agent_run(Agent *a) {
        int r = sd_event_loop(a->event);

        if (r < 0) {
                agent_failed(a, r, "Giving up");
                agent_notify_stopping(a);
        }
        channel_bye(a->channel, "the agent stops");
        status_remove(a->directory);
        return r;
}
