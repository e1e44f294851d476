/* SPDX-License-Identifier: MIT */

/*
 * wslbridgectl unexpose: removes the service's file from /etc, or masks a file in a later folder,
 * and waits until the agent has dropped the service.
 */

#include "agent/ctl/client/agent-state.h"
#include "agent/ctl/client/outcome.h"
#include "agent/ctl/client/service-files.h"
#include "agent/ctl/client/watch.h"
#include "agent/ctl/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int unexpose_look(const Report *report, void *userdata) {
        return outcome_is_gone(report, userdata) ? CTL_EXIT_OK : CTL_WAIT_MORE;
}

static int unexpose_wait(const CtlOptions *o, char *name) {
        _cleanup_(report_freep) Report *report = NULL;
        uint64_t timeout = o->timeout_usec ? o->timeout_usec : CTL_TIMEOUT_EXPOSE;
        int r = ctl_agent_wait(o->root, timeout, "waiting for the agent", unexpose_look, name,
                               &report);

        if (r == CTL_EXIT_TIMEOUT)
                (void) ctl_error("The agent has not dropped '%s' in time; see 'journalctl -u "
                                 "wslbridge-agent'",
                                 name);
        return r;
}

/* A file in /etc is removed; a file in a later folder is masked. Return: CtlExit. */
static int unexpose_files(const CtlOptions *o, const char *name, const char *path) {
        const char *shown = path + strlen(o->root);
        _cleanup_close_ int lock = ctl_services_lock(o->root);
        int kind, below, r;

        if (lock < 0)
                return ctl_lock_error(-lock, "services");
        kind = ctl_file_kind(path);
        below = ctl_service_below(o->root, name);

        if (kind < 0 || below < 0)
                return ctl_error_errno(kind < 0 ? -kind : -below, "read", shown);
        if (kind == CTL_FILE_MASK || (kind == CTL_FILE_ABSENT && below == 0))
                return CTL_EXIT_NO_SERVICE;
        if (kind == CTL_FILE_OTHER && !o->force)
                return ctl_error("%s was made or changed by hand; set 'enabled = no' in it, or "
                                 "remove it with --force",
                                 shown);
        r = below ? ctl_file_mask(path) : ctl_file_remove(path);
        if (r < 0)
                return ctl_error_errno(-r, below ? "write" : "remove", shown);
        (void) printf(below ? "Masked by %s.\n" : "Removed %s.\n", shown);
        (void) fflush(stdout);
        return CTL_EXIT_OK;
}

int ctl_unexpose(const CtlOptions *o, int n, char **names) {
        char by_port[WIRE_SERVICE_NAME_MAX + 1];
        char *candidates[] = {names[0], by_port};
        bool port = service_request_name(names[0], by_port);

        for (size_t i = 0; i < (port ? 2 : 1); i++) {
                _cleanup_free_ char *path = NULL;
                int r;

                if (!wire_service_name_valid(candidates[i]))
                        continue;
                path = ctl_service_path(o->root, 0, candidates[i]);
                if (!path)
                        return ctl_error_errno(ENOMEM, "remove", candidates[i]);
                r = unexpose_files(o, candidates[i], path);
                if (r == CTL_EXIT_OK && !o->no_wait)
                        return unexpose_wait(o, candidates[i]);
                if (r != CTL_EXIT_NO_SERVICE)
                        return r;
        }
        (void) ctl_error("There is no service '%s'; 'wslbridgectl list' shows all", names[0]);
        return CTL_EXIT_NO_SERVICE;
}
