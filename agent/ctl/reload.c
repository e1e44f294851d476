/* SPDX-License-Identifier: MIT */

/*
 * wslbridgectl reload: lets the agent read all files again, and says which of them are not in
 * force. The unit runs it as ExecReload=, so that 'systemctl reload' fails when a file has a
 * problem, and 'systemctl status' shows why.
 */

#include "agent/ctl/client/agent-state.h"
#include "agent/ctl/client/problems.h"
#include "agent/ctl/client/watch.h"
#include "agent/ctl/ctl.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#define TIMEOUT_RELOAD (10 * USEC_PER_SEC) /* less than TimeoutStartSec= of the unit */

/* @userdata: when the signal was sent. What the agent has read since is what was there then. */
static int reload_look(const Report *report, void *userdata) {
        const uint64_t *since_usec = userdata;

        if (!report)
                return CTL_EXIT_NOT_RUNNING;
        return report->config_read.monotonic_usec >= *since_usec ? CTL_EXIT_OK : CTL_WAIT_MORE;
}

static int reload_answer(const Report *report) {
        if (report->n_problems == 0) {
                (void) printf("All files are in force: %zu service%s.\n", report->n_services,
                              report->n_services == 1 ? "" : "s");
                return CTL_EXIT_OK;
        }
        (void) ctl_error("The files were read, but not all are in force:");
        for (size_t i = 0; i < report->n_problems; i++)
                ctl_problem_print(&report->problems[i]);
        return CTL_EXIT_FAILURE;
}

int ctl_reload(const CtlOptions *o, int n, char **names) {
        _cleanup_(report_freep) Report *before = NULL, *after = NULL;
        uint64_t timeout = o->timeout_usec ? o->timeout_usec : TIMEOUT_RELOAD, since_usec;
        int r = ctl_agent_require(o->root, &before);

        if (r != CTL_EXIT_OK)
                return r;
        /* A status is shown when in doubt, but no process gets a signal that may not be the agent.
         */
        if (!ctl_agent_is(before->pid))
                return ctl_error("Cannot see whether process %d is the agent, because /proc does "
                                 "not show it; run 'systemctl reload " NAMES_AGENT_UNIT "'",
                                 before->pid);
        since_usec = now_usec();
        if (kill(before->pid, SIGHUP) < 0)
                return ctl_error_errno(errno, "reload", "the agent");
        r = ctl_agent_wait(o->root, timeout, "waiting for the agent", reload_look, &since_usec,
                           &after);
        if (r == CTL_EXIT_OK)
                return reload_answer(after);
        if (r == CTL_EXIT_NOT_RUNNING)
                (void) ctl_error("The agent has ended; see 'journalctl -u wslbridge-agent'");
        else if (r == CTL_EXIT_TIMEOUT)
                (void) ctl_error("The agent has not read the files in time; see 'journalctl -u "
                                 "wslbridge-agent'");
        return r;
}
