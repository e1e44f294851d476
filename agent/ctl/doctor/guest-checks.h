/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: what keeps ports from working, concluded from the evidence. Pure.
 */

#include "agent/ctl/doctor/guest-evidence.h"
#include "common/finding.h"

/* The ids of all findings, causes before their effects; docs/doctor.md has the same list. */
extern const char *const guest_finding_ids[];

/* Collect everything that is wrong, sorted. The caller frees @ret with findings_done(). */
void guest_checks_run(const GuestEvidence *e, Findings *ret);
