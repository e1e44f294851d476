/* SPDX-License-Identifier: MIT */

/*
 * The journal: values of a registry key, numbered in the order of the changes. The one-shot service
 * and the command use it in turns. It is gone when all is taken back.
 */

#include "windows-helper/selftest/tools/journal.h"
#include "windows-helper/program/fault.h"
#include "windows-helper/selftest/tools/nat-mapping.h"
#include "windows-helper/selftest/tools/undo.h"
#include "windows-helper/store/paths.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/registry.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOURNAL_MAX     64 /* changes */
#define JOURNAL_TEXT    1024
#define JOURNAL_NUMBER  16
#define JOURNAL_WAIT_MS 5000  /* for a thread that is just making a change */
#define JOURNAL_UNDO_MS 60000 /* for one change; Windows waits 30 s for a service that hangs */

static const char *const change_names[_CHANGE_KIND_END] = {
        "service", "rule", "firewall", "file", "folder", "mapping", "restart",
};

typedef struct JournalEntry {
        unsigned number;
        char text[JOURNAL_TEXT]; /* "KIND WHAT" */
} JournalEntry;

typedef struct JournalEntries {
        JournalEntry items[JOURNAL_MAX];
        size_t n;
} JournalEntries;

static ChangeKind journal_kind; /* of the change that is just being made */

/* Held while a change is written down and made, so that nothing is taken back in between. */
static SRWLOCK journal_lock = SRWLOCK_INIT;

static int journal_on_value(void *userdata, const char *name, const char *data) {
        JournalEntries *entries = userdata;
        JournalEntry *e = &entries->items[entries->n];

        if (!data || entries->n == JOURNAL_MAX)
                return 0;
        e->number = (unsigned) strtoul(name, NULL, 10);
        (void) snprintf(e->text, sizeof(e->text), "%s", data);
        entries->n++;
        return 0;
}

static int journal_compare(const void *a, const void *b) {
        const JournalEntry *x = a, *y = b;

        return (x->number > y->number) - (x->number < y->number);
}

/* The caller frees. NULL: out of memory, or the key cannot be read. */
static JournalEntries *journal_read(RegistryKey *key) {
        JournalEntries *entries = calloc(1, sizeof(*entries));

        if (entries && registry_each(key, journal_on_value, entries) < 0) {
                free(entries);
                return NULL;
        }
        if (entries)
                qsort(entries->items, entries->n, sizeof(*entries->items), journal_compare);
        return entries;
}

unsigned journal_mark(void) {
        RegistryKey key = REGISTRY_KEY_INIT(PATHS_KEY_SELFTEST);
        JournalEntries *entries = journal_read(&key);
        unsigned mark = entries && entries->n > 0 ? entries->items[entries->n - 1].number : 0;

        free(entries);
        registry_close(&key);
        return mark;
}

static int journal_write(ChangeKind kind, const char *what) {
        RegistryKey key = REGISTRY_KEY_INIT(PATHS_KEY_SELFTEST);
        char number[JOURNAL_NUMBER], text[JOURNAL_TEXT];
        int r;

        (void) snprintf(number, sizeof(number), "%03u", journal_mark() + 1);
        (void) snprintf(text, sizeof(text), "%s %s", change_names[kind], what);
        r = registry_set_string(&key, number, text);
        if (r == 0)
                r = registry_flush(&key);
        registry_close(&key);
        return r;
}

/* A thread that hangs in a change keeps the lock. Then no other change is made, and things are
 * taken back without it. */
static bool journal_try_lock(void) {
        for (int waited = 0; waited < JOURNAL_WAIT_MS; waited += 10) {
                if (TryAcquireSRWLockExclusive(&journal_lock))
                        return true;
                Sleep(10);
        }
        return false;
}

bool journal_begin(Step *s, ChangeKind kind, const char *format, ...) {
        char what[JOURNAL_TEXT];
        va_list args;

        va_start(args, format);
        (void) vsnprintf(what, sizeof(what), format, args);
        va_end(args);
        if (!journal_try_lock()) {
                log_write(LOG_LEVEL_ERROR,
                          "Another change of the self-test has not ended, so this one is not made "
                          "(%s)",
                          change_names[kind]);
                return false;
        }
        journal_kind = kind;
        if ((!s || step_is_open(s)) && journal_write(kind, what) == 0) {
                (void) fault_before(change_names[kind]); /* only "wait" means something here */
                return true;
        }
        ReleaseSRWLockExclusive(&journal_lock);
        return false;
}

void journal_end(void) {
        (void) fault_after(change_names[journal_kind], 0); /* only "kill" means something here */
        ReleaseSRWLockExclusive(&journal_lock);
}

bool journal_has(ChangeKind kind, const char *what) {
        RegistryKey key = REGISTRY_KEY_INIT(PATHS_KEY_SELFTEST);
        JournalEntries *entries = journal_read(&key);
        char text[JOURNAL_TEXT];
        bool has = false;

        (void) snprintf(text, sizeof(text), "%s %s", change_names[kind], what);
        for (size_t i = 0; entries && i < entries->n && !has; i++)
                has = strcmp(entries->items[i].text, text) == 0;
        free(entries);
        registry_close(&key);
        return has;
}

static DWORD journal_undo_path(DWORD (*fn)(const wchar_t *path), const char *what) {
        wchar_t path[PATHS_MAX];

        return win_to_wide(what, path, ARRAYSIZE(path)) == 0 ? fn(path) : ERROR_INVALID_DATA;
}

