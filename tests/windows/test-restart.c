/* SPDX-License-Identifier: MIT */

/*
 * Changing the list of what the next restart does, with the registry replaced: Wine does not check
 * with which rights a key was opened. In texts '|' stands for a NUL. Each case prints a line.
 */

#include "windows-helper/win/win.h"

#include <stdbool.h>
#include <stdlib.h>
#include <wchar.h>

#define RegCloseKey     fake_close
#define RegDeleteValueW fake_delete
#define RegFlushKey     fake_flush
#define RegGetValueW    fake_get
#define RegOpenKeyExW   fake_open
#define RegSetValueExW  fake_set

static LSTATUS WINAPI fake_close(HKEY key);
static LSTATUS WINAPI fake_delete(HKEY key, LPCWSTR name);
static LSTATUS WINAPI fake_flush(HKEY key);
static LSTATUS WINAPI fake_get(HKEY key, LPCWSTR path, LPCWSTR name, DWORD flags, LPDWORD type,
                               PVOID data, LPDWORD size);
static LSTATUS WINAPI fake_open(HKEY root, LPCWSTR path, DWORD options, REGSAM access,
                                PHKEY ret_key);
static LSTATUS WINAPI fake_set(HKEY key, LPCWSTR name, DWORD reserved, DWORD type, const BYTE *data,
                               DWORD size);

#include "windows-helper/install/exchange/restart.c"

#include <stdio.h>

#define LIST_MAX 256
#define FOLDER   L"C:\\ours"
#define OTHER    L"\\??\\C:\\a||"
#define OURS     L"\\??\\C:\\ours\\b||"
#define ADDED    L"\\??\\C:\\ours\\1.old|!\\??\\C:\\ours\\b|\\??\\C:\\ours\\c||"

static struct {
        wchar_t list[LIST_MAX]; /* with '|'; "": there is no value */
        const wchar_t *grows;   /* another program writes this once the size is known */
        REGSAM access;
        unsigned n_flushed;
} fake;

static int n_failed;

static void check(const char *what, bool good) {
        printf("%s %s\n", good ? "ok" : "FAILED", what);
        n_failed += !good;
}

static LSTATUS WINAPI fake_close(HKEY key) {
        return ERROR_SUCCESS;
}

static LSTATUS WINAPI fake_open(HKEY root, LPCWSTR path, DWORD options, REGSAM access,
                                PHKEY ret_key) {
        fake.access = access;
        *ret_key = (HKEY) &fake;
        return ERROR_SUCCESS;
}

static LSTATUS WINAPI fake_delete(HKEY key, LPCWSTR name) {
        fake.list[0] = L'\0';
        return fake.access & KEY_SET_VALUE ? ERROR_SUCCESS : ERROR_ACCESS_DENIED;
}

static LSTATUS WINAPI fake_flush(HKEY key) {
        fake.n_flushed++;
        return fake.access & KEY_QUERY_VALUE ? ERROR_SUCCESS : ERROR_ACCESS_DENIED;
}

static LSTATUS WINAPI fake_get(HKEY key, LPCWSTR path, LPCWSTR name, DWORD flags, LPDWORD type,
                               PVOID data, LPDWORD size) {
        DWORD n = (DWORD) wcslen(fake.list), has = *size;
        wchar_t *to = data;

        if (n == 0)
                return ERROR_FILE_NOT_FOUND;
        *size = n * sizeof(wchar_t);
        if (!data && fake.grows) {
                (void) wcscpy(fake.list, fake.grows);
                fake.grows = NULL;
        }
        if (data && has < *size)
                return ERROR_MORE_DATA;
        for (DWORD i = 0; data && i < n; i++)
                to[i] = fake.list[i] == L'|' ? L'\0' : fake.list[i];
        return ERROR_SUCCESS;
}

static LSTATUS WINAPI fake_set(HKEY key, LPCWSTR name, DWORD reserved, DWORD type, const BYTE *data,
                               DWORD size) {
        const wchar_t *from = (const wchar_t *) data;
        DWORD n = size / sizeof(wchar_t);

        if (!(fake.access & KEY_SET_VALUE) || type != REG_MULTI_SZ || n >= LIST_MAX)
                return ERROR_ACCESS_DENIED;
        for (DWORD i = 0; i < n; i++)
                fake.list[i] = from[i] ? from[i] : L'|';
        fake.list[n] = L'\0';
        return ERROR_SUCCESS;
}

int log_win_error(DWORD error, const char *format, ...) {
        return win_errno(error);
}

static Restart spare(const wchar_t *list, const wchar_t *grows) {
        const wchar_t *const folders[] = {FOLDER};
        const RestartPair pairs[] = {{FOLDER L"\\1.old", FOLDER L"\\b"}, {FOLDER L"\\c", NULL}};
        Restart r = RESTART_NULL;

        fake.n_flushed = 0;
        fake.grows = grows;
        (void) wcscpy(fake.list, list);
        check("the change is accepted", restart_spare(&r, folders, 1, pairs, 2) == 0);
        check("it is on the disk", fake.n_flushed == 1);
        return r;
}

static void undo(Restart *r, const char *what, const wchar_t *list) {
        check(what, restart_undo(r) == 0 && wcscmp(fake.list, list) == 0);
        restart_free(r);
}

int main(void) {
        Restart r = spare(OTHER OURS L"|", NULL);

        check("others' orders stay", wcscmp(fake.list, OTHER ADDED L"|") == 0);
        undo(&r, "the way back restores ours", OTHER OURS L"|");

        r = spare(L"", NULL);
        check("a list is made", wcscmp(fake.list, ADDED L"|") == 0);
        undo(&r, "the way back removes it", L"");

        r = spare(OTHER L"|", OTHER OTHER L"|");
        check("what came while it was read stays", wcscmp(fake.list, OTHER OTHER ADDED L"|") == 0);
        (void) wcscpy(fake.list, OTHER ADDED OTHER L"|");
        undo(&r, "the way back leaves a list that somebody has changed", OTHER ADDED OTHER L"|");
        printf("%d failed\n", n_failed);
        return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
