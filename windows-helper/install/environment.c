/* SPDX-License-Identifier: MIT */

/*
 * The value Path of the machine's environment. Its type stays what it is; what Windows has not
 * expanded stays so.
 */

#include "windows-helper/install/environment.h"
#include "windows-helper/core/install/path-list.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdlib.h>

#define ENVIRONMENT_KEY     L"SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment"
#define ENVIRONMENT_PATH    L"Path"
#define ENVIRONMENT_TELL_MS 1000 /* for each window that does not answer */

typedef struct EnvironmentPath {
        HKEY key;   /* owned */
        DWORD type; /* REG_EXPAND_SZ for a value that is to be made */
        wchar_t list[PATH_LIST_MAX + 1];
} EnvironmentPath;

static int environment_error(LSTATUS error) {
        return log_win_error((DWORD) error, "Cannot change PATH (value '%s' of 'HKLM\\%s')",
                             WIN_UTF8(ENVIRONMENT_PATH), WIN_UTF8(ENVIRONMENT_KEY));
}

/* Whether @size bytes of @type are one string of a length that we may touch. */
static bool environment_is_text(const EnvironmentPath *p, DWORD size) {
        size_t n = size / sizeof(wchar_t);

        if ((p->type != REG_SZ && p->type != REG_EXPAND_SZ) || size % sizeof(wchar_t) != 0)
                return false;
        for (size_t i = wcsnlen(p->list, n); i < n; i++)
                if (p->list[i] != L'\0')
                        return false;
        return true;
}

/* Return: 0; -EINVAL when nobody could edit the value (not logged); or negative errno (logged). */
static int environment_read(EnvironmentPath *p) {
        DWORD size = PATH_LIST_MAX * sizeof(wchar_t); /* one NUL stays behind it */
        LSTATUS error;

        error = RegQueryValueExW(p->key, ENVIRONMENT_PATH, NULL, &p->type, (BYTE *) p->list, &size);
        if (error == ERROR_FILE_NOT_FOUND) {
                p->type = REG_EXPAND_SZ;
                return 0;
        }
        if (error == ERROR_MORE_DATA || (error == ERROR_SUCCESS && !environment_is_text(p, size)))
                return -EINVAL;
        return error == ERROR_SUCCESS ? 0 : environment_error(error);
}

/* Return: 0 with *ret_path, to be closed; or as environment_read(). */
static int environment_open(EnvironmentPath **ret_path) {
        EnvironmentPath *p = calloc(1, sizeof(*p));
        LSTATUS error;
        int r;

        if (!p)
                return -ENOMEM;
        error = RegOpenKeyExW(HKEY_LOCAL_MACHINE, ENVIRONMENT_KEY, 0,
                              KEY_QUERY_VALUE | KEY_SET_VALUE, &p->key);
        r = error == ERROR_SUCCESS ? environment_read(p) : environment_error(error);
        if (r == 0) {
                *ret_path = p;
                return 0;
        }
        if (error == ERROR_SUCCESS)
                (void) RegCloseKey(p->key);
        free(p);
        return r;
}

static void environment_close(EnvironmentPath *p) {
        (void) RegCloseKey(p->key);
        free(p);
}

/* An empty value would be a list with one empty entry; without the value there is none. */
static int environment_write(const EnvironmentPath *p) {
        size_t size = (wcslen(p->list) + 1) * sizeof(*p->list);
        LSTATUS error;

        error = p->list[0] ? RegSetValueExW(p->key, ENVIRONMENT_PATH, 0, p->type,
                                            (const BYTE *) p->list, (DWORD) size)
                           : RegDeleteValueW(p->key, ENVIRONMENT_PATH);
        if (error != ERROR_SUCCESS)
                return environment_error(error);
        /* The Explorer reads the environment again and gives it to what it starts (fact 9.4.3). */
        (void) SendMessageTimeoutW(HWND_BROADCAST, WM_SETTINGCHANGE, 0, (LPARAM) L"Environment",
                                   SMTO_ABORTIFHUNG, ENVIRONMENT_TELL_MS, NULL);
        return 0;
}

int environment_path_add(const wchar_t *folder, bool *ret_added) {
        EnvironmentPath *p = NULL;
        bool has;
        int r;

        *ret_added = false;
        r = environment_open(&p);
        if (r != 0 && r != -EINVAL)
                return r;
        has = r == 0 && path_list_has(p->list, folder);
        if (r == -EINVAL || !(has || path_list_add(p->list, PATH_LIST_MAX, folder))) {
                log_write(LOG_LEVEL_WARNING,
                          "PATH is left as it is, because it is too long or no text. Start the "
                          "program as '%s\\wslbridge-helper.exe'",
                          WIN_UTF8(folder));
                r = 0;
        } else if (!has) {
                r = environment_write(p);
                *ret_added = r == 0;
        }
        if (p)
                environment_close(p);
        return r;
}

int environment_path_remove(const wchar_t *folder) {
        EnvironmentPath *p = NULL;
        int r = environment_open(&p);

        if (r != 0)
                return r == -EINVAL ? 0 : r;
        if (path_list_remove(p->list, folder) > 0)
                r = environment_write(p);
        environment_close(p);
        return r;
}
