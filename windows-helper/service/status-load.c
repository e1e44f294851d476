/* SPDX-License-Identifier: MIT */

/*
 * Reading status.json while it may be replaced at any time.
 */

#include "windows-helper/service/status-load.h"
#include "windows-helper/core/status/read.h"
#include "windows-helper/service/status-file.h"
#include "windows-helper/store/paths.h"
#include "windows-helper/win/file.h"
#include "windows-helper/win/process.h"

#include <stdlib.h>

#define STATUS_LOAD_MAX (256u * 1024 * 1024) /* more than the services of all guests can need */

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
        int r = paths_data(STATUS_FILE_NAME, path);

        return r < 0 ? r : file_read(path, STATUS_LOAD_MAX, ret_text, ret_n);
}
