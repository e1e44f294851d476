/* SPDX-License-Identifier: MIT */

/*
 * Services with 'connect = loopback': writes the table for wslbridge-loopback, and judges from its
 * report what has become of them.
 *
 * The table has nothing but ports of the guest's own drop-ins, its address and its gateway, so the
 * host has no say in where connections lead.
 */

#include "agent/daemon/agent-private.h"

#include "agent/loop/timer.h"
#include "agent/loopback/table/outcome.h"
#include "agent/util/small-file.h"

#include "protocol/wire/modes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FOLDER_NAME "loopback" /* beside the agent's own */

/* systemd starts the program within milliseconds, and again a second after a failure. In a
 * boot it waits for basic.target, which a slow machine reaches seconds after the agent has started.
 */
#define PATIENCE_USEC (15 * USEC_PER_SEC)
#define AGAIN_USEC    (2 * USEC_PER_SEC) /* until a table is tried again that was not written */
/* How long connections outlive the gateway: as long as the program waits for the agent. */
#define HOLD_USEC (10 * USEC_PER_SEC)
#define ACCURACY  (USEC_PER_SEC / 4)

/* Until that is known, the gateway may be a router of the host's network and not the host. */
static const WireService *loopback_service(const Agent *a, size_t i) {
        const ConfigService *service = &a->config.current->services[i];
        const WireService *wire;

        if (!service->enabled || !wsl_settled(a->guest.wsl))
                return NULL;
        wire = &a->config.current->wire.services[service->wire];
        if (wire->options[WIRE_OPTION_CONNECT] != WIRE_CONNECT_LOOPBACK)
                return NULL;
        return agent_is_behind_host(a) || agent_host_problem(a) ? wire : NULL;
}

static bool is_udp(const WireService *service) {
        return service->options[WIRE_OPTION_PROTOCOL] == WIRE_PROTOCOL_UDP;
}

static LoopbackHost agent_host(const Agent *a) {
        const WireAddress *w = agent_published(a);
        LoopbackHost host = {
                .guest = w->addr,
                .gateway = w->gateway,
                .index = (unsigned) a->address.choice.index,
        };

        memcpy(host.interface, a->address.choice.interface, sizeof(host.interface));
        return host;
}

/* Update once more after that time. */
static int agent_look_again(Agent *a, uint64_t usec) {
        return loop_timer_start(a->loopback.again, usec);
}

/* A default route may be away for a moment, as when somebody sets it anew, and that must not reset
 * the connections. Return: whether the host in force still counts, although there is none now. */
static bool agent_hold_host(Agent *a) {
        uint64_t now = now_usec();

        if (!a->loopback.host_problem || !a->loopback.written || a->loopback.table.n_ports == 0) {
                a->loopback.lost_usec = 0;
                return false;
        }
        if (a->loopback.lost_usec == 0)
                a->loopback.lost_usec = now;
        if (now - a->loopback.lost_usec >= HOLD_USEC)
                return false;
        return agent_look_again(a, a->loopback.lost_usec + HOLD_USEC - now) >= 0;
}

static void agent_fill_table(Agent *a, LoopbackTable *t) {
        const WireListen *listens = a->config.current->wire.listens;

        *t = (LoopbackTable){.host = agent_host(a)};
        a->loopback.host_problem = loopback_host_problem(&t->host);
        if (agent_hold_host(a)) {
                t->host = a->loopback.table.host;
                a->loopback.host_problem = NULL;
        }
        if (!a->loopback.host_problem)
                a->loopback.host_problem = agent_host_problem(a);
        if (a->loopback.host_problem)
                return;
        for (size_t i = 0; i < a->config.current->n_services; i++) {
                const WireService *service = loopback_service(a, i);

                for (uint32_t k = 0; service && k < service->n_listens; k++) {
                        const WireListen *l = &listens[service->first_listen + k];

                        for (uint32_t p = 0; p < l->count; p++)
                                (void) loopback_table_add(t, is_udp(service),
                                                          (uint16_t) (l->connect_port + p));
                }
        }
}

static void agent_remove_files(const Agent *a) {
        (void) unlink(a->loopback.wanted_path);
        (void) unlink(a->loopback.table_path);
}

/* The program may start as soon as it is wanted, so the table comes first; and it ends as soon as
 * the table is empty, so by then it must not be wanted. A table that cannot be written takes the
 * one before away, which may have a service that was withdrawn: without any, the program ends. */
