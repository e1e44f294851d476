/* SPDX-License-Identifier: MIT */

/*
 * wslbridgectl wait: waits until services are active, or cannot become so without a change.
 */

#include "agent/ctl/client/agent-state.h"
#include "agent/ctl/client/outcome.h"
#include "agent/ctl/client/watch.h"
#include "agent/ctl/ctl.h"
#include "agent/ctl/show/terminal.h"
#include "agent/ctl/show/view.h"

#include <errno.h>
#include <string.h>

typedef struct WaitNames {
        const char *const *names;
        size_t n;
} WaitNames;

static int wait_look(const Report *report, void *userdata) {
        const WaitNames *w = userdata;

        return outcome_all_active(report, w->names, w->n) ? CTL_EXIT_OK : CTL_WAIT_MORE;
}

static const ConfigService *config_service(const Config *config, const char *name) {
        for (size_t i = 0; i < config->n_services; i++)
                if (strcmp(config->services[i].name, name) == 0)
                        return &config->services[i];
        return NULL;
}

/* Waiting for a name that no file has would never end. */
static int wait_check_names(const CtlOptions *o, int n, char **names) {
        _cleanup_(config_freep) Config *config = NULL;

        if (config_load(o->root, &config) < 0)
                return ctl_error_errno(ENOMEM, "read", "the configuration");
        for (int i = 0; i < n; i++) {
                const ConfigService *s = config_service(config, names[i]);

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

int ctl_wait(const CtlOptions *o, int n, char **names) {
        _cleanup_(report_freep) Report *report = NULL;
        WaitNames w = {.names = (const char *const *) names, .n = (size_t) n};
        uint64_t timeout = o->timeout_usec ? o->timeout_usec : CTL_TIMEOUT_NEVER;
        Style style = terminal_style();
        Buffer out = BUFFER_NULL;
        int r = wait_check_names(o, n, names);

        if (r != CTL_EXIT_OK)
                return r;
        r = ctl_agent_wait(o->root, timeout, "waiting until all are active", wait_look, &w,
                           &report);
        if (r != CTL_EXIT_TIMEOUT)
                return r;
        if (!report) {
                (void) ctl_error("The agent does not run; start it with 'systemctl start "
                                 "wslbridge-agent'");
                return CTL_EXIT_NOT_RUNNING;
        }
        (void) ctl_error(
                "Not all services have become active in time; 'wslbridgectl doctor' says why");
        view_services(report, n > 0 ? w.names : NULL, &style, &out);
        return terminal_print(&out) < 0 ? CTL_EXIT_FAILURE : CTL_EXIT_TIMEOUT;
}
