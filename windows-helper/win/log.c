/* SPDX-License-Identifier: MIT */

/*
 * Where log lines go: standard error for a console, the Event Log for a service.
 */

#include "windows-helper/win/log.h"
#include "windows-helper/core/base/error-text.h"
#include "windows-helper/win/console.h"

#include "common/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_PERCENT 0xFF05 /* a percent sign that is only a character */

static LogLevel log_level = LOG_LEVEL_NOTICE;
static LogFn log_fn;      /* instead of both, if not NULL */
static void *log_fn_data; /* its userdata */
static HANDLE log_source; /* of the Event Log, open until the process ends; NULL: not there */
static bool log_to_error = true; /* to standard error */

static const char *log_level_name(LogLevel level) {
        switch (level) {
        case LOG_LEVEL_ERROR:
                return "error";
        case LOG_LEVEL_WARNING:
                return "warning";
        case LOG_LEVEL_NOTICE:
                return "notice";
        case LOG_LEVEL_DEBUG:
                return "debug";
        }
        return "?";
}

static WORD log_event_type(LogLevel level) {
        switch (level) {
        case LOG_LEVEL_ERROR:
                return EVENTLOG_ERROR_TYPE;
        case LOG_LEVEL_WARNING:
                return EVENTLOG_WARNING_TYPE;
        case LOG_LEVEL_NOTICE:
        case LOG_LEVEL_DEBUG:
                break;
        }
        return EVENTLOG_INFORMATION_TYPE;
}

/* The Event Viewer puts the text in place of "%1", and looks at the result for more of these
 * (ReportEventW, remarks). A guest that nobody knows may have a name with one. */
static void log_make_literal(wchar_t *text) {
        for (; *text; text++)
                if (*text == L'%' && text[1] > L' ')
                        *text = LOG_PERCENT;
}

/* A line that has no id and reports no problem is a detail, which an administrator's log can do
 * without. */
static void log_report(LogLevel level, EventId event, const char *text) {
        wchar_t wide[LOG_LINE_MAX];
        const wchar_t *strings[] = {wide};

        if (event == EVENT_NONE && level <= LOG_LEVEL_WARNING)
                event = EVENT_PROBLEM;
        if (event == EVENT_NONE || level == LOG_LEVEL_DEBUG ||
            win_to_wide(text, wide, LOG_LINE_MAX) != 0)
                return;
        log_make_literal(wide);
        (void) ReportEventW(log_source, log_event_type(level), 0, event, NULL, 1, 0, strings, NULL);
}

/* The Event Viewer finds the texts through a registry key of the source, which the installation
 * creates (fact 9.2.3). */
void log_to_event_log(const wchar_t *source, bool only) {
        log_source = RegisterEventSourceW(NULL, source);
        log_to_error = !(only && log_source);
}

void log_to_function(LogFn fn, void *userdata) {
        log_fn = fn;
        log_fn_data = userdata;
}

static void log_line(LogLevel level, EventId event, const char *text) {
        char line[LOG_LINE_MAX + 16];

        if (log_fn) {
                log_fn(log_fn_data, text);
                return;
        }
        if (log_source)
                log_report(level, event, text);
        if (!log_to_error)
                return;
        (void) snprintf(line, sizeof(line), "%s: %s\n", log_level_name(level), text);
        (void) console_write(CONSOLE_ERROR, line, strlen(line));
}

void log_set_level(LogLevel level) {
        log_level = level;
}

static void log_v(LogLevel level, EventId event, const char *format, va_list args) {
        DWORD error = GetLastError();
        char text[LOG_LINE_MAX];

        if (level <= log_level) {
                (void) vsnprintf(text, sizeof(text), format, args);
                utf8_clean(text);
                log_line(level, event, text);
        }
        SetLastError(error);
}

void log_write(LogLevel level, const char *format, ...) {
        va_list args;

        va_start(args, format);
        log_v(level, EVENT_NONE, format, args);
        va_end(args);
}

void log_event(LogLevel level, EventId event, const char *format, ...) {
        va_list args;

        va_start(args, format);
        log_v(level, event, format, args);
        va_end(args);
}

/* Not the loop's clock: the loop logs. */
bool log_may(LogLimit *limit) {
        unsigned left_out;

        if (!log_limit_take(limit, LOG_BURST, GetTickCount64() * 1000, &left_out))
                return false;
        if (left_out > 0)
                log_write(LOG_LEVEL_WARNING, "%u lines like the next one were left out", left_out);
        return true;
}

/* The sentence that Windows has for @error, without its full stop and line break; "" if none. */
static void log_error_text(DWORD error, char *ret_text, size_t size) {
        wchar_t wide[256];
        char *text = NULL;
        DWORD n;

        ret_text[0] = '\0';
        n = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, error,
                           0, wide, ARRAYSIZE(wide), NULL);
        while (n > 0 && wcschr(L"\r\n .", wide[n - 1]))
                n--;
        if (n > 0 && win_from_wide(wide, n, &text) == 0)
                (void) snprintf(ret_text, size, "%s", text);
        free(text);
}

int log_win_error(DWORD error, const char *format, ...) {
        DWORD last_error = GetLastError();
        char what[LOG_LINE_MAX], why[256];
        va_list args;

        va_start(args, format);
        (void) vsnprintf(what, sizeof(what), format, args);
        va_end(args);
        log_error_text(error, why, sizeof(why));
        log_write(LOG_LEVEL_ERROR, "%s: %s (error %lu)", what, why[0] ? why : "unknown error",
                  (unsigned long) error);
        SetLastError(last_error);
        return win_errno(error);
}
