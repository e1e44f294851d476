/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The parts of host_checks_run(), each in a file of its own, and the words that several of them
 * use.
 */

#include "common/names.h"
#include "windows-helper/core/doctor/host-checks.h"
#include "windows-helper/core/doctor/host-finding.h"

/* Before commands, each on a line of its own that begins with two spaces. */
#define ELEVATED        "In a terminal that was opened with 'Run as administrator':\n"
#define ELEVATED_HELPER ELEVATED NAMES_HELPER_CD

/* From the folder of the program that is running, which need not be the installed one. */
#define INSTALL                                                                      \
        "In the folder of this program, in a terminal that was opened with 'Run as " \
        "administrator':\n"                                                          \
        "  .\\wslbridge-helper install"

#define ASK_AS_ADMINISTRATOR \
        "Run 'wslbridge-helper doctor' in a terminal that was opened with 'Run as administrator'."
#define EVENT_LOG "the Event Log has the reason (log Application, source wslbridge)"

void status_checks_run(const HostEvidence *e, Findings *f); /* what the helper says of itself */
void rule_checks_run(const HostEvidence *e, Findings *f);   /* port forwardings, ours or not */
