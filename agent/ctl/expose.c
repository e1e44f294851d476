/* SPDX-License-Identifier: MIT */

/*
 * wslbridgectl expose: writes a service file, after checking it together with all others, and shows
 * the host's answer to exactly this service.
 */

#include "agent/ctl/client/agent-state.h"
#include "agent/ctl/client/outcome.h"
#include "agent/ctl/client/service-files.h"
#include "agent/ctl/client/watch.h"
#include "agent/ctl/ctl.h"
#include "agent/ctl/mode-note.h"
#include "agent/ctl/show/terminal.h"
#include "agent/ctl/show/view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define EXPOSE_REJECTED (-2) /* of expose_look(): unlike any CtlExit and CTL_WAIT_MORE */

typedef struct Expose {
        const CtlOptions *options;
        ServiceRequest request;
        char name[WIRE_SERVICE_NAME_MAX + 1];
        /* owned */
        char *path;  /* below the root */
        Buffer text; /* of the file */
        CtlFileBackup backup;
        Expected expected;
} Expose;

static void expose_done(Expose *e) {
        free(e->path);
        ctl_file_backup_done(&e->backup);
        buffer_done(&e->text);
}

/* The options have the same names as the keys of the file. */
static int expose_request(Expose *e, const ServiceRequest *request) {
        ConfigProblems problems = CONFIG_PROBLEMS_NULL;
        ServiceFile *file = malloc(sizeof(*file));
        int r = CTL_EXIT_OK;

        config_problems_begin(&problems, "");
        if (file)
                service_request_parse(request, file, &problems);
        for (size_t i = 0; i < problems.n; i++) {
                const ConfigProblem *p = &problems.items[i];
                (void) ctl_error("%s: %s", p->key ? p->key : request->ports, p->message);
                r = CTL_EXIT_USAGE;
        }
        if (!file || problems.oom)
                r = ctl_error_errno(ENOMEM, "prepare", "the service");
        if (r == CTL_EXIT_OK)
                service_file_format(file, &e->text);
        config_problems_done(&problems);
        free(file);
        return r;
}

static int expose_name(Expose *e, const ServiceRequest *request) {
        const char *name = request->name;

        if (!name && !service_request_name(request->ports, e->name)) {
                (void) ctl_error(
                        "'%s' is not PORT, PORT:GUESTPORT or PORT/udp, such as 8080, 2222:22 or "
                        "5060/udp",
                        request->ports);
                return CTL_EXIT_USAGE;
        }
        if (name && !wire_service_name_valid(name)) {
                (void) ctl_error("'%s' cannot be a name: use up to 64 characters of A-Z a-z 0-9 . "
                                 "_ -, beginning with a letter or digit",
                                 name);
                return CTL_EXIT_USAGE;
        }
        if (name)
                (void) stpcpy(e->name, name);
        return CTL_EXIT_OK;
}

/* Whether the file that would be replaced is ours. */
static int expose_check_file(Expose *e) {
        const CtlOptions *o = e->options;
        int kind = ctl_file_kind(e->path);
        int below = ctl_service_below(o->root, e->name);

        if (kind < 0 || below < 0)
                return ctl_error_errno(kind < 0 ? -kind : -below, "read", e->path);
        if (kind == CTL_FILE_MASK && !o->force)
                return ctl_error("%s turns off the service '%s' on purpose; choose another --name, "
                                 "or replace it with --force",
                                 e->path + strlen(o->root), e->name);
        if (kind == CTL_FILE_OTHER && !o->force)
                return ctl_error("%s was made or changed by hand; choose another --name, or "
                                 "replace it with --force",
                                 e->path + strlen(o->root));
        if (kind == CTL_FILE_ABSENT && below > 0 && !o->force)
                return ctl_error("There is already a service '%s' in %s/%s; choose another --name, "
                                 "or override it with --force",
                                 e->name, config_prefixes[below], CONFIG_SERVICE_DIR);
        return CTL_EXIT_OK;
}

