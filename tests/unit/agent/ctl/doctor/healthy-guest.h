/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A guest in which all is well. Each test changes one thing and names the findings that follow.
 */

#include "agent/ctl/doctor/guest-checks.h"

#include "tests/unit/agent/testing.h"

extern ReportListen listens[1];
extern ReportService services[2]; /* ssh and web, both active */
extern Report report;
extern Config config;
extern PortMap ports, udp_ports;
extern GuestEvidence evidence;
extern Findings findings; /* of the last expect() */

void healthy_guest_setup(void);
void healthy_guest_teardown(void);

/* Give the report this networking mode, and the way on which others reach the guest in it. */
void set_mode(const char *mode);

/* @expected: the ids of the findings, separated by spaces; a subject follows a colon. */
void expect(const char *expected);

/* Whether the first finding has these words in what was seen, and in what to do. */
bool first_says(const char *seen, const char *advice);