static int agent_write_table(Agent *a) {
        Buffer text = BUFFER_NULL;
        int r;

        if (a->loopback.table.n_ports == 0)
                (void) unlink(a->loopback.wanted_path);
        loopback_table_format(&a->loopback.table, &text);
        r = text.oom ? -ENOMEM : small_file_replace(a->loopback.table_path, buffer_text(&text));
        buffer_done(&text);
        if (r == 0 && a->loopback.table.n_ports > 0)
                r = small_file_replace(a->loopback.wanted_path, "");
        if (r < 0 && !a->loopback.failed)
                journal_fields(&a->journal, LOG_WARNING, FIELDS(.error = -r),
                               "Cannot write %s, trying again: %s; until then nothing is carried "
                               "to 127.0.0.1",
                               a->loopback.table_path, strerror(-r));
        if (r == 0 && a->loopback.failed)
                a->loopback.missed_usec = 0; /* only now the program can know */
        a->loopback.failed = r < 0;
        a->loopback.written = r == 0;
        if (r == 0)
                return 0;
        agent_remove_files(a);
        return r == -ENOMEM ? r : agent_look_again(a, AGAIN_USEC);
}

static int agent_on_report_file(void *userdata) {
        Agent *a = userdata;

        deferred_work_request(a->loopback.update);
        return 0;
}

/* Return: 0 or negative errno. Where the folder cannot be watched, such as without systemd, the
 * report is read when something else has happened. */
static int agent_watch_report(Agent *a, bool wanted) {
        int r;

        if (!wanted)
                a->loopback.watch = folder_watch_free(a->loopback.watch);
        if (!wanted || a->loopback.watch)
                return 0;
        r = folder_watch_new(&a->loopback.watch, a->event, a->loopback.folder, agent_on_report_file,
                             a);
        return r == -ENOMEM ? r : 0;
}

/* Wait for a program that is wanted and does not run, or has not taken the table yet. */
static int agent_be_patient(Agent *a, bool wanted) {
        bool there = a->loopback.runs && a->loopback.written &&
                     loopback_report_covers(&a->loopback.report, &a->loopback.table);
        int r = 0;

        if (!wanted || there) {
                a->loopback.missed_usec = 0;
        } else if (a->loopback.missed_usec == 0) {
                a->loopback.missed_usec = now_usec();
                r = loop_timer_start(a->loopback.patience, PATIENCE_USEC);
        }
        return r < 0 ? r : 0;
}

static int agent_read_report(Agent *a, bool wanted) {
        _cleanup_free_ char *text = NULL;
        int r = -ENOENT;

        if (wanted)
                r = small_file_read(a->loopback.report_path, LOOPBACK_TEXT_MAX, &text);
        if (r == -ENOMEM)
                return r;
        a->loopback.runs = r == 0 && !loopback_report_parse(text, &a->loopback.report);
        return agent_be_patient(a, wanted);
}

static void agent_log_loopback(Agent *a, const char *name, const LoopbackOutcome *o) {
        Buffer text = BUFFER_NULL;

        loopback_outcome_text(o, a->loopback.host_problem, &text);
        journal_fields(&a->journal, LOG_WARNING,
                       FIELDS(.id = MESSAGE_SERVICE_PROBLEM, .service = name,
                              .state = loopback_state_name(o->state)),
                       "Service '%s': %s", name, buffer_text(&text));
        buffer_done(&text);
}

static LoopbackOutcome agent_judge(const Agent *a, const WireService *service,
                                   const LoopbackSituation *situation) {
        LoopbackOutcome worst = {.state = LOOPBACK_NOT_ASKED};

        for (uint32_t i = 0; i < service->n_listens; i++) {
                const WireListen *l = &a->config.current->wire.listens[service->first_listen + i];

                worst = loopback_worse(worst, loopback_outcome(situation, is_udp(service),
                                                               l->connect_port, l->count));
        }
        return worst;
}

/* Log each change to the worse, and the first lines only. */
static bool loopback_is_news(StatusService *s) {
        bool good = s->loopback.state <= LOOPBACK_STARTING;
        bool news = !good && s->loopback_logged != s->loopback.state;

        if (!good || s->loopback.state == LOOPBACK_CARRIED)
                s->loopback_logged = s->loopback.state;
        return news;
}

