/* SPDX-License-Identifier: MIT */

/* From the table to open ports, and from those to the report; see carrier.h. */

#include "agent/loopback/carrier.h"

#include "agent/loop/folder-watch.h"
#include "agent/loop/timer.h"
#include "agent/loopback/slot.h"
#include "agent/loopback/table/report.h"
#include "agent/util/passing.h"
#include "agent/util/small-file.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* systemd removes the agent's folder when the agent ends, and starts it again after 2 s if it has
 * failed. */
#define GRACE_USEC (10 * USEC_PER_SEC)
/* How often a port is tried again that could not be opened, or a report that could not be written.
 */
#define RETRY_USEC (2 * USEC_PER_SEC)
#define ACCURACY   (USEC_PER_SEC / 4)

struct Carrier {
        /* configuration */
        Shared shared;
        char *table_path, *report_path; /* owned */

        /* owned */
        FolderWatch *watch;
        sd_event_source *grace, *retry;
        Slot slots[LOOPBACK_PORTS_MAX]; /* in the order of the table */
        size_t n_slots;
        char *reported; /* the text of the report as it is written; NULL: it is not */

        /* state */
        LoopbackTable table; /* in force */
        bool unread;         /* the table could not be read, for a reason that passes */
        bool unreported;     /* the report could not be written, which was logged */
        const char *bad;     /* what is wrong with the table, as last logged */
        bool outdated; /* another version is installed, and this one goes when nobody needs it */
        bool ends;     /* it goes now */
};

/* Return: 1; 0 when it could not be written; or negative errno. */
static int carrier_report(Carrier *c) {
        LoopbackReport report = {.host = c->shared.host, .n_ports = c->n_slots};
        Buffer text = BUFFER_NULL;
        int r;

        for (size_t i = 0; i < c->n_slots; i++)
                report.ports[i] = (LoopbackReported){.port = c->slots[i].port,
                                                     .error = (uint16_t) c->slots[i].error};
        loopback_report_format(&report, &text);
        if (text.oom) {
                buffer_done(&text);
                return -ENOMEM;
        }
        if (c->reported && strcmp(c->reported, buffer_text(&text)) == 0) {
                buffer_done(&text);
                return 1;
        }
        free(c->reported);
        c->reported = NULL;
        r = small_file_replace(c->report_path, buffer_text(&text));
        if (r == 0)
                c->reported = strdup(buffer_text(&text));
        else
                (void) unlink(c->report_path); /* it is not true any more */
        buffer_done(&text);
        if (r == -ENOMEM || (r == 0 && !c->reported))
                return -ENOMEM;
        if (r < 0 && !c->unreported)
                journal_fields(c->shared.journal, LOG_WARNING, FIELDS(.error = -r),
                               "Cannot write %s, trying again: %s; until then the agent says "
                               "that this program does not run",
                               c->report_path, strerror(-r));
        c->unreported = r < 0;
        return r == 0;
}

/* Open what is not open. While anything is left, try again from time to time. */
static int carrier_open(Carrier *c) {
        bool complete = true;
        int r;

        for (size_t i = 0; i < c->n_slots; i++) {
                slot_open(&c->slots[i], &c->shared);
                complete = complete && c->slots[i].error == 0;
        }
        r = carrier_report(c);
        complete = complete && r > 0;
        if (r >= 0)
                r = complete ? sd_event_source_set_enabled(c->retry, SD_EVENT_OFF)
                             : loop_timer_start(c->retry, RETRY_USEC);
        return r < 0 ? r : 0;
}

static void carrier_on_room(void *userdata) {
        Carrier *c = userdata;

        for (size_t i = 0; i < c->n_slots; i++)
                slot_resume(&c->slots[i]);
}

static bool carrier_on_full(void *userdata) {
        Carrier *c = userdata;
        UdpPort *most = NULL;

        for (size_t i = 0; i < c->n_slots; i++) {
                UdpPort *p = c->slots[i].udp;

                if (p && (!most || udp_port_unanswered(p) > udp_port_unanswered(most)))
                        most = p;
        }
        return most && udp_port_end_unanswered(most);
}

/* An upgrade of the package does not restart this program, because that would reset all
 * connections. The path unit starts the new version as soon as this one has ended. */
