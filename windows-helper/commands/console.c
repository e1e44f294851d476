/* SPDX-License-Identifier: MIT */

/*
 * The console's size, and Unicode output to it.
 */

#include "windows-helper/commands/console.h"
#include "windows-helper/win/win.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define CONSOLE_WRITE_MAX 8192 /* characters in one call; old consoles refuse more than 64 KiB */

size_t console_width(void) {
        CONSOLE_SCREEN_BUFFER_INFO info;
        int n;

        if (!GetConsoleScreenBufferInfo(GetStdHandle(STD_OUTPUT_HANDLE), &info))
                return 0;
        /* Not the last column: a line that fills it would be followed by an empty line. */
        n = info.srWindow.Right - info.srWindow.Left;
        return n > 0 ? (size_t) n : 0;
}

static wchar_t *console_wide(const Buffer *text, size_t *ret_n) {
        const char *bytes = (const char *) buffer_bytes(text);
        size_t n = buffer_length(text);
        wchar_t *wide;
        int size;

        if (n == 0 || n > INT_MAX)
                return NULL;
        size = MultiByteToWideChar(CP_UTF8, 0, bytes, (int) n, NULL, 0);
        wide = size > 0 ? malloc((size_t) size * sizeof(*wide)) : NULL;
        if (wide)
                *ret_n = (size_t) MultiByteToWideChar(CP_UTF8, 0, bytes, (int) n, wide, size);
        return wide;
}

void console_write(const Buffer *text) {
        HANDLE output = GetStdHandle(STD_OUTPUT_HANDLE);
        wchar_t *wide = NULL;
        size_t n = 0;
        DWORD mode;

        (void) fflush(stdout);
        if (GetConsoleMode(output, &mode))
                wide = console_wide(text, &n);
        for (size_t at = 0; wide && at < n;) {
                DWORD part = n - at < CONSOLE_WRITE_MAX ? (DWORD) (n - at) : CONSOLE_WRITE_MAX;

                if (!WriteConsoleW(output, wide + at, part, &part, NULL) || part == 0)
                        break;
                at += part;
        }
        if (!wide)
                (void) fwrite(buffer_bytes(text), 1, buffer_length(text), stdout);
        free(wide);
}
