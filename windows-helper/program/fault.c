/* SPDX-License-Identifier: MIT */

/*
 * Failures that tests order; only in the build for tests.
 */

#include "windows-helper/program/fault.h"
#include "common/names.h"
#include "windows-helper/core/install/programs.h"
#include "windows-helper/store/paths.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAULT_KILLED  99 /* the exit code */
#define FAULT_MAX     64
#define FAULT_POLL_MS 50
#define FAULT_WAITS   L"C:\\wslbridge-test-waits"

static bool fault_is(const char *step, const char *kind) {
        const char *faults = getenv("WSLBRIDGE_TEST_FAULT");
        char wanted[FAULT_MAX];

        (void) snprintf(wanted, sizeof(wanted), "%s:%s", step, kind);
        while (faults && *faults) {
                size_t n = strcspn(faults, ",");

                if (n == strlen(wanted) && strncmp(faults, wanted, n) == 0)
                        return true;
                faults += n + (faults[n] == ',');
        }
        return false;
}

static int fault_if(const char *step, const char *kind) {
        if (!fault_is(step, kind))
                return 0;
        log_write(LOG_LEVEL_ERROR, "The test makes '%s' fail (%s)", step, kind);
        return -EIO;
}

/* As a user makes it wait for his answer: until somebody deletes the file that this makes. */
static void fault_wait(void) {
        HANDLE file = CreateFileW(FAULT_WAITS, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);

        (void) CloseHandle(file);
        while (GetFileAttributesW(FAULT_WAITS) != INVALID_FILE_ATTRIBUTES)
                Sleep(FAULT_POLL_MS);
}

int fault_before(const char *step) {
        if (fault_is(step, "wait"))
                fault_wait();
        return fault_if(step, "before");
}

/* As an antivirus may do it. */
static void fault_lose_program(void) {
        wchar_t path[PATHS_MAX];

        if (paths_program(programs_file(PROGRAM_HELPER), path) == 0)
                (void) DeleteFileW(path);
}

/* As the service manager does it some time after a crash, or a helper that needs its relay. */
static void fault_revive(const wchar_t *name) {
        SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
        SC_HANDLE service = OpenServiceW(manager, name, SERVICE_ALL_ACCESS);
        SERVICE_STATUS status = {0};

        (void) StartServiceW(service, 0, NULL);
        while (QueryServiceStatus(service, &status) &&
               status.dwCurrentState == SERVICE_START_PENDING)
                Sleep(FAULT_POLL_MS);
        (void) CloseServiceHandle(service);
        (void) CloseServiceHandle(manager);
        log_write(LOG_LEVEL_NOTICE, "The test revives the service: %lu", status.dwCurrentState);
}

int fault_after(const char *step, int r) {
        if (fault_is(step, "revive"))
                fault_revive(L"" NAMES_HELPER_SERVICE);
        if (fault_is(step, "relay"))
                fault_revive(L"" NAMES_RELAY_SERVICE);
        if (fault_is(step, "lose"))
                fault_lose_program();
        if (fault_is(step, "kill"))
                (void) TerminateProcess(GetCurrentProcess(), FAULT_KILLED);
        return r == 0 ? fault_if(step, "after") : r;
}

int fault_undo(const char *step) {
        return fault_if(step, "undo");
}
