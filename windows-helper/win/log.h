/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Log lines for people, on standard error. Keeps the calling thread's last error, so that a line
 * may stand between a failing call and the question why.
 */

#include "windows-helper/core/controller/controller.h"
#include "windows-helper/win/win.h"

#define LOG_LINE_MAX 1024 /* longer lines are cut */

/* Lines above @level are not written; the default is LOG_LEVEL_NOTICE. */
void log_set_level(LogLevel level);

/* From now on to Windows' Event Log, as source 'wslbridge', and no more to standard error. */
void log_to_event_log(void);

void log_write(LogLevel level, const char *format, ...) __attribute__((format(gnu_printf, 2, 3)));

/* The same for an event of the Event Log, which gets it when the log goes there. */
void log_event(LogLevel level, EventId event, const char *format, ...)
        __attribute__((format(gnu_printf, 3, 4)));

/**
 * log_win_error() - log a failed Windows call as an error
 * @error: what GetLastError(), WSAGetLastError() or the call itself gave
 * @format: what failed; Windows' own words and the number are added
 *
 * Return: win_errno(@error), so that `return log_win_error(…)` ends a function.
 */
int log_win_error(DWORD error, const char *format, ...) __attribute__((format(gnu_printf, 2, 3)));
