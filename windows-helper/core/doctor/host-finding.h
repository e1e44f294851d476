/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Adding one finding of the host in one call.
 */

#include "common/finding.h"

/**
 * host_finding() - add a finding
 * @subject: what it is about; NULL = this machine
 * @advice: what to do; NULL = nothing
 * @seen: what was seen; at most WIRE_TEXT_MAX bytes of it, on one line, because foreign values of
 *        any length and content go into it
 *
 * Return: the finding, so that more can be appended to its advice.
 */
BUFFER_PRINTF(6, 7)
Finding *host_finding(Findings *f, FindingRank rank, const char *id, const char *subject,
                      const char *advice, const char *seen, ...);