static void agent_judge_services(Agent *a) {
        LoopbackSituation situation = {
                .host_problem = a->loopback.host_problem,
                .table = &a->loopback.table,
                .report = a->loopback.runs ? &a->loopback.report : NULL,
                .starting = now_usec() - a->loopback.missed_usec < PATIENCE_USEC,
        };
        bool changed = false;
        size_t n_news = 0;

        for (size_t i = 0; i < a->config.current->n_services; i++) {
                const WireService *service = loopback_service(a, i);
                StatusService *s = &a->services.states[i];
                LoopbackOutcome o = {.state = LOOPBACK_NOT_ASKED};

                if (service)
                        o = agent_judge(a, service, &situation);
                changed = changed || s->loopback.state != o.state || s->loopback.port != o.port ||
                          s->loopback.error != o.error;
                s->loopback = o;
                if (loopback_is_news(s) && ++n_news <= AGENT_LOGGED_SERVICES)
                        agent_log_loopback(a, a->config.current->services[i].name, &o);
        }
        if (!changed)
                return;
        deferred_work_request(a->ports.check);
        agent_report_later(a);
}

static int agent_on_update_loopback(void *userdata) {
        Agent *a = userdata;
        LoopbackTable table;
        bool wanted;
        int r = 0;

        agent_fill_table(a, &table);
        wanted = table.n_ports > 0;
        if (!wanted && !a->loopback.written && !a->loopback.failed) {
                agent_remove_files(a); /* of an agent that was killed */
        } else if (!a->loopback.written || !loopback_table_equal(&table, &a->loopback.table)) {
                a->loopback.table = table;
                r = agent_write_table(a);
        }
        if (r >= 0)
                r = agent_watch_report(a, wanted);
        if (r >= 0)
                r = agent_read_report(a, wanted);
        if (r < 0)
                return r;
        agent_judge_services(a);
        return 0;
}

static int agent_on_patience(sd_event_source *s, uint64_t usec, void *userdata) {
        return agent_on_report_file(userdata);
}

/* The program's folder is beside ours: /run/wslbridge/agent and /run/wslbridge/loopback. An agent
 * that is started by hand where nothing is installed has the folder above. */
static int agent_set_loopback_paths(Agent *a) {
        const char *own = a->report.directory;
        int n = strcmp(own, STATUS_DIRECTORY) == 0 ? (int) strlen(own)
                                                   : (int) (strrchr(own, '/') - own);

        if (asprintf(&a->loopback.folder, "%.*s/" FOLDER_NAME, n, own) < 0)
                a->loopback.folder = NULL;
        if (asprintf(&a->loopback.report_path, "%.*s/" FOLDER_NAME "/" LOOPBACK_REPORT_FILE, n,
                     own) < 0)
                a->loopback.report_path = NULL;
        if (asprintf(&a->loopback.table_path, "%s/" LOOPBACK_TABLE_FILE, own) < 0)
                a->loopback.table_path = NULL;
        if (asprintf(&a->loopback.wanted_path, "%s/" LOOPBACK_WANTED_FILE, own) < 0)
                a->loopback.wanted_path = NULL;
        return a->loopback.folder && a->loopback.report_path && a->loopback.table_path &&
                               a->loopback.wanted_path
                       ? 0
                       : -ENOMEM;
}

int agent_new_loopback(Agent *a) {
        int r = agent_set_loopback_paths(a);

        if (r >= 0)
                r = deferred_work_new(&a->loopback.update, a->event, agent_on_update_loopback, a);
        if (r >= 0)
                r = loop_timer_new(a->event, ACCURACY, agent_on_patience, a, &a->loopback.patience);
        if (r >= 0)
                r = loop_timer_new(a->event, ACCURACY, agent_on_patience, a, &a->loopback.again);
        return r < 0 ? r : 0;
}

void agent_done_loopback(Agent *a) {
        if (a->loopback.written || a->loopback.failed)
                agent_remove_files(a);
        folder_watch_free(a->loopback.watch);
        sd_event_source_disable_unref(a->loopback.patience);
        sd_event_source_disable_unref(a->loopback.again);
        deferred_work_free(a->loopback.update);
        free(a->loopback.folder);
        free(a->loopback.report_path);
        free(a->loopback.table_path);
        free(a->loopback.wanted_path);
}
