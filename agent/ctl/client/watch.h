/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: waiting for the agent's status to change. Nothing is polled: inotify
 * reports a new status file, and a pidfd reports the agent's end.
 */

#include "agent/status/read.h"

#include <stdint.h>

#define CTL_TIMEOUT_NEVER UINT64_MAX
#define CTL_WAIT_MORE     (-1)

/* Looks at one status. @report: NULL while no agent runs. Return: the CtlExit to end with, or
 * CTL_WAIT_MORE. */
typedef int (*CtlWaitFn)(const Report *report, void *userdata);

/**
 * ctl_agent_wait() - show each new status to @fn until it asks for no more
 * @timeout_usec: the longest wait, or CTL_TIMEOUT_NEVER
 * @text: what the spinner says
 * @ret_report: the last status that @fn saw, NULL when there was none; owned by the caller
 *
 * Return: what @fn returned, CTL_EXIT_TIMEOUT, or CTL_EXIT_FAILURE (the reason was printed).
 */
int ctl_agent_wait(const char *root, uint64_t timeout_usec, const char *text, CtlWaitFn fn,
                   void *userdata, Report **ret_report);
