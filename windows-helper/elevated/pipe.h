/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Lines of text through a pipe, with a limit in time. Both halves of 'setup' use it.
 */

#include "windows-helper/core/setup/elevated-words.h"
#include "windows-helper/win/win.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ElevatedPipe {
        HANDLE handle;                 /* borrowed; opened with FILE_FLAG_OVERLAPPED */
        char bytes[ELEVATED_LINE_MAX]; /* read, and not given out yet */
        size_t n;
} ElevatedPipe;

/* Finish an operation that was begun with @o. @process: its end ends the waiting, NULL = none.
 * Return: bytes; -ETIMEDOUT, -EPIPE, or another negative errno. */
int elevated_pipe_finish(HANDLE handle, OVERLAPPED *o, HANDLE process, uint32_t limit_ms);

/* Write "WORD" or "WORD ARGUMENT" as a line. Return: 0 or negative errno. */
int elevated_pipe_write(ElevatedPipe *p, const char *word, const char *argument);

/* Read a line. Return: 0; -EPIPE when the other end is gone; -ETIMEDOUT; or -EPROTO when the line
 * is too long. */
int elevated_pipe_read(ElevatedPipe *p, HANDLE process, uint32_t limit_ms,
                       char ret_line[ELEVATED_LINE_MAX]);
