/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Log lines for people: on standard error, or in the Event Log of Windows. Logging keeps the
 * calling thread's last error, so a line may be logged before GetLastError() is asked.
 */

#include "common/log-limit.h"
#include "windows-helper/core/base/events.h"
#include "windows-helper/core/base/log-level.h"
#include "windows-helper/win/win.h"

#include <stdbool.h>

#define LOG_LINE_MAX 1024 /* longer lines are cut */

/* Lines above @level are not written. The default is LOG_LEVEL_NOTICE. */
void log_set_level(LogLevel level);

/* From now on, log to the Event Log as @source, and @only there or also to standard error. Lines
 * without an event id appear there only if they are warnings or errors. */
void log_to_event_log(const wchar_t *source, bool only);

/* From now on, give each line to @fn instead. */
typedef void (*LogFn)(void *userdata, const char *line);
void log_to_function(LogFn fn, void *userdata);

void log_write(LogLevel level, const char *format, ...) __attribute__((format(gnu_printf, 2, 3)));

/* The same with the id that the line has in the Event Log. */
void log_event(LogLevel level, EventId event, const char *format, ...)
        __attribute__((format(gnu_printf, 3, 4)));

/* So many lines at once that somebody else may cause as often as he likes. */
#define LOG_BURST 20

/* Ask before such a line whether @limit has room for it. If lines were left out before it, a line
 * tells how many. */
bool log_may(LogLimit *limit);

/**
 * log_win_error() - log a failed Windows call as an error
 * @error: the code from GetLastError(), WSAGetLastError() or the call itself
 * @format: what failed; the error's text from Windows and its number are appended
 *
 * Return: win_errno(@error), so that `return log_win_error(…)` ends a function.
 */
int log_win_error(DWORD error, const char *format, ...) __attribute__((format(gnu_printf, 2, 3)));
