/* SPDX-License-Identifier: MIT */

/*
 * status.json and the service manager; see agent-internal.h.
 *
 * Reports are written from a deferred source of the lowest priority: after everything that is
 * waiting on a socket, and once for any number of changes. While the helper's answer to a STATE is
 * on its way they wait for it, because with thousands of services writing takes longer than the
 * answer; a helper that is slow delays them by REPORT_PATIENCE_USEC at most.
 */

#include "agent/daemon/agent-private.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define REPORT_PATIENCE_USEC (200 * USEC_PER_MSEC)
#define REPORT_ACCURACY      (10 * USEC_PER_MSEC)

static void agent_fill_status(const Agent *a, Status *ret_status) {
        const Config *problems = a->rejected ? a->rejected : a->config;

        *ret_status = (Status){
                .identity = &a->identity,
                .pid = getpid(),
                .facts = &a->facts,
                .choice = &a->choice,
                .choice_since = a->choice_since,
                .candidates = a->candidates,
                .n_candidates = a->n_candidates,
                .helper = &a->helper,
                .paired = a->paired,
                .key_problem = a->key_problem,
                .config = a->config,
                .services = a->services,
                .problems = problems->problems,
                .n_problems = problems->n_problems,
                .config_stale = a->rejected != NULL,
                .update_usec = a->update_usec,
                .apply_usec = a->apply_usec,
                .n_connects = a->channel ? channel_n_connects(a->channel) : 0,
                .now = status_time_now(),
        };
        netwatch_stats(a->netwatch, &ret_status->net);
}

static int agent_write_status(Agent *a, const Status *status) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = status_format(status, &text);
        if (r < 0)
                return r;
        r = status_write(a->directory, text);
        if (r < 0 && !a->status_failed) {
                journal_fields(&a->log, LOG_WARNING, FIELDS(.error = -r),
                               "Cannot write %s/%s, ignoring: %s", a->directory, STATUS_FILE,
                               strerror(-r));
        }
        a->status_failed = r < 0;
        return 0;
}

static void agent_notify_summary(Agent *a, const Status *status) {
        char summary[AGENT_SUMMARY_SIZE];

        status_summary(status, summary, sizeof(summary));
        if (a->ready && strcmp(summary, a->summary) == 0)
                return;
        memcpy(a->summary, summary, sizeof(summary));
        (void) sd_notifyf(0, "%sSTATUS=%s", a->ready ? "" : "READY=1\n", summary);
        a->ready = true;
}

static int agent_on_report(sd_event_source *s, void *userdata) {
        Agent *a = userdata;
        Status status;
        int r;

        /* READY means: configuration read, network known. Never that Windows has answered: WSL
         * delays the user's shell until the boot has ended. */
        if (!a->choice_known)
                return 0;
        r = sd_event_source_set_enabled(a->patience, SD_EVENT_OFF);
        if (r < 0)
                return r;
        agent_fill_status(a, &status);
        r = agent_write_status(a, &status);
        if (r < 0)
                return r;
        agent_notify_summary(a, &status);
        return 0;
}

static int agent_on_patience(sd_event_source *s, uint64_t usec, void *userdata) {
        Agent *a = userdata;

        return sd_event_source_set_enabled(a->report, SD_EVENT_ONESHOT);
}

int agent_new_report(Agent *a) {
        int r;

        r = sd_event_add_defer(a->event, &a->report, agent_on_report, a);
        if (r >= 0)
                r = sd_event_source_set_priority(a->report, SD_EVENT_PRIORITY_IDLE);
        if (r >= 0)
                r = sd_event_source_set_exit_on_failure(a->report, 1);
        if (r >= 0)
                r = sd_event_source_set_enabled(a->report, SD_EVENT_OFF);
        if (r >= 0) {
                r = sd_event_add_time(a->event, &a->patience, CLOCK_MONOTONIC, UINT64_MAX,
                                      REPORT_ACCURACY, agent_on_patience, a);
        }
        if (r >= 0)
                r = sd_event_source_set_exit_on_failure(a->patience, 1);
        if (r >= 0)
                r = sd_event_source_set_enabled(a->patience, SD_EVENT_OFF);
        return r < 0 ? r : 0;
}

void agent_report_later(Agent *a) {
        int enabled = SD_EVENT_OFF;

        if (!a->unanswered) {
                (void) sd_event_source_set_enabled(a->report, SD_EVENT_ONESHOT);
                return;
        }
        /* Not put off by further changes. */
        (void) sd_event_source_get_enabled(a->patience, &enabled);
        if (enabled == SD_EVENT_OFF) {
                (void) sd_event_source_set_time_relative(a->patience, REPORT_PATIENCE_USEC);
                (void) sd_event_source_set_enabled(a->patience, SD_EVENT_ONESHOT);
        }
}

void agent_notify_reloading(Agent *a) {
        (void) sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long) now_usec());
}

void agent_notify_ready(Agent *a) {
        (void) sd_notify(0, "READY=1");
}

void agent_notify_stopping(Agent *a) {
        (void) sd_notify(0, "STOPPING=1\nSTATUS=Stopping");
}
