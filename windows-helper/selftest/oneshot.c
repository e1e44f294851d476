/* SPDX-License-Identifier: MIT */

/*
 * The command's half of the one-shot service.
 */

#include "windows-helper/selftest/oneshot.h"
#include "windows-helper/install/scm-config.h"
#include "windows-helper/program/fault.h"
#include "windows-helper/selftest/oneshot-private.h"
#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/journal.h"
#include "windows-helper/store/paths.h"

#include <stdio.h>
#include <stdlib.h>

#define ONESHOT_STEP     2 /* the lines about the service itself are beside those of its token */
#define ONESHOT_TITLE    L"wslbridge self-test"
#define ONESHOT_POLL_MS  100
#define ONESHOT_MORE_MS  60000 /* beside the steps: its start and its end */
#define ONESHOT_FILE_MAX (4u * 1024 * 1024)
#define ONESHOT_COMMAND  (PATHS_MAX + 64)

static void oneshot_line(SelftestLines *lines, const char *key, const char *api, DWORD code,
                         uint64_t began, const char *text) {
        SelftestLine line = {
                .pass = SELFTEST_SERVICE,
                .step = ONESHOT_STEP,
                .done = true,
                .code = code,
                .ms = (uint32_t) ((step_clock() - began) / 1000),
        };

        (void) snprintf(line.key, sizeof(line.key), "%s", key);
        (void) snprintf(line.api, sizeof(line.api), "%s", api);
        (void) snprintf(line.text, sizeof(line.text), "%s", text);
        selftest_lines_add(lines, &line);
}

/* Quotes, because there may be spaces in the path (fact 9.1.7). */
static DWORD oneshot_command(const StepOptions *options, wchar_t ret_command[ONESHOT_COMMAND]) {
        wchar_t exe[PATHS_MAX];
        DWORD n = GetModuleFileNameW(NULL, exe, ARRAYSIZE(exe));

        if (n == 0 || n >= ARRAYSIZE(exe))
                return ERROR_BAD_PATHNAME;
        (void) win_format(ret_command, ONESHOT_COMMAND, L"\"%ls\" --service --watch %lus", exe,
                          (unsigned long) options->watch_s);
        return ERROR_SUCCESS;
}

static DWORD oneshot_create(const wchar_t *command, SC_HANDLE *ret_service) {
        const DWORD access = SERVICE_START | SERVICE_STOP | SERVICE_QUERY_STATUS |
                             SERVICE_CHANGE_CONFIG | READ_CONTROL | WRITE_DAC;
        SC_HANDLE manager =
                OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE);
        DWORD error = ERROR_SUCCESS;

        if (!manager)
                return GetLastError();
        *ret_service = CreateServiceW(manager, STEP_SERVICE_NAME, ONESHOT_TITLE, access,
                                      SERVICE_WIN32_OWN_PROCESS, SERVICE_DEMAND_START,
                                      SERVICE_ERROR_NORMAL, command, NULL, NULL, NULL, NULL, NULL);
        if (!*ret_service)
                error = GetLastError();
        (void) CloseServiceHandle(manager);
        return error;
}

/* Return: the service, or NULL (reported). */
static SC_HANDLE oneshot_make(const StepOptions *options, SelftestLines *lines) {
        wchar_t command[ONESHOT_COMMAND];
        uint64_t began = step_clock();
        DWORD error = oneshot_command(options, command);
        SC_HANDLE service = NULL;

        if (error == ERROR_SUCCESS && !journal_begin(NULL, CHANGE_SERVICE, "-"))
                error = ERROR_WRITE_FAULT;
        if (error == ERROR_SUCCESS) {
                error = oneshot_create(command, &service);
                journal_end();
        }
        oneshot_line(lines, "oneshot.create", "CreateServiceW", error, began,
                     "a service with the settings of ours");
        if (!service)
                return NULL;
        began = step_clock();
        error = scm_configure_token(SCM_HELPER, service) < 0 ? ERROR_ACCESS_DENIED : ERROR_SUCCESS;
        oneshot_line(lines, "oneshot.configure", "ChangeServiceConfig2W", error, began,
                     "its SID, its privileges and who may use it");
        return service;
}

