/* SPDX-License-Identifier: MIT */

/*
 * Lines on standard output.
 */

#include "windows-helper/program/report.h"
#include "windows-helper/win/console.h"

void report_done(const char *what, const wchar_t *where) {
        (void) console_printf("  %-10s %s\n", what, WIN_UTF8(where));
}

void report_remark(const char *text) {
        (void) console_printf("             (%s)\n", text);
}