static DWORD journal_undo_one(const char *text) {
        const char *what = strchr(text, ' ');
        size_t n = what ? (size_t) (what - text) : 0;
        ChangeKind kind = CHANGE_SERVICE;

        while (kind < _CHANGE_KIND_END &&
               (strlen(change_names[kind]) != n || strncmp(change_names[kind], text, n) != 0))
                kind++;
        what += what ? 1 : 0;
        switch (kind) {
        case CHANGE_SERVICE:
                return undo_service();
        case CHANGE_RULE:
                return undo_rule(what);
        case CHANGE_FIREWALL:
                return undo_firewall();
        case CHANGE_FILE:
                return journal_undo_path(undo_file, what);
        case CHANGE_FOLDER:
                return journal_undo_path(undo_folder, what);
        case CHANGE_MAPPING:
                return nat_mapping_undo(what);
        case CHANGE_RESTART:
                return journal_undo_path(undo_restart, what);
        case _CHANGE_KIND_END:
                break;
        }
        return ERROR_INVALID_DATA;
}

/* Taking a change back, in a thread of its own: a service of Windows that hangs would hang us. */
typedef struct JournalUndo {
        char text[JOURNAL_TEXT];
        DWORD error;
} JournalUndo;

static DWORD WINAPI journal_undo_thread(void *userdata) {
        JournalUndo *u = userdata;

        u->error = journal_undo_one(u->text);
        return 0;
}

/* A thread whose time is over goes on until the process ends, so it keeps what it works with. */
static DWORD journal_undo_in_time(const char *text) {
        JournalUndo *u = calloc(1, sizeof(*u));
        HANDLE thread = NULL;
        DWORD error = ERROR_TIMEOUT;

        if (u) {
                (void) snprintf(u->text, sizeof(u->text), "%s", text);
                thread = CreateThread(NULL, 0, journal_undo_thread, u, 0, NULL);
        }
        if (!thread) {
                free(u);
                return ERROR_NOT_ENOUGH_MEMORY;
        }
        if (WaitForSingleObject(thread, step_limit(JOURNAL_UNDO_MS)) == WAIT_OBJECT_0) {
                error = u->error;
                free(u);
        }
        (void) CloseHandle(thread);
        return error;
}

/* The key goes when it is empty, and so does ours above it if the self-test has made it. */
static void journal_remove_key(const wchar_t *path) {
        DWORD n_keys = 1, n_values = 1;
        HKEY key;

        if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, path, 0, KEY_QUERY_VALUE, &key) != ERROR_SUCCESS)
                return;
        if (RegQueryInfoKeyW(key, NULL, NULL, NULL, &n_keys, NULL, NULL, &n_values, NULL, NULL,
                             NULL, NULL) != ERROR_SUCCESS)
                n_keys = 1;
        (void) RegCloseKey(key);
        if (n_keys == 0 && n_values == 0)
                (void) RegDeleteKeyW(HKEY_LOCAL_MACHINE, path);
}

static void journal_say_left(const char *text, DWORD error, Buffer *left) {
        if (left)
                buffer_printf(left, "%s: error %lu\n", text, error);
        else
                (void) log_win_error(error, "Cannot take back what a self-test has made (%s)",
                                     text);
}

unsigned journal_undo(unsigned mark, Buffer *left) {
        RegistryKey key = REGISTRY_KEY_INIT(PATHS_KEY_SELFTEST);
        bool locked = journal_try_lock(), failed = false;
        JournalEntries *entries = journal_read(&key);
        unsigned n = 0;

        for (size_t i = entries ? entries->n : 0; i-- > 0 && entries->items[i].number > mark;) {
                const JournalEntry *e = &entries->items[i];
                DWORD error = journal_undo_in_time(e->text);
                char number[JOURNAL_NUMBER];

                if (error == ERROR_DIR_NOT_EMPTY && !failed)
                        error = ERROR_SUCCESS; /* a helper was installed meanwhile */
                if (error == ERROR_SUCCESS && !locked && i + 1 == entries->n)
                        error = ERROR_BUSY;   /* a thread hangs in it, and may make it yet */
                if (error != ERROR_SUCCESS) { /* it stays in the journal, for the next self-test */
                        failed = true;
                        journal_say_left(e->text, error, left);
                        continue;
                }
                (void) snprintf(number, sizeof(number), "%03u", e->number);
                n += registry_delete(&key, number) == 0;
        }
        registry_close(&key);
        free(entries);
        journal_remove_key(PATHS_KEY_SELFTEST);
        journal_remove_key(PATHS_KEY_SETTINGS);
        if (locked)
                ReleaseSRWLockExclusive(&journal_lock);
        return n;
}

void journal_look(Buffer *left) {
        WIN32_FIND_DATAW found;
        wchar_t pattern[PATHS_MAX];
        HANDLE files;

        if (undo_has_service())
                buffer_printf(left, "a service whose name begins with %s\n",
                              WIN_UTF8(STEP_SERVICE_NAME));
        if (undo_has_firewall_rule())
                buffer_printf(left, "a rule of Windows Firewall named '%s'\n", STEP_FIREWALL_NAME);
        if (paths_data(STEP_FOLDER L"*", pattern) < 0)
                return;
        files = FindFirstFileW(pattern, &found);
        if (files == INVALID_HANDLE_VALUE)
                return;
        do
                buffer_printf(left, "the file %s\n", WIN_UTF8(found.cFileName));
        while (FindNextFileW(files, &found));
        (void) FindClose(files);
}