static bool carrier_is_outdated(void) {
        static const char deleted[] = " (deleted)"; /* the kernel's mark */
        char path[PATH_MAX + sizeof(deleted)];
        ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
        size_t n_mark = sizeof(deleted) - 1;

        return n > (ssize_t) n_mark && memcmp(path + n - n_mark, deleted, n_mark) == 0;
}

static bool carrier_is_idle(const Carrier *c) {
        return c->shared.n_connections == 0 && c->shared.n_sessions == 0;
}

static void carrier_on_idle(void *userdata) {
        Carrier *c = userdata;

        if (!c->outdated || c->ends)
                return;
        c->ends = true;
        journal_line(c->shared.journal, LOG_INFO,
                     "Another version is installed, and no connection is left; the end");
        (void) sd_event_exit(c->shared.event, 0);
}

/* The last connection may last for weeks, so the log says how not to wait for it. */
static void carrier_check_version(Carrier *c) {
        bool was = c->outdated;

        c->outdated = carrier_is_outdated();
        if (!c->outdated)
                return;
        if (carrier_is_idle(c))
                carrier_on_idle(c);
        else if (!was)
                journal_line(c->shared.journal, LOG_NOTICE,
                             "Another version is installed; this one goes on until its last "
                             "connection has ended. To change now, which ends them all, run "
                             "'systemctl restart wslbridge-loopback'");
}

/* What is in both tables stays open, unless the host is another one. */
static int carrier_apply(Carrier *c, const LoopbackTable *table) {
        bool same_host = loopback_host_equal(&c->shared.host, &table->host);
        Slot *old = malloc(sizeof(c->slots));
        size_t n_old = c->n_slots, k = 0;
        int r;

        if (!old)
                return -ENOMEM;
        memcpy(old, c->slots, sizeof(c->slots));
        memset(c->slots, 0, sizeof(c->slots));
        for (size_t i = 0; i < table->n_ports; i++) {
                c->slots[i].port = table->ports[i];
                while (k < n_old && loopback_port_compare(&old[k].port, &table->ports[i]) < 0)
                        slot_close(&old[k++]);
                if (same_host && k < n_old &&
                    loopback_port_compare(&old[k].port, &table->ports[i]) == 0)
                        c->slots[i] = old[k++];
        }
        while (k < n_old)
                slot_close(&old[k++]);
        free(old);
        c->n_slots = table->n_ports;
        c->shared.host = table->host;
        c->table = *table;
        carrier_on_room(c); /* which a port that was closed has left */
        r = carrier_open(c);
        if (r >= 0 && carrier_is_idle(c)) /* connections that ended with their port do not say so */
                carrier_on_idle(c);
        return r;
}

static void carrier_log(const Carrier *c, const LoopbackTable *table) {
        char guest[IP_TEXT_MAX], gateway[IP_TEXT_MAX];

        ip_format(&table->host.guest, guest);
        ip_format(&table->host.gateway, gateway);
        journal_line(c->shared.journal, LOG_INFO,
                     "Carrying %zu port%s of %s on %s to this guest's loopback, for %s only",
                     table->n_ports, table->n_ports == 1 ? "" : "s", guest, table->host.interface,
                     gateway);
}

/* There is no table: the agent does not run, or will in a moment. */
static int carrier_wait(Carrier *c) {
        int enabled = SD_EVENT_OFF, r;

        r = sd_event_source_get_enabled(c->grace, &enabled);
        if (r < 0 || enabled != SD_EVENT_OFF)
                return r < 0 ? r : 0;
        return loop_timer_start(c->grace, GRACE_USEC);
}

/* A table that cannot be read is one of another version, which has to carry it. */
static int carrier_refuse(Carrier *c, const char *problem) {
        if (c->outdated) {
                journal_line(c->shared.journal, LOG_NOTICE,
                             "Another version is installed, which has to carry what %s says now; "
                             "the end",
                             c->table_path);
                return sd_event_exit(c->shared.event, 0);
        }
        if (!c->bad || strcmp(c->bad, problem) != 0)
                journal_line(c->shared.journal, LOG_ERR,
                             "Cannot use %s: %s; what was in force stays", c->table_path, problem);
        c->bad = problem;
        return 0;
}

