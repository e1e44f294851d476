/* SPDX-License-Identifier: MIT */

/*
 * The service's half: the service itself.
 */

#include "windows-helper/core/selftest/report.h"
#include "windows-helper/selftest/oneshot-private.h"
#include "windows-helper/selftest/oneshot.h"
#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/store/paths.h"
#include "windows-helper/win/log.h"

#include <errno.h>

/* Global, because StartServiceCtrlDispatcherW() passes no pointer of ours. */
static struct {
        StepOptions options;
        SERVICE_STATUS_HANDLE handle;
        int result;
} oneshot;

static void oneshot_report(DWORD state, int error) {
        SERVICE_STATUS status = {
                .dwServiceType = SERVICE_WIN32_OWN_PROCESS,
                .dwCurrentState = state,
                .dwControlsAccepted = state == SERVICE_RUNNING
                                              ? SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_POWEREVENT
                                              : 0,
                .dwWin32ExitCode = error < 0 ? ERROR_SERVICE_SPECIFIC_ERROR : NO_ERROR,
                .dwServiceSpecificExitCode = (DWORD) -error,
        };

        (void) SetServiceStatus(oneshot.handle, &status);
}

static DWORD WINAPI oneshot_on_control(DWORD control, DWORD type, void *data, void *context) {
        switch (control) {
        case SERVICE_CONTROL_STOP:
                (void) SetEvent(oneshot.options.stop);
                return NO_ERROR;
        case SERVICE_CONTROL_POWEREVENT:
                step_sleep_on_power(type);
                return NO_ERROR;
        case SERVICE_CONTROL_INTERROGATE:
                return NO_ERROR;
        default: /* Windows has more controls */
                return ERROR_CALL_NOT_IMPLEMENTED;
        }
}

/* To the file that the command has made. */
static int oneshot_write(const Buffer *text) {
        wchar_t path[PATHS_MAX];
        HANDLE file;
        DWORD n;
        int r = paths_data(oneshot_kinds[oneshot.options.pass].file, path);

        if (r != 0)
                return r;
        file = CreateFileW(path, GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
        if (file == INVALID_HANDLE_VALUE)
                return log_win_error(GetLastError(), "Cannot open '%s'", WIN_UTF8(path));
        if (!WriteFile(file, buffer_bytes(text), (DWORD) buffer_length(text), &n, NULL))
                r = log_win_error(GetLastError(), "Cannot write '%s'", WIN_UTF8(path));
        (void) CloseHandle(file);
        return r;
}

static void WINAPI oneshot_main(DWORD argc, wchar_t **argv) {
        SelftestReport report = SELFTEST_REPORT_NULL;
        Buffer out = BUFFER_NULL, left = BUFFER_NULL;
        int r;

        oneshot.handle = RegisterServiceCtrlHandlerExW(oneshot_kinds[oneshot.options.pass].name,
                                                       oneshot_on_control, NULL);
        if (!oneshot.handle)
                return;
        oneshot_report(SERVICE_RUNNING, 0);
        report.ended = pass_run(&oneshot.options, &report.lines, NULL, &left);
        r = selftest_report_json(&report, NULL, PROJECT_VERSION, &out);
        if (r == 0)
                r = oneshot_write(&out);
        buffer_done(&left); /* the command tries once more, and reports what stays */
        buffer_done(&out);
        selftest_report_done(&report);
        oneshot.result = r;
        oneshot_report(SERVICE_STOPPED, r);
}

int oneshot_serve(const StepOptions *options) {
        wchar_t *name = (wchar_t *) (uintptr_t) oneshot_kinds[options->pass].name;
        SERVICE_TABLE_ENTRYW table[] = {{name, oneshot_main}, {NULL, NULL}};

        oneshot.options = *options;
        if (!StartServiceCtrlDispatcherW(table))
                return log_win_error(GetLastError(), "Only the service manager uses this option");
        return oneshot.result;
}
