/* SPDX-License-Identifier: MIT */

/*
 * Enumerating the policy keys and converting registry types to those of a policy.
 */

#include "windows-helper/store/policy-store.h"
#include "windows-helper/core/base/result.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/win.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define POLICY_DATA_MAX 65536 /* bytes; longer values count as unreadable */

typedef struct PolicyRead {
        const wchar_t *path;
        PolicySource source; /* the kind of key at @path */
        Policy *policy;
        PolicyOrigin *origin;
} PolicyRead;

static void policy_store_problem(PolicyRead *read, const char *problem) {
        PolicyOrigin *o = read->origin;

        if (o->n_problems < POLICY_PROBLEMS_MAX)
                result_text(o->problems[o->n_problems++], "HKLM\\%s: %s", WIN_UTF8(read->path),
                            problem);
}

/* Join the strings of a REG_MULTI_SZ with line breaks, in place. Return: the length of the text. */
static size_t policy_store_join(wchar_t *text, size_t n) {
        while (n > 0 && text[n - 1] == L'\0')
                n--;
        for (size_t i = 0; i < n; i++)
                if (text[i] == L'\0')
                        text[i] = L'\n';
        return n;
}

static PolicyKind policy_store_kind(DWORD type, DWORD size) {
        switch (type) {
        case REG_SZ:
        case REG_EXPAND_SZ:
                return POLICY_IS_STRING;
        case REG_MULTI_SZ:
                return POLICY_IS_STRINGS;
        case REG_DWORD:
                return size == sizeof(DWORD) ? POLICY_IS_NUMBER : POLICY_IS_OTHER;
        default: /* Windows has more types */
                return POLICY_IS_OTHER;
        }
}

static int policy_store_value(PolicyRead *read, const wchar_t *wname, DWORD n_name, DWORD type,
                              BYTE *data, DWORD size) {
        PolicyKind kind = policy_store_kind(type, size);
        char *name = NULL, *text = NULL, problem[WIRE_TEXT_MAX + 1] = "";
        uint32_t number = 0;
        int r;

        r = win_from_wide(wname, n_name, &name);
        if (r == 0 && (kind == POLICY_IS_STRING || kind == POLICY_IS_STRINGS))
                r = win_from_wide((wchar_t *) data,
                                  policy_store_join((wchar_t *) data, size / sizeof(wchar_t)),
                                  &text);
        if (kind == POLICY_IS_NUMBER)
                memcpy(&number, data, sizeof(number));
        if (r == 0 && name[0] != '\0') {
                if (policy_set(read->policy, name, kind, text, number, problem) < 0)
                        policy_store_problem(read, problem);
                if (policy_find(name) >= 0)
                        read->origin->sources[policy_find(name)] = read->source;
        }
        free(text);
        free(name);
        return r;
}

/* A value that is too long is passed on as one of an unusable type, so it denies what it governs.
 */
static int policy_store_each(PolicyRead *read, HKEY key, BYTE *data) {
        wchar_t name[256];
        int r = 0;

        for (DWORD i = 0; r == 0; i++) {
                DWORD n_name = ARRAYSIZE(name), size = POLICY_DATA_MAX, type = REG_NONE;
                LSTATUS error = RegEnumValueW(key, i, name, &n_name, NULL, &type, data, &size);

                if (error == ERROR_NO_MORE_ITEMS)
                        return 0;
                if (error == ERROR_MORE_DATA && n_name < ARRAYSIZE(name)) {
                        type = REG_NONE;
                        size = 0;
                } else if (error != ERROR_SUCCESS) {
                        return log_win_error((DWORD) error, "Cannot read 'HKLM\\%s'",
                                             WIN_UTF8(read->path));
                }
                r = policy_store_value(read, name, n_name, type, data, size);
        }
        return r;
}

static int policy_store_key(PolicyRead *read) {
        BYTE *data;
        LSTATUS error;
        HKEY key;
        int r;

        error = RegOpenKeyExW(HKEY_LOCAL_MACHINE, read->path, 0, KEY_QUERY_VALUE, &key);
        if (error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND)
                return 0;
        if (error != ERROR_SUCCESS)
                return log_win_error((DWORD) error, "Cannot open 'HKLM\\%s'", WIN_UTF8(read->path));
        data = malloc(POLICY_DATA_MAX);
        r = data ? policy_store_each(read, key, data) : -ENOMEM;
        free(data);
        (void) RegCloseKey(key);
        return r;
}

int policy_store_read(Policy *ret_policy, PolicyOrigin *ret_origin) {
        static const struct {
                const wchar_t *path;
                PolicySource source;
        } keys[] = {
                {POLICY_STORE_LOCAL, POLICY_FROM_LOCAL},
                {POLICY_STORE_MANAGED, POLICY_FROM_MANAGED},
        };
        PolicyOrigin origin = {.n_problems = 0};
        Policy policy;

        policy_init(&policy);
        for (size_t i = 0; i < ARRAYSIZE(keys); i++) { /* the later one wins */
                PolicyRead read = {keys[i].path, keys[i].source, &policy, &origin};
                int r = policy_store_key(&read);

                if (r < 0)
                        return r;
        }
        *ret_policy = policy;
        *ret_origin = origin;
        return 0;
}
