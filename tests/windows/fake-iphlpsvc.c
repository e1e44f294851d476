/* SPDX-License-Identifier: MIT */

/*
 * A stand-in for the IP Helper service of Windows: a real service named iphlpsvc, run by Wine's
 * service manager. It forwards TCP ports as the PortProxy values say, and reads them again on
 * SERVICE_CONTROL_PARAMCHANGE (facts 4.1.6 and 10.1.4; Wine has no iphlpsvc of its own).
 *
 *   fake-iphlpsvc.exe install | start | stop | remove
 *
 * It counts these controls in the value 'Changes' of HKLM\SOFTWARE\wslbridge-test, and sets
 * 'Applied' to the count when it has read the values (both REG_DWORD), so that tests can count and
 * wait. The counts go on after a restart. While there is a value 'Hang' (REG_DWORD, not 0), the
 * service does not return from a PARAMCHANGE. With 'Late' (REG_DWORD), it reads the values so many
 * milliseconds later. With 'Shut', a port is closed for so many milliseconds while its target
 * changes. The value 'Most' is the number of rules for which it
 * listens, instead of FAKE_LISTENERS_MAX, because Wine's table of listeners takes milliseconds for
 * each. If there is a value 'Trace' (REG_DWORD, not 0) when the service starts, it appends a line
 * to FAKE_TRACE for each reading: when the control came, when the reading began, and when it was
 * done and all ports were open, in ticks of QueryPerformanceCounter().
 */

#include "tests/windows/fake-rules.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define SERVICE_NAME L"iphlpsvc"
#define COUNTERS_KEY L"SOFTWARE\\wslbridge-test"

#define FAKE_TRACE L"C:\\iphlpsvc-trace.txt"

#define CHANGE_PAUSE_MS 10
#define CHANGE_TRIES    3000 /* half a minute: a busy machine is slow */

static SERVICE_STATUS_HANDLE status_handle;
static Loop *loop;
static HKEY counters;
static volatile LONG changes; /* controls received */
static DWORD applied;
static bool stopping, traces;
static volatile LONG64 changed_at;

static void count(const wchar_t *name, DWORD value) {
        (void) RegSetValueExW(counters, name, 0, REG_DWORD, (const BYTE *) &value, sizeof(value));
}

static DWORD counted(const wchar_t *name) {
        DWORD value = 0, size = sizeof(value);

        (void) RegQueryValueExW(counters, name, NULL, NULL, (BYTE *) &value, &size);
        return value;
}

static void report(DWORD state) {
        SERVICE_STATUS status = {
                .dwServiceType = SERVICE_WIN32_OWN_PROCESS,
                .dwCurrentState = state,
                .dwControlsAccepted = state == SERVICE_RUNNING
                                              ? SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_PARAMCHANGE
                                              : 0,
        };

        (void) SetServiceStatus(status_handle, &status);
}

static void apply(void) {
        DWORD most = counted(L"Most");

        fake_rules_apply(loop, most > 0 ? most : FAKE_LISTENERS_MAX, counted(L"Shut"));
}

static LONG64 ticks(void) {
        LARGE_INTEGER now;

        (void) QueryPerformanceCounter(&now);
        return now.QuadPart;
}

static void trace(LONG64 began, LONG64 done) {
        FILE *file = traces ? _wfopen(FAKE_TRACE, L"a") : NULL;

        if (!file)
                return;
        (void) fprintf(file, "%lld %lld %lld\n", (long long) changed_at, (long long) began,
                       (long long) done);
        (void) fclose(file);
}

/* One reading covers all changes before it. */
static void on_apply(LoopOp *op, DWORD error, DWORD n_bytes) {
        DWORD seen;
        LONG64 began;

        Sleep(counted(L"Late"));
        seen = (DWORD) changes;
        began = ticks();
        if (seen != applied) {
                apply();
                trace(began, ticks());
                applied = seen;
                count(L"Applied", applied);
        }
}

static void on_stop(LoopOp *op, DWORD error, DWORD n_bytes) {
        stopping = true;
}

static LoopOp apply_op = {.fn = on_apply}, stop_op = {.fn = on_stop};

/* Called in a thread of the service manager, so it only notes the control and returns. */
static DWORD WINAPI on_control(DWORD control, DWORD type, void *data, void *context) {
        switch (control) {
        case SERVICE_CONTROL_PARAMCHANGE:
                while (counted(L"Hang") != 0)
                        Sleep(10);
                (void) InterlockedExchange64(&changed_at, ticks());
                count(L"Changes", (DWORD) InterlockedIncrement(&changes));
                loop_post(loop, &apply_op);
                return NO_ERROR;
        case SERVICE_CONTROL_STOP:
                loop_post(loop, &stop_op);
                return NO_ERROR;
        case SERVICE_CONTROL_INTERROGATE:
                return NO_ERROR;
        default: /* Windows has more controls */
                return ERROR_CALL_NOT_IMPLEMENTED;
        }
}