/* Print the problems of the new file. Return: their number. */
static size_t expose_tell_problems(const Config *config, const char *file) {
        size_t n = 0;

        for (size_t i = 0; i < config->n_problems; i++) {
                _cleanup_free_ char *text = NULL;

                if (strcmp(config->problems[i].file, file) != 0)
                        continue;
                if (n++ == 0)
                        (void) ctl_error("Nothing was changed, because the new file would have a "
                                         "problem:");
                if (config_problem_format(&config->problems[i], &text) >= 0)
                        (void) fprintf(stderr, "  %s\n", text);
        }
        return n;
}

/* The other files come first, so when two of them clash, the new one has the problem. Problems that
 * others have are not in its way. */
static int expose_check_set(Expose *e) {
        const char *file = e->path + strlen(e->options->root);
        _cleanup_(config_freep) Config *now = NULL, *then = NULL;
        ConfigCandidate candidate = {
                .name = e->name, .data = buffer_bytes(&e->text), .n = buffer_length(&e->text)};

        if (config_load(e->options->root, &now) < 0 ||
            config_load_candidate(e->options->root, &candidate, now, &then) < 0)
                return ctl_error_errno(ENOMEM, "read", "the configuration");
        if (expose_tell_problems(then, file) > 0)
                return CTL_EXIT_FAILURE;
        if (now->passing || then->passing) /* then nobody knows what the new file may clash with */
                return ctl_error("Nothing was changed, because other files cannot be read now; try "
                                 "again");
        e->expected = (Expected){.name = e->name, .file = file, .fingerprint = then->fingerprint};
        /* Else what the agent has in force may be the request, even if it reads nothing more. */
        if (!service_same_request(now, then, e->name))
                e->expected.since_usec = now_usec();
        return CTL_EXIT_OK;
}

static int expose_look(const Report *report, void *userdata) {
        const Expose *e = userdata;

        if (!report)
                return CTL_EXIT_NOT_RUNNING;
        switch (outcome_of_new(report, &e->expected)) {
        case OUTCOME_PENDING:
                return CTL_WAIT_MORE;
        case OUTCOME_ACTIVE:
                return CTL_EXIT_OK;
        case OUTCOME_BROKEN:
                return EXPOSE_REJECTED;
        case OUTCOME_FAILED:
        case OUTCOME_REFUSED:
        case OUTCOME_OFF:
                return CTL_EXIT_FAILURE;
        }
        return CTL_EXIT_FAILURE;
}

/* @error: of ctl_service_write() or ctl_file_backup(). Return: CtlExit. */
static int expose_file_error(int error, const char *verb, const char *file) {
        if (error == CTL_FILE_E_LINK)
                return ctl_error(
                        "%s is a link that others than root could turn to another place, so "
                        "nothing was written through it; replace it by a copy of the file",
                        file);
        if (error == CTL_FILE_E_ODD)
                return ctl_error("%s is no service file, and could not be put back; remove it, or "
                                 "choose another --name",
                                 file);
        return ctl_error_errno(-error, verb, file);
}

/* The agent does not accept the file: for another file, which has a problem now, something is in
 * force that only the agent knows. So put back what was there, unless somebody else has changed it
 * since. */
static int expose_undo(Expose *e, const Report *report) {
        const ReportProblem *p = outcome_problem(report, e->expected.file);
        _cleanup_close_ int lock = ctl_services_lock(e->options->root);
        _cleanup_(ctl_file_backup_done) CtlFileBackup present = {0};
        int r = lock < 0 ? lock : ctl_file_backup(e->path, &present);
        bool ours;

        if (r == CTL_FILE_E_ODD)
                r = 0;
        ours = r == 0 && present.n == buffer_length(&e->text) &&
               memcmp(present.data, buffer_bytes(&e->text), present.n) == 0;
        if (ours)
                r = ctl_file_restore(e->path, &e->backup);
        if (r != 0)
                return expose_file_error(r, "restore", e->expected.file);
        return ctl_error("%s: %s%s%s",
                         ours ? "The change was undone, because the agent does not accept it"
                              : "The agent has not accepted the file, and somebody has changed it "
                                "since",
                         p->key, *p->key ? ": " : "", p->message);
}

