/* SPDX-License-Identifier: MIT */

/*
 * wslbridgectl wait: waits until services are active as the files on the disk want them, or until
 * it is known that a file has a problem.
 */

#include "agent/ctl/client/agent-state.h"
#include "agent/ctl/client/outcome.h"
#include "agent/ctl/client/problems.h"
#include "agent/ctl/client/watch.h"
#include "agent/ctl/ctl.h"
#include "agent/ctl/show/terminal.h"
#include "agent/ctl/show/view.h"

#include <errno.h>
#include <string.h>

#define WAIT_BLOCKED (-2) /* of wait_look(): unlike any CtlExit and CTL_WAIT_MORE */

typedef struct Wait {
        const char *root;
        const char *const *names; /* NULL-terminated */
        size_t n;                 /* 0: all */
        bool unread;              /* the agent has not read what is on the disk now */
} Wait;

/* The next problem from @i on that concerns what is waited for; NULL: none. */
static const ReportProblem *wait_problem(const Wait *w, const Report *report, size_t *i) {
        while (*i < report->n_problems) {
                const ReportProblem *p = &report->problems[(*i)++];

                for (size_t k = 0; k < w->n; k++)
                        if (ctl_problem_of(p, w->names[k]))
                                return p;
                if (w->n == 0)
                        return p;
        }
        return NULL;
}

/* What the agent says about files from before is no answer: the files of this moment count. */
static int wait_look(const Report *report, void *userdata) {
        _cleanup_(config_freep) Config *config = NULL;
        Wait *w = userdata;
        bool blocked;
        size_t i = 0;

        w->unread = false;
        if (!report)
                return CTL_WAIT_MORE;
        blocked = wait_problem(w, report, &i) != NULL;
        if (!blocked && !outcome_all_active(report, w->names, w->n))
                return CTL_WAIT_MORE;
        if (config_load(w->root, &config) < 0)
                return ctl_error_errno(ENOMEM, "read", "the configuration");
        w->unread = !ctl_agent_has_read(w->root, report, config);
        return w->unread ? CTL_WAIT_MORE : blocked ? WAIT_BLOCKED : CTL_EXIT_OK;
}

static bool has_problem(const Config *config, const char *name) {
        for (size_t i = 0; i < config->n_problems; i++)
                if (ctl_problem_of(&(ReportProblem){.file = config->problems[i].file}, name))
                        return true;
        return false;
}

/* Waiting for a name that no file has would never end. */
static int wait_check_names(const CtlOptions *o, int n, char **names) {
        _cleanup_(config_freep) Config *config = NULL;

        if (config_load(o->root, &config) < 0)
                return ctl_error_errno(ENOMEM, "read", "the configuration");
        for (int i = 0; i < n; i++) {
                const ConfigService *s = config_find(config, names[i]);

                if (!s && has_problem(config, names[i]))
                        continue; /* the agent may have something else in force */
                if (!s) {
                        (void) ctl_error("There is no service '%s'; 'wslbridgectl list' shows all",
                                         names[i]);
                        return CTL_EXIT_NO_SERVICE;
                }
                if (!s->enabled)
                        return ctl_error("Service '%s' is disabled; set 'enabled = yes' in %s",
                                         names[i], s->file);
        }
        return CTL_EXIT_OK;
}

static int wait_blocked(const Wait *w, const Report *report) {
        const ReportProblem *p;
        size_t i = 0;

        (void) ctl_error("Waiting does not help, because not all files are in force:");
        while ((p = wait_problem(w, report, &i)))
                ctl_problem_print(p);
        return CTL_EXIT_FAILURE;
}

static int wait_timeout(const Wait *w, const Report *report) {
        Style style = terminal_style();
        Buffer out = BUFFER_NULL;

        if (!report) {
                (void) ctl_error("The agent does not run; %s", ctl_start_advice(w->root));
                return CTL_EXIT_NOT_RUNNING;
        }
        if (w->unread) {
                (void) ctl_error(
                        "The agent has not read the files that are there now; let it do so "
                        "with 'wslbridgectl reload'");
                return CTL_EXIT_TIMEOUT;
        }
        (void) ctl_error(
                "Not all services have become active in time; 'wslbridgectl doctor' says why");
        view_services(report, w->n > 0 ? w->names : NULL, &style, &out);
        return terminal_print(&out) < 0 ? CTL_EXIT_FAILURE : CTL_EXIT_TIMEOUT;
}

int ctl_wait(const CtlOptions *o, int n, char **names) {
        _cleanup_(report_freep) Report *report = NULL;
        Wait w = {.root = o->root, .names = (const char *const *) names, .n = (size_t) n};
        uint64_t timeout = o->timeout_usec ? o->timeout_usec : CTL_TIMEOUT_NEVER;
        int r = wait_check_names(o, n, names);

        if (r != CTL_EXIT_OK)
                return r;
        r = ctl_agent_wait(o->root, timeout, "waiting until all are active", wait_look, &w,
                           &report);
        if (r == WAIT_BLOCKED)
                return wait_blocked(&w, report);
        return r == CTL_EXIT_TIMEOUT ? wait_timeout(&w, report) : r;
}
