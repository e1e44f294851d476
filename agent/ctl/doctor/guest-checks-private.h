/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The parts of guest_checks_run(), and what several of them use.
 */

#include "agent/ctl/doctor/guest-checks.h"
#include "agent/guest/mode-state.h"
#include "common/names.h"

#define ON_WINDOWS        "On Windows, in a terminal that was opened with 'Run as administrator':\n"
#define HELPER_ON_WINDOWS ON_WINDOWS NAMES_HELPER_CD

void system_checks_run(const GuestEvidence *e, Findings *f);
void unit_checks_run(const GuestEvidence *e, Findings *f);
void address_checks_run(const GuestEvidence *e, Findings *f);
void helper_checks_run(const GuestEvidence *e, Findings *f);
void service_checks_run(const GuestEvidence *e, Findings *f);
void firewall_checks_run(const GuestEvidence *e, Findings *f);

/* Of system_checks_run(); there is a report. */
void mode_checks_run(const GuestEvidence *e, Findings *f);

/* Of system_checks_run(): the address may not be the right one, or not for long. */
void check_address_doubts(const Report *r, Findings *f);

/* Of address_checks_run(): what the guest answers leaves by another interface. */
void check_way_out(const GuestEvidence *e, Findings *f);

/* Of service_checks_run(): what keeps a service with 'connect = loopback' from being carried. */
void check_loopback(const GuestEvidence *e, const ReportService *s, Findings *f);

/* The worst of a service's ports that is known, and the first that is that bad. */
GuestPort service_ports_judge(const GuestEvidence *e, const ReportService *s, uint16_t *ret_port);

/* Which interface to name in agent.conf, from what the agent has reported. There is a report. */
void advise_interface(const GuestEvidence *e, Buffer *advice);