/* Whether the host has done its part, and this guest has not yet. */
static bool expose_is_open(const Report *report, const char *name) {
        const ReportService *s = report ? report_service(report, name) : NULL;

        return s && strcmp(s->state, "active") == 0 && outcome_of(report, name) == OUTCOME_PENDING;
}

static int expose_wait(Expose *e) {
        _cleanup_(report_freep) Report *report = NULL;
        uint64_t timeout = e->options->timeout_usec;
        const char *names[] = {e->name, NULL};
        Style style = terminal_style();
        Buffer out = BUFFER_NULL;
        int r = ctl_agent_wait(e->options->root, timeout ? timeout : CTL_TIMEOUT_EXPOSE,
                               "waiting for the host's answer", expose_look, e, &report);

        if (r == CTL_EXIT_NOT_RUNNING) {
                (void) ctl_error("The agent does not run, so nothing is reachable yet; %s",
                                 ctl_start_advice(e->options->root));
                return r;
        }
        if (r == EXPOSE_REJECTED)
                return expose_undo(e, report);
        if (report && report_service(report, e->name)) {
                ctl_mode_note(report, NULL);
                view_services(report, names, &style, &out);
                if (terminal_print(&out) < 0)
                        return CTL_EXIT_FAILURE;
        }
        if (r == CTL_EXIT_TIMEOUT)
                (void) ctl_error("%s; the file stays, and 'wslbridgectl doctor' says what is wrong",
                                 expose_is_open(report, e->name)
                                         ? "The host has opened the port, but this guest does not "
                                           "carry it to 127.0.0.1 yet"
                                         : "The host has not answered in time");
        else if (r == CTL_EXIT_FAILURE && report && strcmp(report->helper_state, "refused") == 0)
                (void) ctl_error("The helper does not admit this guest; 'wslbridgectl doctor' says "
                                 "what to do");
        return r;
}

static int expose_prepare(Expose *e) {
        const ServiceRequest *request = &e->request;
        int r = expose_name(e, request);

        if (r == CTL_EXIT_OK)
                r = expose_request(e, request);
        if (r != CTL_EXIT_OK)
                return r;
        e->path = ctl_service_path(e->options->root, 0, e->name);
        if (!e->path || e->text.oom)
                return ctl_error_errno(ENOMEM, "prepare", "the service");
        return CTL_EXIT_OK;
}

static int expose_write(Expose *e) {
        _cleanup_close_ int lock = ctl_services_lock(e->options->root);
        int r;

        if (lock < 0)
                return ctl_lock_error(-lock, "services");
        r = expose_check_file(e);
        if (r == CTL_EXIT_OK)
                r = expose_check_set(e);
        if (r != CTL_EXIT_OK)
                return r;
        r = ctl_file_backup(e->path, &e->backup);
        if (r == 0)
                r = ctl_service_write(e->path, buffer_text(&e->text), buffer_length(&e->text),
                                      &e->expected.placed_usec);
        if (r != 0)
                return expose_file_error(r, "write", e->expected.file);
        return CTL_EXIT_OK;
}

int ctl_expose(const CtlOptions *o, int n, char **names) {
        _cleanup_(expose_done) Expose e = {.options = o, .request = o->request};
        int r;

        e.request.ports = names[0];
        r = expose_prepare(&e);
        if (r == CTL_EXIT_OK)
                r = expose_write(&e);
        if (r != CTL_EXIT_OK)
                return r;
        (void) printf("Wrote %s.\n", e.expected.file);
        (void) fflush(stdout);
        return o->no_wait ? CTL_EXIT_OK : expose_wait(&e);
}
