/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: the running agent, as far as status.json shows it, and waiting for it
 * to change. Nothing is polled: inotify tells of a new file, a pidfd of the agent's end.
 */

#include "agent/ctl/ctl.h"
#include "agent/status/read.h"

#define CTL_STATUS_PATH "/run/wslbridge/status.json" /* below the root */

enum {
        _CTL_AGENT_E_SUCCESS,
        CTL_AGENT_E_NOT_RUNNING, /* there is no status file, or it is left from a crash */
        CTL_AGENT_E_BAD,         /* there is one that cannot be understood */
};

/**
 * ctl_agent_read() - what the running agent says
 * @ret_problem: for the positive outcomes, a sentence for people; owned by the caller
 *
 * Return: 0, CTL_AGENT_E_NOT_RUNNING, CTL_AGENT_E_BAD, or negative errno.
 */
int ctl_agent_read(const char *root, Report **ret_report, char **ret_problem);

/* The same, for commands that can do nothing without: complains. Return: CtlExit. */
int ctl_agent_require(const char *root, Report **ret_report);

/* Whether @pid is a wslbridge-agent: the file that names it may be old, or forged by the agent's
 * user, and the number be another program's. */
bool ctl_agent_is(int pid);

#define CTL_WAIT_MORE (-1)

/* Looks at a status. @report: NULL while no agent runs. Return: the CtlExit to end with, or
 * CTL_WAIT_MORE. */
typedef int (*CtlWaitFn)(const Report *report, void *userdata);

/**
 * ctl_agent_wait() - until @fn is content
 * @timeout_usec: or CTL_TIMEOUT_NEVER
 * @text: what the spinner says
 * @ret_report: the status that was looked at last, NULL when there was none
 *
 * Return: what @fn returned, CTL_EXIT_TIMEOUT, or CTL_EXIT_FAILURE (told).
 */
int ctl_agent_wait(const char *root, uint64_t timeout_usec, const char *text, CtlWaitFn fn,
                   void *userdata, Report **ret_report);
