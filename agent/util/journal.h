/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Log: one line with structured fields to the journal, or as text to stderr. Only main.c and
 * agent*.c log; every other module returns codes.
 */

#include <stdbool.h>
#include <syslog.h>

#define LOG_LINE_SIZE 2048 /* longer text is cut */

typedef enum LogTarget {
        LOG_TARGET_TERMINAL, /* plain lines */
        LOG_TARGET_STDERR,   /* "<N>" prefixes, which a service manager understands */
        LOG_TARGET_JOURNAL,
} LogTarget;

typedef struct Log {
        LogTarget target;
        int level; /* least important syslog priority that is written */
} Log;

/* What a line is about; NULL members are left out. Seen by the journal only: the text says it, too.
 */
typedef struct LogFields {
        const char *id; /* MESSAGE_*, catalog-ids.h */
        const char *service, *address, *state;
        int error; /* positive errno, 0 = none */
} LogFields;

/**
 * log_open() - choose the target
 *
 * The journal's own protocol only when stderr is connected to it ($JOURNAL_STREAM names its device
 * and inode): sd_journal_send() succeeds and loses the text when there is no journal.
 */
void log_open(Log *log, int level);

/* True when $JOURNAL_STREAM (@value, may be NULL) names @device and @inode. */
bool log_journal_stream_matches(const char *value, unsigned long long device,
                                unsigned long long inode);

void log_write(const Log *log, int priority, const LogFields *fields, const char *file, int line,
               const char *function, const char *format, ...) __attribute__((format(printf, 7, 8)));

/* In parentheses, because the commas of a compound literal would split a macro's arguments. */
#define FIELDS(...) (&(LogFields){__VA_ARGS__})

#define log_fields(log, priority, fields, ...) \
        log_write(log, priority, fields, __FILE__, __LINE__, __func__, __VA_ARGS__)
#define log_line(log, priority, ...) log_fields(log, priority, NULL, __VA_ARGS__)
