/* SPDX-License-Identifier: MIT */

/*
 * Reading status.json while it may be replaced at any time.
 */

#include "windows-helper/service/status-load.h"
#include "windows-helper/core/status/read.h"
#include "windows-helper/service/status-file.h"
#include "windows-helper/store/paths.h"
#include "windows-helper/win/process.h"

#include <errno.h>
#include <stdlib.h>

#define STATUS_LOAD_MAX (256u * 1024 * 1024) /* more than the services of all guests can need */

static int status_load_from(HANDLE file, char **ret_text, size_t *ret_n) {
        LARGE_INTEGER size;
        DWORD n = 0;
        char *text;

        if (!GetFileSizeEx(file, &size))
                return win_errno(GetLastError());
        if (size.QuadPart > STATUS_LOAD_MAX)
                return -EFBIG;
        text = malloc((size_t) size.QuadPart + 1);
        if (!text)
                return -ENOMEM;
        if (!ReadFile(file, text, (DWORD) size.QuadPart, &n, NULL)) {
                free(text);
                return win_errno(GetLastError());
        }
        text[n] = '\0';
        *ret_text = text;
        *ret_n = n;
        return 0;
}

static void status_on_pid(void *userdata, StatusKind kind, const StatusRecord *record) {
        DWORD *pid = userdata;

        if (kind == STATUS_MEMBER && status_field(record, "pid")[0])
                *pid = strtoul(status_field(record, "pid"), NULL, 10);
}

bool status_is_alive(const char *text, size_t n) {
        DWORD pid = 0;

        (void) status_read(text, n, status_on_pid, &pid);
        return process_is_helper(pid);
}

int status_load(char **ret_text, size_t *ret_n) {
        wchar_t path[PATHS_MAX];
        HANDLE file;
        int r = paths_data(STATUS_FILE_NAME, path);

        if (r < 0)
                return r;
        /* Shared for deletion too, because the helper replaces the file while it is read. */
        file = CreateFileW(path, GENERIC_READ,
                           FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                           OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
        if (file == INVALID_HANDLE_VALUE)
                return win_errno(GetLastError());
        r = status_load_from(file, ret_text, ret_n);
        (void) CloseHandle(file);
        return r;
}
