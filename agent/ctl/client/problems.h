/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: files that are not in force, as the running agent reports them.
 */

#include "agent/status/read.h"

/* Whether @p is about the file of service @name. */
bool ctl_problem_of(const ReportProblem *p, const char *name);

/* "file:line: key: message (what is in force)" on standard error. */
void ctl_problem_print(const ReportProblem *p);
