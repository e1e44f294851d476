/* SPDX-License-Identifier: MIT */

/*
 * Reading, writing and enumerating the values of a key that may disappear at any time.
 */

#include "windows-helper/win/registry.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Not KEY_ALL_ACCESS: we never change the owner or the DACL of these keys. */
#define REGISTRY_ACCESS (KEY_QUERY_VALUE | KEY_SET_VALUE | KEY_CREATE_SUB_KEY | KEY_NOTIFY)
/* For users who are not administrators. A write fails then and is logged. */
#define REGISTRY_ACCESS_USER KEY_QUERY_VALUE

/* @name: of a value, or NULL. Return: negative errno. */
static int registry_fail(RegistryKey *k, LSTATUS error, const char *what, const char *name) {
        if (log_may(&k->limit))
                (void) log_win_error((DWORD) error, "Cannot %s%s%s 'HKLM\\%s'", what,
                                     name ? name : "", name ? "' of" : "", WIN_UTF8(k->path));
        if (error == ERROR_ACCESS_DENIED) /* the next try asks for the rights again */
                registry_close(k);
        return win_errno((DWORD) error);
}

int registry_create(RegistryKey *k) {
        LSTATUS error;

        if (k->key)
                return 0;
        error = RegCreateKeyExW(HKEY_LOCAL_MACHINE, k->path, 0, NULL, REG_OPTION_NON_VOLATILE,
                                REGISTRY_ACCESS, NULL, &k->key, NULL);
        if (error != ERROR_SUCCESS) {
                k->key = NULL;
                return registry_fail(k, error, "create key", NULL);
        }
        return 0;
}

void registry_close(RegistryKey *k) {
        if (k->key) {
                (void) RegCloseKey(k->key);
                k->key = NULL;
        }
}

/* Return: 0; -ENOENT (not logged); or another negative errno (logged). */
static int registry_open(RegistryKey *k) {
        LSTATUS error;

        if (k->key)
                return 0;
        error = RegOpenKeyExW(HKEY_LOCAL_MACHINE, k->path, 0, REGISTRY_ACCESS, &k->key);
        if (error == ERROR_ACCESS_DENIED)
                error = RegOpenKeyExW(HKEY_LOCAL_MACHINE, k->path, 0, REGISTRY_ACCESS_USER,
                                      &k->key);
        if (error == ERROR_SUCCESS)
                return 0;
        k->key = NULL;
        if (error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND)
                return -ENOENT;
        return registry_fail(k, error, "open key", NULL);
}

/* True when @error says that the key of our handle was deleted. The handle is closed then, and the
 * caller tries again, because the key may have been created anew with other values. Deleting a
 * value is the exception: nobody has looked at the value of that name in the new key. */
static bool registry_lost(RegistryKey *k, LSTATUS error) {
        if (error != ERROR_KEY_DELETED)
                return false;
        registry_close(k);
        return true;
}

static int registry_set(RegistryKey *k, const char *name, DWORD type, const void *data,
                        size_t size) {
        wchar_t wname[REGISTRY_NAME_MAX];
        LSTATUS error = ERROR_KEY_DELETED;
        int r;

        r = win_to_wide(name, wname, ARRAYSIZE(wname));
        if (r < 0)
                return r;
        for (int attempt = 0; attempt < 2; attempt++) {
                r = registry_create(k);
                if (r < 0)
                        return r;
                error = RegSetValueExW(k->key, wname, 0, type, data, (DWORD) size);
                if (!registry_lost(k, error))
                        break;
        }
        if (error != ERROR_SUCCESS)
                return registry_fail(k, error, "write value '", name);
        return 0;
}

int registry_set_string(RegistryKey *k, const char *name, const char *data) {
        wchar_t wdata[REGISTRY_NAME_MAX];
        int r = win_to_wide(data, wdata, ARRAYSIZE(wdata));

        return r < 0 ? r
                     : registry_set(k, name, REG_SZ, wdata, (wcslen(wdata) + 1) * sizeof(wchar_t));
}

int registry_set_binary(RegistryKey *k, const char *name, const void *data, size_t size) {
        return registry_set(k, name, REG_BINARY, data, size);
}