/* Wait for its end, and end it when the user stops the self-test. */
static DWORD oneshot_wait(const StepOptions *options, SC_HANDLE service) {
        uint32_t limit_ms = pass_limit(options) + ONESHOT_MORE_MS;
        SERVICE_STATUS status = {0};

        for (uint32_t waited = 0; waited < limit_ms; waited += ONESHOT_POLL_MS) {
                if (!QueryServiceStatus(service, &status))
                        return GetLastError();
                if (status.dwCurrentState == SERVICE_STOPPED)
                        return status.dwWin32ExitCode;
                if (WaitForSingleObject(options->stop, ONESHOT_POLL_MS) == WAIT_OBJECT_0) {
                        (void) ControlService(service, SERVICE_CONTROL_STOP, &status);
                        return ERROR_CANCELLED;
                }
        }
        (void) ControlService(service, SERVICE_CONTROL_STOP, &status);
        return ERROR_TIMEOUT;
}

/* The caller frees. */
static char *oneshot_read(size_t *ret_n) {
        wchar_t path[PATHS_MAX];
        HANDLE file = INVALID_HANDLE_VALUE;
        DWORD n = 0;
        char *text = malloc(ONESHOT_FILE_MAX);

        if (text && paths_data(ONESHOT_FILE, path) == 0)
                file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0,
                                   NULL);
        if (file == INVALID_HANDLE_VALUE || !ReadFile(file, text, ONESHOT_FILE_MAX, &n, NULL))
                n = 0;
        if (file != INVALID_HANDLE_VALUE)
                (void) CloseHandle(file);
        *ret_n = n;
        return text;
}

static void oneshot_take(SelftestLines *lines) {
        uint64_t began = step_clock();
        size_t n;
        char *text = oneshot_read(&n);
        bool good = text && selftest_lines_read(lines, text, n) == 0;

        oneshot_line(lines, "oneshot.result", "ReadFile", good ? 0 : ERROR_INVALID_DATA, began,
                     good ? "what the service has seen" : "the service has left no result");
        free(text);
}

static void oneshot_start(const StepOptions *options, SC_HANDLE service, SelftestLines *lines) {
        uint64_t began = step_clock();
        DWORD error = StartServiceW(service, 0, NULL) ? ERROR_SUCCESS : GetLastError();
        HANDLE stop, knocking;

        oneshot_line(lines, "oneshot.start", "StartServiceW", error, began, "the service's pass");
        if (error != ERROR_SUCCESS)
                return;
        (void) fault_after("started", 0);
        /* A distro of this user connects, while the service waits for that. */
        stop = CreateEventW(NULL, TRUE, FALSE, NULL);
        knocking = stop ? step_knock(stop) : NULL;
        error = oneshot_wait(options, service);
        oneshot_line(lines, "oneshot.end", "QueryServiceStatus", error, began,
                     "the service has ended");
        if (knocking) {
                (void) SetEvent(stop);
                (void) WaitForSingleObject(knocking, INFINITE);
                (void) CloseHandle(knocking);
        }
        if (stop)
                (void) CloseHandle(stop);
        oneshot_take(lines);
}

void oneshot_run(const StepOptions *options, SelftestLines *lines, PassFn fn, Buffer *left) {
        unsigned mark = journal_mark();
        size_t from = lines->n;
        wchar_t path[PATHS_MAX];
        SC_HANDLE service;

        if (paths_data(ONESHOT_FILE, path) == 0 &&
            journal_begin(NULL, CHANGE_FILE, "%s", WIN_UTF8(path))) {
                journal_end(); /* the service writes it */
                service = oneshot_make(options, lines);
                if (service) {
                        oneshot_start(options, service, lines);
                        (void) CloseServiceHandle(service);
                }
        }
        (void) journal_undo(mark, left);
        fn(lines, from);
}
