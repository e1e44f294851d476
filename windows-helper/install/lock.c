/* SPDX-License-Identifier: MIT */

/*
 * The lock is a file that only one process can have open and that disappears with it. It is in
 * Program Files, where only administrators can make files: a mutex could be held by every user.
 */

#include "windows-helper/install/lock.h"
#include "windows-helper/store/paths.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdio.h>

#define LOCK_SUFFIX L"-install.lock" /* behind the name of our folder */

int lock_take(HANDLE *ret_lock) {
        wchar_t folder[PATHS_MAX], path[PATHS_MAX];
        int r = paths_program(NULL, folder);
        DWORD error;

        if (r < 0)
                return r;
        if (win_format(path, PATHS_MAX, L"%ls" LOCK_SUFFIX, folder) < 0)
                return -ENAMETOOLONG;
        *ret_lock = CreateFileW(path, GENERIC_WRITE | DELETE, 0, NULL, OPEN_ALWAYS,
                                FILE_FLAG_DELETE_ON_CLOSE, NULL);
        if (*ret_lock != INVALID_HANDLE_VALUE)
                return 0;
        error = GetLastError();
        /* While the one before is closing it, the file is about to be deleted, which denies access
         * as well. Where there is none, it is the folder that denies it. */
        if (error != ERROR_SHARING_VIOLATION &&
            (error != ERROR_ACCESS_DENIED || (GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES &&
                                              GetLastError() == ERROR_FILE_NOT_FOUND)))
                return log_win_error(error, "Cannot create '%s'", WIN_UTF8(path));
        log_write(LOG_LEVEL_ERROR,
                  "Another program is installing or removing wslbridge. Try again when "
                  "it has ended");
        return -EBUSY;
}
