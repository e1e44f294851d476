/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Journal: writes log lines, with structured fields to the journal or as text to standard error.
 * Only agent/daemon and agent/loopback log; everything else returns codes.
 */

#include <stdbool.h>
#include <syslog.h>

#define JOURNAL_LINE_SIZE 2048 /* longer text is cut */

typedef enum JournalTarget {
        JOURNAL_TARGET_TERMINAL, /* plain lines */
        JOURNAL_TARGET_STDERR,   /* "<N>" prefixes, which a service manager understands */
        JOURNAL_TARGET_JOURNAL,
} JournalTarget;

typedef struct Journal {
        JournalTarget target;
        int level; /* least important syslog priority that is written */
} Journal;

/* What a line is about. NULL members are left out. Only the journal gets these fields, so the text
 * must say the same. */
typedef struct JournalFields {
        const char *id; /* MESSAGE_*, catalog-ids.h */
        const char *service, *address, *state;
        int error; /* positive errno, 0 = none */
} JournalFields;

/**
 * journal_open() - choose the target
 *
 * The journal's own protocol is used only when stderr is connected to the journal ($JOURNAL_STREAM
 * names its device and inode), because sd_journal_send() succeeds and loses the text when there is
 * no journal.
 */
void journal_open(Journal *journal, int level);

/* True when $JOURNAL_STREAM (@value, may be NULL) names @device and @inode. */
bool journal_stream_matches(const char *value, unsigned long long device, unsigned long long inode);

/* Write one line, unless its syslog @priority is less important than the level. Call it through the
 * macros below, which add the place in the source. @fields: may be NULL. */
void journal_write(const Journal *journal, int priority, const JournalFields *fields,
                   const char *file, int line, const char *function, const char *format, ...)
        __attribute__((format(printf, 7, 8)));

/* In parentheses, because the commas of a compound literal would split a macro's arguments. */
#define FIELDS(...) (&(JournalFields){__VA_ARGS__})

#define journal_fields(journal, priority, fields, ...) \
        journal_write(journal, priority, fields, __FILE__, __LINE__, __func__, __VA_ARGS__)
#define journal_line(journal, priority, ...) journal_fields(journal, priority, NULL, __VA_ARGS__)