/* Characters of a REG_SZ without its NUL. SIZE_MAX when it is not one plain string: another type,
 * half a character, or something behind a NUL. A value that differs from ours in this way must not
 * be mistaken for ours. */
static size_t registry_string_length(DWORD type, const BYTE *data, DWORD size) {
        const wchar_t *wide = (const wchar_t *) data;
        size_t n = size / sizeof(wchar_t);

        if (type != REG_SZ || size % sizeof(wchar_t) != 0)
                return SIZE_MAX;
        if (n > 0 && wide[n - 1] == L'\0')
                n--;
        for (size_t i = 0; i < n; i++)
                if (wide[i] == L'\0')
                        return SIZE_MAX;
        return n;
}

/* RegQueryValueExW() with our errors. *size is the size of @data, and then that of the value.
 * Return: 0; -ENOENT; -EMSGSIZE; or another negative errno (logged). */
static int registry_query(RegistryKey *k, const char *name, DWORD *ret_type, BYTE *data,
                          DWORD *size) {
        wchar_t wname[REGISTRY_NAME_MAX];
        DWORD room = *size;
        LSTATUS error;
        int r;

        r = win_to_wide(name, wname, ARRAYSIZE(wname));
        if (r < 0)
                return r;
        do {
                r = registry_open(k);
                if (r < 0)
                        return r;
                *size = room;
                error = RegQueryValueExW(k->key, wname, NULL, ret_type, data, size);
        } while (registry_lost(k, error));
        if (error == ERROR_FILE_NOT_FOUND)
                return -ENOENT;
        if (error == ERROR_MORE_DATA)
                return -EMSGSIZE;
        if (error != ERROR_SUCCESS)
                return registry_fail(k, error, "read value '", name);
        return 0;
}

int registry_get_string(RegistryKey *k, const char *name, char *ret_data, size_t size) {
        wchar_t wide[REGISTRY_NAME_MAX];
        DWORD n_bytes = sizeof(wide), type = REG_NONE;
        char *text = NULL;
        size_t n;
        int r;

        r = registry_query(k, name, &type, (BYTE *) wide, &n_bytes);
        if (r == -EMSGSIZE)
                return REGISTRY_E_NOT_STRING; /* longer than any string of ours */
        if (r < 0)
                return r;
        n = registry_string_length(type, (const BYTE *) wide, n_bytes);
        if (n == SIZE_MAX)
                return REGISTRY_E_NOT_STRING;
        r = win_from_wide(wide, n, &text);
        if (r < 0)
                return r;
        if (strlen(text) >= size)
                r = REGISTRY_E_NOT_STRING;
        else
                memcpy(ret_data, text, strlen(text) + 1);
        free(text);
        return r;
}

int registry_get_binary(RegistryKey *k, const char *name, void *ret_data, size_t size) {
        DWORD n_bytes = (DWORD) size, type = REG_NONE;
        int r;

        r = registry_query(k, name, &type, ret_data, &n_bytes);
        if (r == -EMSGSIZE)
                return -EINVAL;
        if (r < 0)
                return r;
        return type == REG_BINARY && n_bytes == size ? 0 : -EINVAL;
}

int registry_delete(RegistryKey *k, const char *name) {
        wchar_t wname[REGISTRY_NAME_MAX];
        LSTATUS error;
        int r;

        r = win_to_wide(name, wname, ARRAYSIZE(wname));
        if (r < 0)
                return r;
        r = registry_open(k);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        error = RegDeleteValueW(k->key, wname);
        if (error == ERROR_SUCCESS || error == ERROR_FILE_NOT_FOUND || registry_lost(k, error))
                return 0;
        return registry_fail(k, error, "delete value '", name);
}

int registry_flush(RegistryKey *k) {
        LSTATUS error;
        int r;

        do {
                r = registry_open(k);
                if (r < 0)
                        return r == -ENOENT ? 0 : r;
                error = RegFlushKey(k->key);
        } while (registry_lost(k, error));
        if (error == ERROR_SUCCESS)
                return 0;
        return registry_fail(k, error, "flush key", NULL);
}

