/* SPDX-License-Identifier: MIT */

/*
 * The lock is a file that only SYSTEM and administrators can open, so nobody else can hold it.
 */

#include "windows-helper/service/helper-lock.h"
#include "windows-helper/store/paths.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/secure.h"

#include <errno.h>

/* After a kill the old helper may need a moment to disappear. */
#define HELPER_LOCK_NAME    L"lock"
#define HELPER_LOCK_WAIT_MS 3000
#define HELPER_LOCK_POLL_MS 50

int helper_lock_take(HANDLE *ret_lock) {
        wchar_t path[PATHS_MAX];
        int r = paths_data(NULL, path);

        if (r == 0)
                r = secure_folder(path, SECURE_PUBLIC_FILE);
        if (r == 0)
                r = paths_data(HELPER_LOCK_NAME, path);
        if (r < 0)
                return r;
        for (int waited = 0; waited <= HELPER_LOCK_WAIT_MS; waited += HELPER_LOCK_POLL_MS) {
                r = secure_file(path, SECURE_SECRET_FILE, /* share= */ 0, ret_lock);
                if (r == -EISDIR)
                        log_write(LOG_LEVEL_ERROR,
                                  "'%s' is a folder, but must be a file; find out who made it, "
                                  "and remove it",
                                  WIN_UTF8(path));
                if (r != -EBUSY)
                        return r;
                Sleep(HELPER_LOCK_POLL_MS);
        }
        log_write(LOG_LEVEL_ERROR, "Another wslbridge-helper is running");
        return -EBUSY;
}
