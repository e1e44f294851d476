/* SPDX-License-Identifier: MIT */

/*
 * status.json, and messages to the service manager.
 *
 * A report is written from a deferred source of the lowest priority: after everything that waits on
 * a socket, and once for any number of changes. With thousands of services that takes long, so the
 * text is made in parts, and news come between them. If anything changes meanwhile, it is made
 * anew; but not for ever: after REPORT_PARTS_MAX_USEC it is made in one piece. So is the first one,
 * for which the boot waits. While the helper's answer to a STATE is due, reports wait for it, for
 * REPORT_DELAY_MAX_USEC at most.
 */

#include "agent/daemon/agent-private.h"

#include "agent/loop/require.h"
#include "agent/loop/timer.h"
#include "agent/util/passing.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#define REPORT_DELAY_MAX_USEC (200 * USEC_PER_MSEC)
#define REPORT_PARTS_MAX_USEC (400 * USEC_PER_MSEC)
#define REPORT_ACCURACY       (10 * USEC_PER_MSEC)
#define REPORT_PART           50 /* services at once, about half a millisecond */

static void agent_fill_status(const Agent *a, Status *ret_status) {
        *ret_status = (Status){
                .identity = &a->guest.identity,
                .pid = getpid(),
                .wsl = &a->guest.answers,
                .reach = agent_reach(a),
                .listening = &a->ports.listening,
                .choice = &a->address.choice,
                .choice_since = a->address.since,
                .candidates = a->address.candidates,
                .n_candidates = a->address.n_candidates,
                .helper = &a->connection.helper,
                .paired = a->connection.paired,
                .key_problem = a->connection.key_problem,
                .config = a->config.current,
                .services = a->services.states,
                .loopback_problem = a->loopback.host_problem,
                .config_read = a->config.read,
                .update_usec = a->push.update_usec,
                .apply_usec = a->push.apply_usec,
                .n_connects = a->connection.channel ? channel_n_connects(a->connection.channel) : 0,
                .now = status_time_now(),
        };
        netwatch_stats(a->address.netwatch, &ret_status->net);
}

/* The next part is the first one. */
static void agent_begin_report(Agent *a) {
        buffer_done(&a->report.text);
        a->report.next_service = 0;
}

/* Microseconds that are left of @most since the first change that no report has. */
static uint64_t agent_report_room(const Agent *a, uint64_t most) {
        uint64_t now = now_usec(), end = a->report.since_usec + most;

        return a->report.since_usec && end > now ? end - now : 0;
}

static void agent_write_status(Agent *a, bool *failed) {
        int r = status_file_write(&a->report.file, buffer_text(&a->report.text));

        if (r < 0 && !a->report.failed) {
                journal_fields(&a->journal, LOG_WARNING, FIELDS(.error = -r),
                               "Cannot write %s/%s, ignoring: %s", a->report.directory, STATUS_FILE,
                               strerror(-r));
        }
        a->report.failed = r < 0;
        *failed = r < 0 && error_passes(-r);
}

/* *@failed is only ever set to true. */
static void agent_notify_summary(Agent *a, const Status *status, bool *failed) {
        char summary[AGENT_SUMMARY_SIZE];

        status_summary(status, summary, sizeof(summary));
        if (a->report.ready && strcmp(summary, a->report.summary) == 0)
                return;
        if (sd_notifyf(0, "%sSTATUS=%s", a->report.ready ? "" : "READY=1\n", summary) < 0) {
                *failed = true;
                return;
        }
        memcpy(a->report.summary, summary, sizeof(summary));
        a->report.ready = true;
}

static int agent_on_report(sd_event_source *s, void *userdata) {
        Agent *a = userdata;
        bool failed = false;
        bool whole = !a->report.ready || agent_report_room(a, REPORT_PARTS_MAX_USEC) == 0;
        Status status;
        int r;

        /* READY means that the configuration is read and the network is known. It does not wait for
         * an answer from Windows, because WSL delays the user's shell until the boot has ended. */
        if (!a->address.known) {
                a->report.since_usec = 0;
                return 0;
        }
        agent_fill_status(a, &status);
        r = status_format_part(&status, whole ? SIZE_MAX : REPORT_PART, &a->report.next_service,
                               &a->report.text);
        if (r < 0)
                return r;
        if (r > 0)
                return sd_event_source_set_enabled(a->report.source, SD_EVENT_ONESHOT);
        r = sd_event_source_set_enabled(a->report.maximum_delay, SD_EVENT_OFF);
        if (r < 0)
                return r;
        a->report.since_usec = 0;
        agent_write_status(a, &failed);
        agent_begin_report(a);
        agent_notify_summary(a, &status, &failed);
        if (failed)
                return again_later(a->report.again);
        again_forget(a->report.again);
        return 0;
}

static int agent_on_report_again(void *userdata) {
        Agent *a = userdata;

        a->report.since_usec = now_usec();
        return sd_event_source_set_enabled(a->report.source, SD_EVENT_ONESHOT);
}

static int agent_on_maximum_delay(sd_event_source *s, uint64_t usec, void *userdata) {
        Agent *a = userdata;

        return sd_event_source_set_enabled(a->report.source, SD_EVENT_ONESHOT);
}

