/* SPDX-License-Identifier: MIT */

/*
 * Reads a file that others may replace meanwhile.
 */

#include "windows-helper/win/file.h"

#include "windows-helper/win/win.h"

#include <errno.h>
#include <stdlib.h>

static int file_read_from(HANDLE file, size_t max, char **ret, size_t *ret_n) {
        LARGE_INTEGER size;
        DWORD n = 0;
        char *text;

        if (!GetFileSizeEx(file, &size))
                return win_errno(GetLastError());
        if ((ULONGLONG) size.QuadPart > max)
                return -EFBIG;
        text = malloc((size_t) size.QuadPart + 1);
        if (!text)
                return -ENOMEM;
        if (!ReadFile(file, text, (DWORD) size.QuadPart, &n, NULL)) {
                free(text);
                return win_errno(GetLastError());
        }
        text[n] = '\0';
        *ret = text;
        *ret_n = n;
        return 0;
}

int file_read(const wchar_t *path, size_t max, char **ret, size_t *ret_n) {
        HANDLE file = CreateFileW(path, GENERIC_READ,
                                  FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                                  OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
        int r;

        if (file == INVALID_HANDLE_VALUE)
                return win_errno(GetLastError());
        r = file_read_from(file, max, ret, ret_n);
        (void) CloseHandle(file);
        return r;
}
