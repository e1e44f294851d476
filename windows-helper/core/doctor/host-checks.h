/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * 'doctor' on the host: what keeps ports from working, concluded from the evidence. Pure.
 */

#include "common/finding.h"
#include "windows-helper/core/doctor/host-evidence.h"

/* So many services of guests get a finding each, and so many foreign port forwardings. Of the
 * others only the number is reported. */
#define HOST_FINDINGS_EACH_MAX 20

/* The ids of all findings, causes before their effects; docs/doctor.md has the same list. */
extern const char *const host_finding_ids[];

/* Judge everything, sorted. Out of memory sets @ret's .oom. The caller frees @ret with
 * findings_done(). */
void host_checks_run(const HostEvidence *e, Findings *ret);
