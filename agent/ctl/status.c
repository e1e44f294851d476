/* SPDX-License-Identifier: MIT */

/*
 * wslbridgectl status and list.
 */

#include "agent/ctl/client/agent-state.h"
#include "agent/ctl/client/outcome.h"
#include "agent/ctl/ctl.h"
#include "agent/ctl/show/terminal.h"
#include "agent/ctl/show/view.h"
#include "agent/util/json-build.h"

#include <errno.h>
#include <stdio.h>

/* Takes ownership of @json. Everything but ASCII is escaped, so that no text can control the
 * terminal. */
static int print_json(json_t *json) {
        Buffer out = BUFFER_NULL;

        json_to_buffer(json, JSON_INDENT(2) | JSON_ENSURE_ASCII, &out);
        json_decref(json);
        buffer_printf(&out, "\n");
        return terminal_print(&out) < 0 ? CTL_EXIT_FAILURE : CTL_EXIT_OK;
}

/* The exit code for the state of the named services. */
static int names_exit(const Report *report, int n, char **names) {
        int result = CTL_EXIT_OK;

        for (int i = 0; i < n; i++) {
                if (!report_service(report, names[i])) {
                        (void) ctl_error("There is no service '%s'; 'wslbridgectl list' shows all",
                                         names[i]);
                        result = CTL_EXIT_NO_SERVICE;
                } else if (outcome_of(report, names[i]) != OUTCOME_ACTIVE &&
                           result == CTL_EXIT_OK) {
                        result = CTL_EXIT_NOT_RUNNING;
                }
        }
        return result;
}

int ctl_status(const CtlOptions *o, int n, char **names) {
        _cleanup_(report_freep) Report *report = NULL;
        Style style = terminal_style();
        Buffer out = BUFFER_NULL;
        int r = ctl_agent_require(o->root, &report), result;

        if (r != CTL_EXIT_OK)
                return r;
        result = names_exit(report, n, names);
        if (o->json)
                return print_json(json_incref(report->root)) ? CTL_EXIT_FAILURE : result;
        if (n == 0) {
                view_header(report, &style, now_usec(), &out);
                buffer_printf(&out, "\n");
        }
        if (n == 0 && report->n_services == 0)
                buffer_printf(&out,
                              "There are no services; 'wslbridgectl expose PORT' adds one.\n");
        else
                view_services(report, n > 0 ? (const char *const *) names : NULL, &style, &out);
        return terminal_print(&out) < 0 ? CTL_EXIT_FAILURE : result;
}

int ctl_list(const CtlOptions *o, int n, char **names) {
        _cleanup_(report_freep) Report *report = NULL;
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_free_ char *problem = NULL;
        Style style = terminal_style();
        Buffer out = BUFFER_NULL;

        if (config_load(o->root, &config) < 0 ||
            ctl_agent_read(o->root, &report, &problem) == -ENOMEM)
                return ctl_error_errno(ENOMEM, "read", "the configuration");
        if (config->n_problems > 0)
                (void) ctl_error("The configuration has problems, and the files that have them are "
                                 "not listed; see 'wslbridgectl check'");
        if (o->json)
                return print_json(view_list_json(config, report));
        if (config->n_services == 0)
                buffer_printf(&out,
                              "There are no services; 'wslbridgectl expose PORT' adds one.\n");
        else
                view_list(config, report, &style, &out);
        return terminal_print(&out) < 0 ? CTL_EXIT_FAILURE : CTL_EXIT_OK;
}