/* systemd passes a colon-separated list; ours is the only entry unless a drop-in adds others. Where
 * the service is installed, status.json is a link to the service's file. An agent that is started
 * by hand there must not replace the link with a file, because the service's status could then no
 * longer be found. So it writes to the folder that the link leads to. */
static const char *agent_status_directory(void) {
        const char *value = getenv("RUNTIME_DIRECTORY");
        struct stat st;

        if (value && value[0] == '/' && !strchr(value, ':'))
                return value;
        if (lstat(STATUS_DIRECTORY "/" STATUS_FILE, &st) == 0 && S_ISLNK(st.st_mode))
                return STATUS_SERVICE_DIRECTORY;
        return STATUS_DIRECTORY;
}

int agent_refuse_to_run(Agent *a, const char *directory, pid_t pid) {
        journal_line(&a->journal, LOG_ERR,
                     "Another wslbridge-agent runs already (process %d, which has %s): stop it "
                     "first; the service's is stopped by 'systemctl stop wslbridge-agent'",
                     (int) pid, directory);
        (void) sd_notifyf(0, "STATUS=Not started: process %d has %s", (int) pid, directory);
        return AGENT_E_RUNS;
}

int agent_lock_report(Agent *a) {
        pid_t pid = 0;
        int r;

        a->report.directory = agent_status_directory();
        r = status_file_lock(&a->report.file, a->report.directory, &pid);
        if (r == LOCK_FILE_E_HELD)
                return agent_refuse_to_run(a, a->report.directory, pid);
        if (r < 0) {
                journal_fields(&a->journal, LOG_WARNING, FIELDS(.error = -r),
                               "Cannot write to %s, ignoring: %s; 'wslbridgectl' may not see this "
                               "agent",
                               a->report.directory, strerror(-r));
                a->report.failed = true; /* the same cause is not logged again */
        }
        return r == -ENOMEM ? r : 0;
}

static void agent_log_left_out(Agent *a, unsigned n) {
        if (n > 0)
                journal_line(&a->journal, LOG_WARNING, "Log lines left out about the helper: %u",
                             n);
}

bool agent_may_log(Agent *a) {
        unsigned left_out = 0;

        if (!log_limit_take(&a->report.limit, AGENT_LOG_BURST, now_usec(), &left_out)) {
                int r = sd_event_source_set_time(a->report.left_out,
                                                 log_limit_deadline(&a->report.limit));

                if (r >= 0)
                        r = sd_event_source_set_enabled(a->report.left_out, SD_EVENT_ONESHOT);
                loop_require(a->report.left_out, r);
                return false;
        }
        agent_log_left_out(a, left_out);
        return true;
}

/* No line has followed those that were left out. If one has, nothing is left to tell. */
static int agent_on_left_out(sd_event_source *s, uint64_t usec, void *userdata) {
        Agent *a = userdata;

        agent_log_left_out(a, log_limit_flush(&a->report.limit, now_usec()));
        return 0;
}

int agent_new_report(Agent *a) {
        int r;

        r = sd_event_add_defer(a->event, &a->report.source, agent_on_report, a);
        if (r >= 0)
                r = sd_event_source_set_priority(a->report.source, SD_EVENT_PRIORITY_IDLE);
        if (r >= 0)
                r = sd_event_source_set_exit_on_failure(a->report.source, 1);
        if (r >= 0)
                r = sd_event_source_set_enabled(a->report.source, SD_EVENT_OFF);
        if (r >= 0)
                r = loop_timer_new(a->event, REPORT_ACCURACY, agent_on_maximum_delay, a,
                                   &a->report.maximum_delay);
        if (r >= 0)
                r = loop_timer_new(a->event, REPORT_ACCURACY, agent_on_left_out, a,
                                   &a->report.left_out);
        if (r >= 0)
                r = again_new(&a->report.again, a->event, agent_on_report_again, a);
        return r < 0 ? r : 0;
}

void agent_done_report(Agent *a) {
        buffer_done(&a->report.text);
        again_free(a->report.again);
        sd_event_source_disable_unref(a->report.left_out);
        sd_event_source_disable_unref(a->report.maximum_delay);
        sd_event_source_disable_unref(a->report.source);
        status_file_done(&a->report.file);
}

void agent_report_later(Agent *a) {
        uint64_t room;
        int r, enabled = SD_EVENT_OFF;

        agent_begin_report(a);
        if (!a->report.since_usec)
                a->report.since_usec = now_usec();
        room = a->push.unanswered && a->report.ready ? agent_report_room(a, REPORT_DELAY_MAX_USEC)
                                                     : 0;
        r = sd_event_source_set_enabled(a->report.source,
                                        room > 0 ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
        loop_require(a->report.source, r);
        /* Further changes do not put it off. */
        (void) sd_event_source_get_enabled(a->report.maximum_delay, &enabled);
        if (room == 0 || enabled != SD_EVENT_OFF)
                return;
        r = loop_timer_start(a->report.maximum_delay, room);
        loop_require(a->report.maximum_delay, r);
}

void agent_notify_reloading(Agent *a) {
        (void) sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long) now_usec());
}

void agent_notify_ready(Agent *a) {
        if (sd_notify(0, "READY=1") < 0)
                a->report.ready = false; /* the next report says it, and tries until it is said */
}

void agent_notify_stopping(Agent *a) {
        (void) sd_notify(0, "STOPPING=1\nSTATUS=Stopping");
}
