/* SPDX-License-Identifier: MIT */

/*
 * Lines on standard output.
 */

#include "windows-helper/install/report.h"
#include "windows-helper/win/win.h"

#include <stdio.h>
#include <stdlib.h>

void report_done(const char *what, const wchar_t *where) {
        char *text = NULL;

        if (win_from_wide(where, wcslen(where), &text) == 0)
                printf("  %-10s %s\n", what, text);
        free(text);
        (void) fflush(stdout);
}

void report_remark(const char *text) {
        printf("             (%s)\n", text);
        (void) fflush(stdout);
}
