/* SPDX-License-Identifier: MIT */

/*
 * The relay's states and controls as a service.
 */

#include "windows-helper/relay/service.h"
#include "windows-helper/relay/service-settings.h"
#include "windows-helper/win/log.h"

#include <errno.h>

/* How long the service manager is asked to wait: for the start with a large table, and for the
 * end. */
#define RELAY_START_HINT_MS 30000
#define RELAY_STOP_HINT_MS  10000

/* Global, because StartServiceCtrlDispatcherW() passes no pointer of ours to relay_main(). */
static struct {
        const RelayOptions *options;
        SERVICE_STATUS_HANDLE handle;
        int result;
        /* The service manager's thread and the thread of relay_main() share what follows. */
        SRWLOCK lock;
        DWORD state;
        Relay *relay; /* NULL: not running */
} service = {.lock = SRWLOCK_INIT};

/* With the lock held. After STOPPED nothing is reported any more (fact 9.1.8). */
static void relay_report(DWORD state, DWORD hint_ms, DWORD specific_error) {
        SERVICE_STATUS status = {
                .dwServiceType = SERVICE_WIN32_OWN_PROCESS,
                .dwCurrentState = state,
                .dwControlsAccepted = state == SERVICE_RUNNING
                                              ? SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN |
                                                        SERVICE_ACCEPT_PARAMCHANGE
                                              : 0,
                .dwWin32ExitCode = specific_error ? ERROR_SERVICE_SPECIFIC_ERROR : NO_ERROR,
                .dwServiceSpecificExitCode = specific_error,
                .dwCheckPoint = state == SERVICE_START_PENDING || state == SERVICE_STOP_PENDING,
                .dwWaitHint = hint_ms,
        };

        if (service.state != SERVICE_STOPPED)
                (void) SetServiceStatus(service.handle, &status);
        service.state = state;
}

static void relay_enter(DWORD state, DWORD hint_ms, Relay *relay, DWORD specific_error) {
        AcquireSRWLockExclusive(&service.lock);
        service.relay = relay;
        relay_report(state, hint_ms, specific_error);
        ReleaseSRWLockExclusive(&service.lock);
}

static DWORD relay_take_control(DWORD control) {
        switch (control) {
        case SERVICE_CONTROL_INTERROGATE:
                return NO_ERROR;
        case SERVICE_CONTROL_STOP:
        case SERVICE_CONTROL_SHUTDOWN:
                if (!service.relay)
                        return ERROR_SERVICE_CANNOT_ACCEPT_CTRL;
                relay_report(SERVICE_STOP_PENDING, RELAY_STOP_HINT_MS, 0);
                relay_control(service.relay, RELAY_STOP);
                return NO_ERROR;
        case SERVICE_CONTROL_PARAMCHANGE:
                if (service.relay)
                        relay_control(service.relay, RELAY_REFRESH);
                return NO_ERROR;
        default:
                return ERROR_CALL_NOT_IMPLEMENTED;
        }
}

/* In a thread of the service manager, which waits for it (fact 9.1.1), so it only posts to the
 * loop. While this holds the lock, the relay is not freed. */
static DWORD WINAPI relay_on_service_control(DWORD control, DWORD type, void *data, void *context) {
        DWORD error;

        AcquireSRWLockExclusive(&service.lock);
        error = relay_take_control(control);
        ReleaseSRWLockExclusive(&service.lock);
        return error;
}

static void WINAPI relay_main(DWORD argc, wchar_t **argv) {
        Relay *relay = NULL;
        int r;

        service.handle =
                RegisterServiceCtrlHandlerExW(RELAY_SERVICE_NAME, relay_on_service_control, NULL);
        if (!service.handle)
                return;
        service.state = SERVICE_START_PENDING;
        relay_enter(SERVICE_START_PENDING, RELAY_START_HINT_MS, NULL, 0);
        log_to_event_log(L"" NAMES_EVENT_SOURCE, /* only= */ true);
        r = relay_new(&relay, service.options);
        if (r == 0) {
                relay_enter(SERVICE_RUNNING, 0, relay, 0);
                r = relay_run(relay);
                AcquireSRWLockExclusive(&service.lock);
                service.relay = NULL; /* no control may reach it from now on */
                ReleaseSRWLockExclusive(&service.lock);
        }
        relay_free(relay);
        service.result = r;
        relay_enter(SERVICE_STOPPED, 0, NULL, (DWORD) -r);
}

int relay_service_run(const RelayOptions *options) {
        static const SERVICE_TABLE_ENTRYW table[] = {
                {(wchar_t *) (uintptr_t) RELAY_SERVICE_NAME, relay_main},
                {NULL, NULL},
        };

        service.options = options;
        if (!StartServiceCtrlDispatcherW(table)) {
                DWORD error = GetLastError();

                if (error == ERROR_FAILED_SERVICE_CONTROLLER_CONNECT) {
                        log_write(LOG_LEVEL_ERROR,
                                  "Only the service manager runs this as a service; use 'run' for "
                                  "the foreground");
                        return -ENOTCONN;
                }
                return log_win_error(error, "Cannot reach the service manager");
        }
        return service.result;
}
