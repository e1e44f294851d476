/* SPDX-License-Identifier: MIT */

/*
 * The helper as a Windows service: reports its states to the service manager and passes the
 * manager's controls to the helper's loop.
 */

#include "windows-helper/service/service.h"
#include "windows-helper/win/log.h"

#include <errno.h>

/* How long the service manager is asked to wait for the start; see also SERVICE_STOP_HINT_MS. */
#define SERVICE_START_HINT_MS 30000

/* Global, because StartServiceCtrlDispatcherW() passes no pointer of ours to service_main(). */
static struct {
        const HelperOptions *options;
        SERVICE_STATUS_HANDLE handle;
        int result;
        /* The service manager's thread and the thread of service_main() share what follows. */
        SRWLOCK lock;
        SERVICE_STATUS status;
        Helper *helper; /* how the handler reaches the loop; NULL: not running */
} service = {.lock = SRWLOCK_INIT};

/* With the lock held, so that reports arrive in the order in which they are made. After STOPPED the
 * handle is no longer ours to use, so nothing is reported then (fact 9.1.8). */
static void service_report(DWORD state, DWORD hint_ms, DWORD specific_error) {
        SERVICE_STATUS *s = &service.status;
        bool pending = state == SERVICE_START_PENDING || state == SERVICE_STOP_PENDING;

        if (s->dwCurrentState == SERVICE_STOPPED)
                return;
        s->dwServiceType = SERVICE_WIN32_OWN_PROCESS;
        s->dwCheckPoint = !pending ? 0 : s->dwCurrentState == state ? s->dwCheckPoint + 1 : 1;
        s->dwCurrentState = state;
        s->dwWaitHint = hint_ms;
        s->dwWin32ExitCode = specific_error ? ERROR_SERVICE_SPECIFIC_ERROR : NO_ERROR;
        s->dwServiceSpecificExitCode = specific_error;
        s->dwControlsAccepted = state == SERVICE_RUNNING
                                        ? SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_PRESHUTDOWN |
                                                  SERVICE_ACCEPT_POWEREVENT |
                                                  SERVICE_ACCEPT_PARAMCHANGE
                                        : 0;
        (void) SetServiceStatus(service.handle, s);
}

/* Report a state of service_main(). @helper: what controls reach from now on. */
static void service_enter(DWORD state, DWORD hint_ms, Helper *helper, DWORD specific_error) {
        AcquireSRWLockExclusive(&service.lock);
        service.helper = helper;
        service_report(state, hint_ms, specific_error);
        ReleaseSRWLockExclusive(&service.lock);
}

/* The loop has ended: no control may reach the helper, which is about to be freed. */
static void service_leave(void) {
        AcquireSRWLockExclusive(&service.lock);
        service.helper = NULL;
        ReleaseSRWLockExclusive(&service.lock);
}

static DWORD service_control(DWORD control, DWORD type) {
        switch (control) {
        case SERVICE_CONTROL_INTERROGATE:
                return NO_ERROR;
        case SERVICE_CONTROL_STOP:
        case SERVICE_CONTROL_PRESHUTDOWN:
        case SERVICE_CONTROL_HAND_OVER:
                if (!service.helper)
                        return ERROR_SERVICE_CANNOT_ACCEPT_CTRL;
                service_report(SERVICE_STOP_PENDING, SERVICE_STOP_HINT_MS, 0);
                helper_control(service.helper, control == SERVICE_CONTROL_HAND_OVER
                                                       ? HELPER_HAND_OVER
                                                       : HELPER_STOP);
                return NO_ERROR;
        case SERVICE_CONTROL_PARAMCHANGE:
                if (service.helper)
                        helper_control(service.helper, HELPER_REFRESH);
                return NO_ERROR;
        case SERVICE_CONTROL_POWEREVENT:
                if (service.helper && type == PBT_APMRESUMEAUTOMATIC)
                        helper_control(service.helper, HELPER_REFRESH);
                return NO_ERROR;
        default:
                return ERROR_CALL_NOT_IMPLEMENTED;
        }
}

/* This runs in a thread of the service manager, which waits for it (fact 9.1.1). So it only posts
 * to the loop. The event of a resume only makes the helper look at once, because it may not come
 * (fact 9.1.2); sleep-watch.c sees that the machine has slept. While this holds the lock, the
 * helper is not freed. */
static DWORD WINAPI service_on_control(DWORD control, DWORD type, void *data, void *context) {
        DWORD error;

        AcquireSRWLockExclusive(&service.lock);
        error = service_control(control, type);
        ReleaseSRWLockExclusive(&service.lock);
        return error;
}

static void WINAPI service_main(DWORD argc, wchar_t **argv) {
        Helper *helper = NULL;
        int r;

        service.handle = RegisterServiceCtrlHandlerExW(SERVICE_NAME, service_on_control, NULL);
        if (!service.handle)
                return;
        service_enter(SERVICE_START_PENDING, SERVICE_START_HINT_MS, NULL, 0);
        log_to_event_log(SERVICE_EVENT_SOURCE, /* only= */ true);
        r = helper_new(&helper, service.options);
        if (r == 0) {
                service_enter(SERVICE_RUNNING, 0, helper, 0);
                log_event(LOG_LEVEL_NOTICE, EVENT_STARTED,
                          "wslbridge-helper " PROJECT_VERSION " has started");
                r = helper_run(helper);
                service_leave();
                log_event(LOG_LEVEL_NOTICE, EVENT_STOPPED, "wslbridge-helper has stopped");
        }
        helper_free(helper);
        service.result = r;
        service_enter(SERVICE_STOPPED, 0, NULL, (DWORD) -r);
}

int service_run(const HelperOptions *options) {
        wchar_t name[] = SERVICE_NAME;
        SERVICE_TABLE_ENTRYW table[] = {{name, service_main}, {NULL, NULL}};

        service.options = options;
        if (!StartServiceCtrlDispatcherW(table)) {
                DWORD error = GetLastError();

                if (error == ERROR_FAILED_SERVICE_CONTROLLER_CONNECT) {
                        log_write(
                                LOG_LEVEL_ERROR,
                                "Only the service manager uses 'run --service'; use 'sc.exe start "
                                "wslbridge-helper', or 'run' for the foreground");
                        return -ENOTCONN;
                }
                return log_win_error(error, "Cannot reach the service manager");
        }
        return service.result;
}
