/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The report of a self-test: as a text for people, and as JSON for programs and for those who help.
 * docs/selftest.md describes both. Pure.
 */

#include "common/buffer.h"
#include "windows-helper/core/selftest/lines.h"
#include "windows-helper/core/selftest/mask.h"

typedef struct SelftestReport {
        SelftestLines lines;
        char *left; /* owned; what could not be taken back, a line each; NULL: nothing is left */
        bool ended; /* false: it was interrupted */
} SelftestReport;

#define SELFTEST_REPORT_NULL ((SelftestReport){.left = NULL})

void selftest_report_done(SelftestReport *r);

/* Append one line, as it comes. Out of memory sets @out's .oom; here and below. */
void selftest_report_line(const SelftestLine *line, Buffer *out);

/* Append what the lines mean: what holds, what does not, and what is left behind. */
void selftest_report_facts(const SelftestReport *r, Buffer *out);

/* Append all of it as JSON. @mask: what hides the names of this machine; NULL = hide nothing.
 * Return: 0 or -ENOMEM, also when something could not be masked. */
int selftest_report_json(const SelftestReport *r, Mask *mask, const char *version, Buffer *out);
