/* SPDX-License-Identifier: MIT */

/* Writes log lines with their fields, to the journal or to standard error. */

#include "agent/util/journal.h"

#include "agent/util/cleanup.h"

#include "common/utf8.h"

/* journal_write() passes the caller's place in the source, so the header must not add this one. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#define JOURNAL_FIELDS_MAX  10
#define JOURNAL_FIELD_SIZE  320
#define JOURNAL_FIELD_PARTS (JOURNAL_FIELDS_MAX * JOURNAL_FIELD_SIZE)

bool journal_stream_matches(const char *value, unsigned long long device,
                            unsigned long long inode) {
        unsigned long long d, i;
        char end;

        /* NOLINTNEXTLINE(cert-err34-c): a number that is out of range matches no device */
        return value && sscanf(value, "%llu:%llu%c", &d, &i, &end) == 2 && d == device &&
               i == inode;
}

void journal_open(Journal *journal, int level) {
        struct stat st;

        journal->level = level;
        if (isatty(STDERR_FILENO))
                journal->target = JOURNAL_TARGET_TERMINAL;
        else if (fstat(STDERR_FILENO, &st) == 0 &&
                 journal_stream_matches(getenv("JOURNAL_STREAM"), st.st_dev, st.st_ino))
                journal->target = JOURNAL_TARGET_JOURNAL;
        else
                journal->target = JOURNAL_TARGET_STDERR;
}

typedef struct FieldList {
        struct iovec iov[JOURNAL_FIELDS_MAX];
        int n;
        char text[JOURNAL_FIELD_PARTS];
        size_t used;
} FieldList;

__attribute__((format(printf, 2, 3))) static void field_add(FieldList *l, const char *format, ...) {
        char *start = l->text + l->used;
        size_t room = sizeof(l->text) - l->used;
        va_list ap;
        int n;

        if (l->n == JOURNAL_FIELDS_MAX || room == 0)
                return;
        va_start(ap, format);
        n = vsnprintf(start, room, format, ap);
        va_end(ap);
        if (n < 0 || (size_t) n >= room)
                return;
        l->iov[l->n++] = (struct iovec){.iov_base = start, .iov_len = (size_t) n};
        l->used += (size_t) n;
}

static int write_journal(int priority, const JournalFields *f, const char *file, int line,
                         const char *function, const char *text) {
        FieldList list = {.n = 0};
        char code_file[JOURNAL_FIELD_SIZE], code_line[64];
        char message[JOURNAL_LINE_SIZE + sizeof("MESSAGE=")];

        (void) snprintf(code_file, sizeof(code_file), "CODE_FILE=%s", file);
        (void) snprintf(code_line, sizeof(code_line), "CODE_LINE=%d", line);
        (void) snprintf(message, sizeof(message), "MESSAGE=%s", text);
        list.iov[list.n++] = (struct iovec){.iov_base = message, .iov_len = strlen(message)};
        field_add(&list, "PRIORITY=%d", priority);
        if (f && f->id)
                field_add(&list, "MESSAGE_ID=%s", f->id);
        if (f && f->service)
                field_add(&list, "WSLBRIDGE_SERVICE=%s", f->service);
        if (f && f->address)
                field_add(&list, "WSLBRIDGE_ADDRESS=%s", f->address);
        if (f && f->state)
                field_add(&list, "WSLBRIDGE_STATE=%s", f->state);
        if (f && f->error)
                field_add(&list, "ERRNO=%d", f->error);
        return sd_journal_sendv_with_location(code_file, code_line, function, list.iov, list.n);
}

void journal_write(const Journal *journal, int priority, const JournalFields *fields,
                   const char *file, int line, const char *function, const char *format, ...) {
        char text[JOURNAL_LINE_SIZE];
        va_list ap;

        if (priority > journal->level)
                return;
        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        utf8_clean(text);

        if (journal->target == JOURNAL_TARGET_JOURNAL &&
            write_journal(priority, fields, file, line, function, text) >= 0)
                return;
        /* One write for each line, so that the lines of several processes do not mix. */
        if (journal->target == JOURNAL_TARGET_TERMINAL)
                (void) fprintf(stderr, "%s\n", text);
        else
                (void) fprintf(stderr, "<%d>%s\n", priority, text);
}
