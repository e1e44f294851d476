/* SPDX-License-Identifier: MIT */

/*
 * The value PendingFileRenameOperations of the session manager.
 */

#include "windows-helper/install/exchange/restart.h"
#include "windows-helper/core/install/pending.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RESTART_KEY   L"SYSTEM\\CurrentControlSet\\Control\\Session Manager"
#define RESTART_VALUE L"PendingFileRenameOperations"
#define RESTART_PAIR  (2 * PATHS_MAX + 16) /* characters of a pair that is added */
#define RESTART_TRIES 5                    /* the list may grow after the query of its size */

/* Return: the error. *ret_list: to be freed; NULL when there is no list. */
static LSTATUS restart_read(wchar_t **ret_list, size_t *ret_n) {
        LSTATUS error = ERROR_MORE_DATA;

        *ret_list = NULL;
        *ret_n = 0;
        for (int i = 0; i < RESTART_TRIES && error == ERROR_MORE_DATA; i++) {
                DWORD size = 0;

                free(*ret_list);
                *ret_list = NULL;
                error = RegGetValueW(HKEY_LOCAL_MACHINE, RESTART_KEY, RESTART_VALUE,
                                     RRF_RT_REG_MULTI_SZ, NULL, NULL, &size);
                if (error == ERROR_FILE_NOT_FOUND)
                        return ERROR_SUCCESS;
                if (error != ERROR_SUCCESS)
                        return error;
                *ret_list = calloc(size / sizeof(wchar_t) + 1, sizeof(wchar_t));
                if (!*ret_list)
                        return ERROR_OUTOFMEMORY;
                error = RegGetValueW(HKEY_LOCAL_MACHINE, RESTART_KEY, RESTART_VALUE,
                                     RRF_RT_REG_MULTI_SZ, NULL, *ret_list, &size);
                *ret_n = size / sizeof(wchar_t);
        }
        return error;
}

static LSTATUS restart_write(const wchar_t *list, size_t n) {
        LSTATUS error;
        HKEY key;

        /* Flushing needs the right to query (fact 9.2.9). */
        error = RegOpenKeyExW(HKEY_LOCAL_MACHINE, RESTART_KEY, 0, KEY_QUERY_VALUE | KEY_SET_VALUE,
                              &key);
        if (error != ERROR_SUCCESS)
                return error;
        if (n == 0)
                error = RegDeleteValueW(key, RESTART_VALUE);
        else
                error = RegSetValueExW(key, RESTART_VALUE, 0, REG_MULTI_SZ, (const BYTE *) list,
                                       (DWORD) (n * sizeof(*list)));
        if (error == ERROR_SUCCESS)
                error = RegFlushKey(key);
        (void) RegCloseKey(key);
        return error == ERROR_FILE_NOT_FOUND ? ERROR_SUCCESS : error;
}

static bool restart_equal(const wchar_t *a, size_t n_a, const wchar_t *b, size_t n_b) {
        return n_a == n_b && (n_a == 0 || (a && b && wmemcmp(a, b, n_a) == 0));
}

static int restart_error(LSTATUS error) {
        return log_win_error((DWORD) error,
                             "Cannot change what Windows does at its next restart (value "
                             "'%s' of 'HKLM\\%s')",
                             WIN_UTF8(RESTART_VALUE), WIN_UTF8(RESTART_KEY));
}

int restart_spare(Restart *r, const wchar_t *const *folders, size_t n_folders,
                  const RestartPair *pairs, size_t n_pairs) {
        LSTATUS error = restart_read(&r->before, &r->n_before);
        size_t size = r->n_before + n_pairs * RESTART_PAIR + 1;

        if (error != ERROR_SUCCESS)
                return restart_error(error);
        r->after = calloc(size, sizeof(*r->after));
        if (!r->after)
                return -ENOMEM;
        if (r->n_before > 0)
                wmemcpy(r->after, r->before, r->n_before);
        r->n_after = r->n_before;
        for (size_t i = 0; i < n_folders; i++)
                r->n_after = pending_forget(r->after, r->n_after, folders[i]);
        for (size_t i = 0; i < n_pairs; i++)
                r->n_after = pending_add(r->after, r->n_after, size, pairs[i].from, pairs[i].to);
        if (restart_equal(r->before, r->n_before, r->after, r->n_after))
                return 0;
        error = restart_write(r->after, r->n_after);
        return error == ERROR_SUCCESS ? 0 : restart_error(error);
}

bool restart_replaces(const wchar_t *path, wchar_t ret_from[PATHS_MAX]) {
        wchar_t *list = NULL;
        size_t n = 0;
        bool found = restart_read(&list, &n) == ERROR_SUCCESS &&
                     pending_find(list, n, path, ret_from, PATHS_MAX);

        free(list);
        return found;
}

int restart_undo(Restart *r) {
        wchar_t *now = NULL;
        size_t n_now = 0;
        LSTATUS error;

        if (!r->after)
                return 0;
        error = restart_read(&now, &n_now);
        if (error == ERROR_SUCCESS && restart_equal(now, n_now, r->after, r->n_after) &&
            !restart_equal(now, n_now, r->before, r->n_before))
                error = restart_write(r->before, r->n_before);
        free(now);
        return error == ERROR_SUCCESS ? 0 : restart_error(error);
}

void restart_free(Restart *r) {
        free(r->before);
        free(r->after);
        *r = RESTART_NULL;
}