int registry_stamp(RegistryKey *k, uint64_t *ret_written, uint32_t *ret_n, uint32_t *ret_keys) {
        FILETIME written = {0};
        DWORD n = 0, n_keys = 0;
        LSTATUS error;
        int r;

        *ret_written = 0;
        *ret_n = *ret_keys = 0;
        do {
                r = registry_open(k);
                if (r < 0)
                        return r == -ENOENT ? 0 : r;
                error = RegQueryInfoKeyW(k->key, NULL, NULL, NULL, &n_keys, NULL, NULL, &n, NULL,
                                         NULL, NULL, &written);
        } while (registry_lost(k, error));
        if (error != ERROR_SUCCESS)
                return registry_fail(k, error, "query key", NULL);
        *ret_written = (uint64_t) written.dwHighDateTime << 32 | written.dwLowDateTime;
        *ret_n = n;
        *ret_keys = n_keys;
        return 0;
}

typedef struct RegistryEnum {
        wchar_t *name; /* owned */
        BYTE *data;    /* owned */
        DWORD name_size, data_size;
} RegistryEnum;

/* The data may be a key of an agent, also where only the names are wanted. */
static void registry_enum_done(RegistryEnum *e) {
        if (e->data)
                SecureZeroMemory(e->data, e->data_size);
        free(e->data);
        free(e->name);
        *e = (RegistryEnum){.name = NULL};
}

/* Make room for the longest name and the longest data that the key has now. Return: a Win32 error.
 */
static LSTATUS registry_enum_reserve(RegistryEnum *e, HKEY key) {
        DWORD name_max = 0, data_max = 0;
        LSTATUS error;

        error = RegQueryInfoKeyW(key, NULL, NULL, NULL, NULL, NULL, NULL, NULL, &name_max,
                                 &data_max, NULL, NULL);
        if (error != ERROR_SUCCESS)
                return error;
        registry_enum_done(e);
        e->name_size = name_max + 1;
        e->data_size = data_max + sizeof(wchar_t);
        e->name = calloc(e->name_size, sizeof(wchar_t));
        e->data = malloc(e->data_size);
        return e->name && e->data ? ERROR_SUCCESS : ERROR_OUTOFMEMORY;
}

/* Call @fn with the value that was just read. */
static int registry_enum_deliver(const RegistryEnum *e, DWORD n_name, DWORD type, DWORD n_data,
                                 int (*fn)(void *, const char *, const char *), void *userdata) {
        size_t n = registry_string_length(type, e->data, n_data);
        char *name = NULL, *data = NULL;
        int r;

        r = win_from_wide(e->name, n_name, &name);
        if (r == 0 && n != SIZE_MAX)
                r = win_from_wide((const wchar_t *) e->data, n, &data);
        if (r == 0)
                r = fn(userdata, name, data);
        free(data);
        free(name);
        return r;
}

int registry_some(RegistryKey *k, uint32_t *index, size_t n,
                  int (*fn)(void *userdata, const char *name, const char *data), void *userdata) {
        RegistryEnum e = {0};
        LSTATUS error;
        int r;

        do {
                r = registry_open(k);
                if (r < 0)
                        return r == -ENOENT ? 0 : r;
                error = registry_enum_reserve(&e, k->key);
        } while (registry_lost(k, error));
        while (error == ERROR_SUCCESS && r == 0 && n > 0) {
                DWORD n_name = e.name_size, n_data = e.data_size, type = REG_NONE;

                error = RegEnumValueW(k->key, *index, e.name, &n_name, NULL, &type, e.data,
                                      &n_data);
                if (error == ERROR_MORE_DATA) { /* a value has grown meanwhile */
                        error = registry_enum_reserve(&e, k->key);
                } else if (error == ERROR_SUCCESS) {
                        r = registry_enum_deliver(&e, n_name, type, n_data, fn, userdata);
                        (*index)++;
                        n--;
                }
        }
        registry_enum_done(&e);
        if (r == 0 && error == ERROR_SUCCESS)
                return 1;
        if (r != 0 || error == ERROR_NO_MORE_ITEMS || registry_lost(k, error))
                return r;
        return registry_fail(k, error, "list the values of", NULL);
}

int registry_each(RegistryKey *k, int (*fn)(void *userdata, const char *name, const char *data),
                  void *userdata) {
        uint32_t index = 0;

        return registry_some(k, &index, SIZE_MAX, fn, userdata);
}
