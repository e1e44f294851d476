/* SPDX-License-Identifier: MIT */

/*
 * The console's size, and Unicode output to it.
 */

#include "windows-helper/win/console.h"

#include "common/text-wrap.h"
#include "common/utf8.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONSOLE_WRITE_MAX 8192 /* characters in one call; old consoles refuse more than 64 KiB */
#define CONSOLE_PROGRESS  40   /* columns of console_progress() */

size_t console_width(void) {
        CONSOLE_SCREEN_BUFFER_INFO info;
        int n;

        if (!GetConsoleScreenBufferInfo(GetStdHandle(STD_OUTPUT_HANDLE), &info))
                return 0;
        /* Not the last column: a line that fills it would be followed by an empty line. */
        n = info.srWindow.Right - info.srWindow.Left;
        return n > 0 ? (size_t) n : 0;
}

static int console_write_wide(HANDLE output, const char *text, size_t n) {
        int size = MultiByteToWideChar(CP_UTF8, 0, text, (int) n, NULL, 0), at = 0, r = 0;
        wchar_t *wide = size > 0 ? malloc((size_t) size * sizeof(*wide)) : NULL;

        if (!wide)
                return -ENOMEM;
        size = MultiByteToWideChar(CP_UTF8, 0, text, (int) n, wide, size);
        while (r == 0 && at < size) {
                DWORD part =
                        size - at < CONSOLE_WRITE_MAX ? (DWORD) (size - at) : CONSOLE_WRITE_MAX;

                if (!WriteConsoleW(output, wide + at, part, &part, NULL) || part == 0)
                        r = -EIO;
                at += (int) part;
        }
        free(wide);
        return r;
}

/* Bytes at the start of @text that may be shown as they are, line feeds included. */
static size_t console_clean_part(const char *text, size_t n) {
        size_t at = 0, length = 1;
        uint32_t point;

        while (at < n && length > 0) {
                length = text[at] == '\n' ? 1
                                          : utf8_decode_printable((const uint8_t *) text + at,
                                                                  n - at, &point);
                at += length;
        }
        return at;
}

/* Each text is one write, because pieces of a line could mix with the output of other processes.
 * The flush is for Wine 8, whose fwrite() buffers stderr (its fprintf() does not). */
static int console_put(ConsoleStream stream, const char *text, size_t n) {
        HANDLE output =
                GetStdHandle(stream == CONSOLE_ERROR ? STD_ERROR_HANDLE : STD_OUTPUT_HANDLE);
        FILE *file = stream == CONSOLE_ERROR ? stderr : stdout;
        DWORD mode;

        if (n == 0)
                return 0;
        if (n <= INT_MAX && GetConsoleMode(output, &mode))
                return console_write_wide(output, text, n);
        return fwrite(text, 1, n, file) == n && fflush(file) == 0 ? 0 : -EIO;
}

int console_write(ConsoleStream stream, const char *text, size_t n) {
        Buffer clean = BUFFER_NULL;
        int r;

        if (console_clean_part(text, n) == n) /* nearly always, so nothing is copied */
                return console_put(stream, text, n);
        r = buffer_append(&clean, text, n);
        text_clean_lines(&clean);
        r = r < 0 ? r : clean.oom ? -ENOMEM : 0;
        if (r == 0)
                r = console_put(stream, buffer_text(&clean), buffer_length(&clean));
        buffer_done(&clean);
        return r;
}

int console_printf(const char *format, ...) {
        va_list args;
        char *text;
        int n, r;

        va_start(args, format);
        n = vsnprintf(NULL, 0, format, args);
        va_end(args);
        text = n < 0 ? NULL : malloc((size_t) n + 1);
        if (!text)
                return -ENOMEM;
        va_start(args, format);
        (void) vsnprintf(text, (size_t) n + 1, format, args);
        va_end(args);
        r = console_write(CONSOLE_OUTPUT, text, (size_t) n);
        free(text);
        return r;
}

void console_progress(const char *text) {
        HANDLE output = GetStdHandle(STD_OUTPUT_HANDLE);
        char line[CONSOLE_PROGRESS + 3];
        DWORD mode;

        if (!GetConsoleMode(output, &mode))
                return;
        (void) snprintf(line, sizeof(line), "\r%-*.*s\r", CONSOLE_PROGRESS, CONSOLE_PROGRESS,
                        text ? text : "");
        (void) console_write_wide(output, line, strlen(line));
}
