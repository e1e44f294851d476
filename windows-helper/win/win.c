/* SPDX-License-Identifier: MIT */

/*
 * The table of error codes, and text from and to UTF-16.
 */

#include "windows-helper/win/win.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
        DWORD error;
        int number;
} win_errnos[] = {
        {ERROR_FILE_NOT_FOUND, ENOENT},
        {ERROR_PATH_NOT_FOUND, ENOENT},
        {ERROR_KEY_DELETED, ENOENT},
        {ERROR_ACCESS_DENIED, EACCES},
        {WSAEACCES, EACCES},
        {ERROR_NOT_ENOUGH_MEMORY, ENOMEM},
        {ERROR_OUTOFMEMORY, ENOMEM},
        {ERROR_NO_SYSTEM_RESOURCES, ENOMEM},
        {WSAENOBUFS, ENOBUFS},
        {ERROR_MORE_DATA, EMSGSIZE},
        {ERROR_INVALID_PARAMETER, EINVAL},
        {WSAEINVAL, EINVAL},
        {ERROR_DISK_FULL, ENOSPC},
        {WSAEADDRINUSE, EADDRINUSE},
        {WSAEADDRNOTAVAIL, EADDRNOTAVAIL},
        {WSAEAFNOSUPPORT, EAFNOSUPPORT},
        {WSAECONNRESET, ECONNRESET},
        {WSAECONNABORTED, ECONNABORTED},
        {ERROR_NETNAME_DELETED, ECONNRESET}, /* an overlapped read reports a reset like this */
        {ERROR_OPERATION_ABORTED, ECANCELED},
        {ERROR_SERVICE_DOES_NOT_EXIST, ENOENT},
        {ERROR_SERVICE_NOT_ACTIVE, ESRCH},
        {ERROR_SERVICE_DISABLED, ESRCH},
        {ERROR_SERVICE_CANNOT_ACCEPT_CTRL, ESRCH},
        {ERROR_SHUTDOWN_IN_PROGRESS, ESRCH},
        {ERROR_SERVICE_REQUEST_TIMEOUT, ETIMEDOUT},
};

int win_errno(DWORD error) {
        if (error == ERROR_SUCCESS)
                return 0;
        for (size_t i = 0; i < sizeof(win_errnos) / sizeof(win_errnos[0]); i++)
                if (win_errnos[i].error == error)
                        return -win_errnos[i].number;
        return -EIO;
}

int win_to_wide(const char *text, wchar_t *ret_wide, size_t size) {
        if (size > INT_MAX)
                size = INT_MAX;
        if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, ret_wide, (int) size) > 0)
                return 0;
        return GetLastError() == ERROR_NO_UNICODE_TRANSLATION ? -EILSEQ : -ENAMETOOLONG;
}

int win_from_wide(const wchar_t *wide, size_t n, char **ret_text) {
        char *text;
        int size;

        if (n > INT_MAX / 4)
                return -ENOMEM;
        size = n == 0 ? 0 : WideCharToMultiByte(CP_UTF8, 0, wide, (int) n, NULL, 0, NULL, NULL);
        text = malloc((size_t) size + 1);
        if (!text)
                return -ENOMEM;
        if (size > 0)
                (void) WideCharToMultiByte(CP_UTF8, 0, wide, (int) n, text, size, NULL, NULL);
        text[size] = '\0';
        *ret_text = text;
        return 0;
}

int win_format(wchar_t *ret_text, size_t size, const wchar_t *format, ...) {
        va_list args;
        int n;

        va_start(args, format);
        n = _vsnwprintf(ret_text, size, format, args);
        va_end(args);
        /* Where the text does not fit with its NUL, Windows writes none. */
        if (n >= 0 && (size_t) n < size)
                return n;
        ret_text[size - 1] = L'\0';
        return -1;
}

const char *win_shown(const wchar_t *wide, char ret_text[WIN_SHOWN_MAX]) {
        DWORD error = GetLastError(); /* which is often another argument of the same call */
        char *text = NULL;

        ret_text[0] = '\0';
        if (win_from_wide(wide, wcslen(wide), &text) == 0)
                (void) snprintf(ret_text, WIN_SHOWN_MAX, "%s", text);
        free(text);
        SetLastError(error);
        return ret_text;
}
