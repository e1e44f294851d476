/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The lines that tell the user what was done.
 */

#include <wchar.h>

/* "  program    C:\Program Files\wslbridge\wslbridge-helper.exe" */
void report_done(const char *what, const wchar_t *where);

/* Below such a line. */
void report_remark(const char *text);
