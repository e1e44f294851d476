/* SPDX-License-Identifier: MIT */

/*
 * An installation goes on when the processes of our services have ended, and not only the services
 * (fact 9.1.26). The process is a real one: this program, which lives for a moment. The calls of
 * the service manager are replaced. Each case prints a line.
 */

#include "windows-helper/win/win.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CloseServiceHandle   fake_close
#define ControlService       fake_control
#define OpenSCManagerW       fake_manager
#define OpenServiceW         fake_open
#define QueryServiceStatus   fake_status
#define QueryServiceStatusEx fake_process
#define StartServiceW        fake_start

static BOOL WINAPI fake_close(SC_HANDLE handle);
static BOOL WINAPI fake_control(SC_HANDLE service, DWORD control, LPSERVICE_STATUS ret_status);
static SC_HANDLE WINAPI fake_manager(LPCWSTR machine, LPCWSTR database, DWORD access);
static SC_HANDLE WINAPI fake_open(SC_HANDLE manager, LPCWSTR name, DWORD access);
static BOOL WINAPI fake_status(SC_HANDLE service, LPSERVICE_STATUS ret_status);
static BOOL WINAPI fake_process(SC_HANDLE service, SC_STATUS_TYPE level, LPBYTE ret_info,
                                DWORD size, LPDWORD ret_needed);
static BOOL WINAPI fake_start(SC_HANDLE service, DWORD n, LPCWSTR *arguments);

#include "windows-helper/install/scm-config.c"
#include "windows-helper/install/scm-run.c"
#include "windows-helper/install/scm.c"
#include "windows-helper/install/services.c"

/* Of a process, once its service has stopped. The relay's ends last. */
#define LIFE_MS       100
#define LIFE_RELAY_MS 600

/* A service is its number as a handle; 0 is none. */
#define HANDLE_OF(id) ((SC_HANDLE) (uintptr_t) ((id) + 1))
#define ID_OF(handle) ((ScmId) ((uintptr_t) (handle) -1))

static struct {
        DWORD state;
        PROCESS_INFORMATION process;
        unsigned n_asked; /* to end */
} fake[_SCM_END];

static bool fake_helper_stops_relay, fake_refuses;
static int n_failed;

static void check(const char *what, bool good) {
        printf("%s %s\n", good ? "ok" : "FAILED", what);
        n_failed += !good;
}

void log_write(LogLevel level, const char *format, ...) {
}

int log_win_error(DWORD error, const char *format, ...) {
        return win_errno(error);
}

void report_done(const char *part, const wchar_t *text) {
}

int helper_withdraw(size_t *ret_n_rules, size_t *ret_n_firewall) {
        return 0;
}

static SC_HANDLE WINAPI fake_manager(LPCWSTR machine, LPCWSTR database, DWORD access) {
        return HANDLE_OF(_SCM_END);
}

static SC_HANDLE WINAPI fake_open(SC_HANDLE manager, LPCWSTR name, DWORD access) {
        for (ScmId id = 0; id < _SCM_END; id++)
                if (wcscmp(name, scm_services[id].name) == 0 && fake[id].state != 0)
                        return HANDLE_OF(id);
        SetLastError(ERROR_SERVICE_DOES_NOT_EXIST);
        return NULL;
}

static BOOL WINAPI fake_close(SC_HANDLE handle) {
        return TRUE;
}

/* The process lives on for a moment: its thread, which was made suspended, counts it. */
static void fake_stop(ScmId id) {
        fake[id].state = SERVICE_STOPPED;
        (void) ResumeThread(fake[id].process.hThread);
}

static BOOL WINAPI fake_control(SC_HANDLE service, DWORD control, LPSERVICE_STATUS ret_status) {
        ScmId id = ID_OF(service);

        fake[id].n_asked++;
        if (fake_refuses) {
                SetLastError(ERROR_ACCESS_DENIED);
                return FALSE;
        }
        fake_stop(id);
        if (id == SCM_HELPER && fake_helper_stops_relay)
                fake_stop(SCM_RELAY);
        return TRUE;
}

static BOOL WINAPI fake_status(SC_HANDLE service, LPSERVICE_STATUS ret_status) {
        *ret_status = (SERVICE_STATUS){.dwCurrentState = fake[ID_OF(service)].state};
        return TRUE;
}