static void WINAPI service_main(DWORD argc, wchar_t **argv) {
        WSADATA wsa;

        if (RegCreateKeyExW(HKEY_LOCAL_MACHINE, COUNTERS_KEY, 0, NULL, 0, KEY_READ | KEY_WRITE,
                            NULL, &counters, NULL) != ERROR_SUCCESS ||
            WSAStartup(MAKEWORD(2, 2), &wsa) != 0 || loop_new(&loop) < 0)
                exit(EXIT_FAILURE);
        traces = counted(L"Trace") != 0;
        changes = (LONG) counted(L"Changes");
        applied = counted(L"Applied");
        status_handle = RegisterServiceCtrlHandlerExW(SERVICE_NAME, on_control, NULL);
        apply();
        report(SERVICE_RUNNING);
        while (!stopping)
                loop_turn(loop, LOOP_NO_DEADLINE);
        report(SERVICE_STOPPED); /* ends the process, and with it all sockets */
}

static int failed(const char *what) {
        (void) fprintf(stderr, "%s: error %lu\n", what, (unsigned long) GetLastError());
        return EXIT_FAILURE;
}

static SC_HANDLE service_create(SC_HANDLE manager) {
        wchar_t path[MAX_PATH], quoted[MAX_PATH + 2];

        (void) GetModuleFileNameW(NULL, path, MAX_PATH);
        (void) swprintf(quoted, MAX_PATH + 2, L"\"%ls\"", path);
        return CreateServiceW(manager, SERVICE_NAME, L"Fake IP Helper", SERVICE_ALL_ACCESS,
                              SERVICE_WIN32_OWN_PROCESS, SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL,
                              quoted, NULL, NULL, NULL, NULL, NULL);
}

/* Whether to ask again. A service manager that starts the services of a booting Windows (or Wine)
 * starts no others until it has done so. And on a machine with a load of 30, Wine's answered a
 * start with ERROR_INTERNAL_ERROR, once. */
static bool service_is_busy(DWORD error) {
        return error == ERROR_SERVICE_DATABASE_LOCKED || error == ERROR_INTERNAL_ERROR;
}

/* Start or stop the service, and wait until it has happened. */
static int service_change(SC_HANDLE service, bool start) {
        DWORD wanted = start ? SERVICE_RUNNING : SERVICE_STOPPED;
        SERVICE_STATUS status;
        bool asked = false;

        for (unsigned i = 0; i < CHANGE_TRIES; i++) {
                if (!asked)
                        asked = start ? StartServiceW(service, 0, NULL)
                                      : ControlService(service, SERVICE_CONTROL_STOP, &status);
                if (!asked && start && GetLastError() == ERROR_SERVICE_ALREADY_RUNNING)
                        asked = true; /* the helper starts it, too */
                if (!asked && !service_is_busy(GetLastError()))
                        return failed(start ? "StartService" : "ControlService");
                if (QueryServiceStatus(service, &status) && status.dwCurrentState == wanted)
                        return EXIT_SUCCESS;
                Sleep(CHANGE_PAUSE_MS);
        }
        return failed("waiting for the service");
}

static int command(const wchar_t *name) {
        SC_HANDLE manager, service;

        manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_ALL_ACCESS);
        service = wcscmp(name, L"install") == 0
                          ? service_create(manager)
                          : OpenServiceW(manager, SERVICE_NAME, SERVICE_ALL_ACCESS);
        if (!service)
                return failed("opening the service");
        if (wcscmp(name, L"start") == 0 || wcscmp(name, L"stop") == 0)
                return service_change(service, name[2] == L'a');
        if (wcscmp(name, L"remove") == 0)
                return DeleteService(service) ? EXIT_SUCCESS : failed("DeleteService");
        return EXIT_SUCCESS;
}

int wmain(int argc, wchar_t **argv); /* -municode's main(); no header declares it */

int wmain(int argc, wchar_t **argv) {
        SERVICE_TABLE_ENTRYW services[] = {{(wchar_t *) (uintptr_t) SERVICE_NAME, service_main},
                                           {NULL, NULL}};

        if (argc > 1)
                return command(argv[1]);
        return StartServiceCtrlDispatcherW(services) ? EXIT_SUCCESS
                                                     : failed("StartServiceCtrlDispatcher");
}