/* The table cannot be read now, which passes. */
static int carrier_put_off(Carrier *c, int error) {
        if (!c->unread)
                journal_fields(c->shared.journal, LOG_WARNING, FIELDS(.error = error),
                               "Cannot read %s, trying again: %s; what was in force stays",
                               c->table_path, strerror(error));
        c->unread = true;
        return loop_timer_start(c->retry, RETRY_USEC);
}

static int carrier_read(void *userdata) {
        Carrier *c = userdata;
        _cleanup_free_ char *text = NULL;
        LoopbackTable table;
        const char *problem;
        int r;

        carrier_check_version(c);
        if (c->ends)
                return 0;
        r = small_file_read(c->table_path, LOOPBACK_TEXT_MAX, &text);
        if (r == -ENOMEM)
                return r;
        if (r < 0 && error_passes(-r))
                return carrier_put_off(c, -r);
        c->unread = false;
        if (r == -ENOENT || r == -ENOTDIR)
                return carrier_wait(c);
        if (r < 0)
                return carrier_refuse(c, strerrordesc_np(-r));
        (void) sd_event_source_set_enabled(c->grace, SD_EVENT_OFF);
        problem = loopback_table_parse(text, &table);
        if (problem)
                return carrier_refuse(c, problem);
        c->bad = NULL;
        if (table.n_ports == 0) {
                journal_line(c->shared.journal, LOG_INFO, "No service is left; the end");
                return sd_event_exit(c->shared.event, 0);
        }
        table.host.index = if_nametoindex(table.host.interface);
        if (table.host.index == 0) /* it comes back, and then the agent says so */
                table.host.index = c->shared.host.index;
        /* Every change in the agent's folder leads here, as one of its status. */
        if (loopback_table_equal(&table, &c->table))
                return 0;
        carrier_log(c, &table);
        return carrier_apply(c, &table);
}

static int carrier_on_grace(sd_event_source *s, uint64_t usec, void *userdata) {
        Carrier *c = userdata;

        journal_line(c->shared.journal, LOG_INFO, "The agent does not run any more; the end");
        return sd_event_exit(c->shared.event, 0);
}

static int carrier_on_retry(sd_event_source *s, uint64_t usec, void *userdata) {
        Carrier *c = userdata;
        int r = carrier_read(c);

        /* A report would say of a table that nobody has read that all is well. */
        return r < 0 || c->unread || c->n_slots == 0 ? r : carrier_open(c);
}

static int carrier_set_paths(Carrier *c, const CarrierFiles *files) {
        if (asprintf(&c->table_path, "%s/" LOOPBACK_TABLE_FILE, files->agent) < 0)
                c->table_path = NULL;
        if (asprintf(&c->report_path, "%s/" LOOPBACK_REPORT_FILE, files->report) < 0)
                c->report_path = NULL;
        return c->table_path && c->report_path ? 0 : -ENOMEM;
}

int carrier_new(Carrier **ret_carrier, sd_event *event, const Journal *journal,
                const CarrierFiles *files) {
        _cleanup_(carrier_freep) Carrier *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        c->shared = (Shared){.event = event,
                             .journal = journal,
                             .on_room = carrier_on_room,
                             .on_full = carrier_on_full,
                             .on_idle = carrier_on_idle,
                             .userdata = c};
        r = carrier_set_paths(c, files);
        if (r >= 0)
                r = loop_timer_new(event, ACCURACY, carrier_on_grace, c, &c->grace);
        if (r >= 0)
                r = loop_timer_new(event, ACCURACY, carrier_on_retry, c, &c->retry);
        if (r >= 0)
                r = folder_watch_new(&c->watch, event, files->agent, carrier_read, c);
        if (r >= 0)
                r = carrier_read(c);
        if (r < 0)
                return r;
        *ret_carrier = TAKE_PTR(c);
        return 0;
}

Carrier *carrier_free(Carrier *c) {
        if (!c)
                return NULL;
        c->ends = true; /* whatever ends now */
        folder_watch_free(c->watch);
        for (size_t i = 0; i < c->n_slots; i++)
                slot_close(&c->slots[i]);
        pipes_done(&c->shared.pipes);
        sd_event_source_disable_unref(c->grace);
        sd_event_source_disable_unref(c->retry);
        if (c->reported)
                (void) unlink(c->report_path);
        free(c->reported);
        free(c->report_path);
        free(c->table_path);
        free(c);
        return NULL;
}