static BOOL WINAPI fake_process(SC_HANDLE service, SC_STATUS_TYPE level, LPBYTE ret_info,
                                DWORD size, LPDWORD ret_needed) {
        ScmId id = ID_OF(service);

        *(SERVICE_STATUS_PROCESS *) ret_info = (SERVICE_STATUS_PROCESS){
                .dwCurrentState = fake[id].state,
                .dwProcessId = fake[id].state == SERVICE_STOPPED ? 0 : fake[id].process.dwProcessId,
        };
        return TRUE;
}

static BOOL WINAPI fake_start(SC_HANDLE service, DWORD n, LPCWSTR *arguments) {
        SetLastError(ERROR_ACCESS_DENIED);
        return FALSE;
}

/* A service that runs, with a process. */
static void begin(ScmId id) {
        STARTUPINFOW startup = {.cb = sizeof(startup)};
        wchar_t path[MAX_PATH], command[64];

        (void) GetModuleFileNameW(NULL, path, ARRAYSIZE(path));
        (void) win_format(command, ARRAYSIZE(command), L"process %d",
                          id == SCM_RELAY ? LIFE_RELAY_MS : LIFE_MS);
        fake[id].state = SERVICE_RUNNING;
        fake[id].n_asked = 0;
        if (!CreateProcessW(path, command, NULL, NULL, FALSE, CREATE_SUSPENDED, NULL, NULL,
                            &startup, &fake[id].process))
                check("a process is made", false);
}

static bool has_ended(ScmId id) {
        return WaitForSingleObject(fake[id].process.hProcess, 0) == WAIT_OBJECT_0;
}

static void end(ScmId id) {
        (void) TerminateProcess(fake[id].process.hProcess, 0);
        (void) CloseHandle(fake[id].process.hThread);
        (void) CloseHandle(fake[id].process.hProcess);
        memset(&fake[id], 0, sizeof(fake[id]));
}

static void test_one(void) {
        begin(SCM_HELPER);
        check("a service is stopped", scm_stop(SCM_HELPER, true) == 0);
        check("and its process has ended", has_ended(SCM_HELPER) && fake[SCM_HELPER].n_asked == 1);
        end(SCM_HELPER);
        check("no such service is no error", scm_stop(SCM_HELPER, true) == 0);
}

static void test_both(void) {
        Services services = {.arguments = L""};

        begin(SCM_HELPER);
        begin(SCM_RELAY);
        check("both are stopped", services_end(&services) == 0);
        check("and both processes have ended", has_ended(SCM_HELPER) && has_ended(SCM_RELAY));
        check("each was asked once", fake[SCM_HELPER].n_asked == 1 && fake[SCM_RELAY].n_asked == 1);
        end(SCM_HELPER);
        end(SCM_RELAY);
}

/* The helper stops the relay as it ends, before the installation does. */
static void test_somebody_else(void) {
        Services services = {.arguments = L""};

        fake_helper_stops_relay = true;
        begin(SCM_HELPER);
        begin(SCM_RELAY);
        check("a relay that the helper has stopped is fine", services_end(&services) == 0);
        check("nobody asks it again", fake[SCM_RELAY].n_asked == 0);
        check("but its process has ended", has_ended(SCM_RELAY));
        end(SCM_HELPER);
        end(SCM_RELAY);
        fake_helper_stops_relay = false;
}

static void test_refused(void) {
        Services services = {.arguments = L""};

        fake_refuses = true;
        begin(SCM_HELPER);
        begin(SCM_RELAY);
        check("a stop that is refused is an error", services_end(&services) == -EACCES);
        check("which waits for no process", !has_ended(SCM_HELPER) && !has_ended(SCM_RELAY));
        end(SCM_HELPER);
        end(SCM_RELAY);
        fake_refuses = false;
}

int main(int argc, char **argv) {
        if (argc > 1) { /* the process of a service */
                Sleep((DWORD) atoi(argv[1]));
                return EXIT_SUCCESS;
        }
        test_one();
        test_both();
        test_somebody_else();
        test_refused();
        printf("%d failed\n", n_failed);
        return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
