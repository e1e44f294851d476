/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: the running agent, as far as its status file shows it.
 */

#include "agent/config/config.h"
#include "agent/status/read.h"
#include "common/names.h"

#define CTL_STATUS_PATH "/run/wslbridge/status.json" /* below the root */
#define CTL_UNIT        NAMES_AGENT_UNIT ".service"  /* in which systemd runs the agent */

enum {
        _CTL_AGENT_E_SUCCESS,
        CTL_AGENT_E_NOT_RUNNING, /* there is no status file, or it was left by a crash */
        CTL_AGENT_E_BAD,         /* there is a status file, but it cannot be understood */
};

/**
 * ctl_agent_read() - read the status of the running agent
 * @ret_problem: for the positive outcomes, a sentence for people; owned by the caller
 *
 * Return: 0, CTL_AGENT_E_NOT_RUNNING, CTL_AGENT_E_BAD, or negative errno.
 */
int ctl_agent_read(const char *root, Report **ret_report, char **ret_problem);

/* The same, for commands that need a running agent: prints what is wrong. Return: CtlExit. */
int ctl_agent_require(const char *root, Report **ret_report);

/**
 * ctl_agent_has_read() - whether the agent has read the files that are there now
 * @config: as this program sees them
 *
 * The service sees less than a shell: a file that its sandbox hides is the same for it whatever the
 * file says. So a file that the agent alone cannot read does not count, or the answer would never
 * be yes. Return: also true where the agent alone cannot list a folder.
 */
bool ctl_agent_has_read(const char *root, const Report *report, const Config *config);

/* Whether systemd is process 1 there. */
bool ctl_systemd_runs(const char *root);

/* How to start the agent, as the end of a sentence: without systemd no systemctl helps. */
const char *ctl_start_advice(const char *root);

/* Whether @pid is a wslbridge-agent that has not ended. The file that names it may be old, or
 * forged by the agent's user, and the number may be that of another program. */
bool ctl_agent_is(int pid);

/* The same, but where /proc hides the processes of others from this user (hidepid=), any process
 * that has not ended counts. */
bool ctl_agent_may_run(int pid);
