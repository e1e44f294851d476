/* SPDX-License-Identifier: MIT */

/*
 * Calls of the service manager, and what the service's entry contains.
 */

#include "windows-helper/install/scm.h"
#include "windows-helper/service/service.h"
#include "windows-helper/win/log.h"

#include <errno.h>

#define INSTALL_WAIT_MS 60000
#define INSTALL_POLL_MS 50

/* Return: the service, or NULL with *ret_error: -ENOENT (not logged) or another errno (logged). */
static SC_HANDLE install_service_open(DWORD access, int *ret_error) {
        SC_HANDLE manager, service;
        DWORD error;

        manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
        if (!manager) {
                *ret_error = log_win_error(GetLastError(), "Cannot reach the service manager");
                return NULL;
        }
        service = OpenServiceW(manager, SERVICE_NAME, access);
        error = GetLastError();
        (void) CloseServiceHandle(manager);
        if (!service) {
                *ret_error = error == ERROR_SERVICE_DOES_NOT_EXIST
                                     ? -ENOENT
                                     : log_win_error(error, "Cannot open the service");
        }
        return service;
}

/* Wait until the service is in the state @wanted. Return: 0; -ETIMEDOUT; -ECHILD when it was to
 * start but has ended; or negative errno. */
static int install_service_wait(SC_HANDLE service, DWORD wanted) {
        SERVICE_STATUS status;

        for (int waited = 0; waited < INSTALL_WAIT_MS; waited += INSTALL_POLL_MS) {
                if (!QueryServiceStatus(service, &status))
                        return log_win_error(GetLastError(), "Cannot query the service");
                if (status.dwCurrentState == wanted)
                        return 0;
                if (status.dwCurrentState == SERVICE_STOPPED)
                        return -ECHILD;
                Sleep(INSTALL_POLL_MS);
        }
        log_write(LOG_LEVEL_ERROR, "The service did not %s within %d s",
                  wanted == SERVICE_STOPPED ? "stop" : "start", INSTALL_WAIT_MS / 1000);
        return -ETIMEDOUT;
}

/* The service is not running. The last two are how Wine 8 reports that its process was killed. */
static bool install_service_is_gone(DWORD error) {
        return error == ERROR_SERVICE_NOT_ACTIVE || error == ERROR_NO_DATA ||
               error == ERROR_BROKEN_PIPE;
}

int install_service_end(bool hand_over) {
        SERVICE_STATUS status;
        SC_HANDLE service;
        DWORD error = ERROR_SUCCESS;
        int r = 0;

        service = install_service_open(
                SERVICE_STOP | SERVICE_QUERY_STATUS | SERVICE_USER_DEFINED_CONTROL, &r);
        if (!service)
                return r;
        if (!hand_over || !ControlService(service, SERVICE_CONTROL_HAND_OVER, &status)) {
                if (!ControlService(service, SERVICE_CONTROL_STOP, &status))
                        error = GetLastError();
        }
        if (install_service_is_gone(error))
                r = 0;
        else if (error != ERROR_SUCCESS)
                r = log_win_error(error, "Cannot stop the service");
        else
                r = install_service_wait(service, SERVICE_STOPPED);
        (void) CloseServiceHandle(service);
        return r;
}

static bool install_service_set(SC_HANDLE service, DWORD level, void *info, const char *what) {
        if (ChangeServiceConfig2W(service, level, info))
                return true;
        (void) log_win_error(GetLastError(), "Cannot set %s of the service, ignoring", what);
        return false;
}

/* Everything in the entry besides the command line (fact 9.1.6). The service works without these
 * settings, so one that this Windows does not know is logged and skipped. */
static void install_service_configure(SC_HANDLE service) {
        /* The service relies on access rights, not on privileges. Every process has the first of
         * these two anyway; the Host Compute Service may need the second to check its caller
         * (fact 9.1.4). */
        wchar_t privileges[] = L"SeChangeNotifyPrivilege\0SeImpersonatePrivilege\0";
        wchar_t about[] = SERVICE_ABOUT;
        SC_ACTION actions[] = {
                {SC_ACTION_RESTART, 5000}, {SC_ACTION_RESTART, 30000}, {SC_ACTION_RESTART, 60000}};
        SERVICE_DESCRIPTIONW description = {about};
        SERVICE_DELAYED_AUTO_START_INFO delayed = {TRUE};
        SERVICE_FAILURE_ACTIONSW failure = {
                .dwResetPeriod = 24 * 60 * 60,
                .cActions = ARRAYSIZE(actions),
                .lpsaActions = actions,
        };
        /* At a shutdown, Windows waits for this long, instead of some seconds, before it ends us
         * (fact 9.1.3). */
        SERVICE_PRESHUTDOWN_INFO preshutdown = {SERVICE_STOP_HINT_MS};
        SERVICE_FAILURE_ACTIONS_FLAG also_errors = {TRUE}; /* not only after a crash */
        /* Not RESTRICTED: the sockets of a WSL VM admit SYSTEM, but not with a restricted token
         * (facts 2.1.2 and 9.1.5). */
        SERVICE_SID_INFO sid = {SERVICE_SID_TYPE_UNRESTRICTED};
        SERVICE_REQUIRED_PRIVILEGES_INFOW required = {privileges};

        (void) install_service_set(service, SERVICE_CONFIG_DESCRIPTION, &description,
                                   "the description");
        (void) install_service_set(service, SERVICE_CONFIG_DELAYED_AUTO_START_INFO, &delayed,
                                   "the delayed start");
        (void) install_service_set(service, SERVICE_CONFIG_FAILURE_ACTIONS, &failure,
                                   "the actions after a crash");
        (void) install_service_set(service, SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, &also_errors,
                                   "the actions after an error");
        (void) install_service_set(service, SERVICE_CONFIG_PRESHUTDOWN_INFO, &preshutdown,
                                   "the time for a shutdown");
        (void) install_service_set(service, SERVICE_CONFIG_SERVICE_SID_INFO, &sid,
                                   "the service's SID");
        (void) install_service_set(service, SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO, &required,
                                   "the privileges");
}

static SC_HANDLE install_service_create(SC_HANDLE manager, const wchar_t *command) {
        static const wchar_t needs[] = L"iphlpsvc\0";
        const DWORD access = SERVICE_CHANGE_CONFIG | SERVICE_START | SERVICE_QUERY_STATUS;
        SC_HANDLE service;

        service = CreateServiceW(manager, SERVICE_NAME, SERVICE_TITLE, access,
                                 SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START,
                                 SERVICE_ERROR_NORMAL, command, NULL, NULL, needs, NULL, NULL);
        if (service || GetLastError() != ERROR_SERVICE_EXISTS)
                return service;
        service = OpenServiceW(manager, SERVICE_NAME, access);
        if (service && !ChangeServiceConfigW(service, SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START,
                                             SERVICE_ERROR_NORMAL, command, NULL, NULL, needs, NULL,
                                             NULL, SERVICE_TITLE)) {
                DWORD error = GetLastError();

                (void) CloseServiceHandle(service);
                SetLastError(error);
                return NULL;
        }
        return service;
}

int install_service_make(const wchar_t *command) {
        SC_HANDLE manager, service;
        int r = 0;

        manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE);
        if (!manager)
                return log_win_error(GetLastError(), "Cannot reach the service manager");
        service = install_service_create(manager, command);
        if (!service)
                r = log_win_error(GetLastError(), "Cannot create the service");
        (void) CloseServiceHandle(manager);
        if (!service)
                return r;
        install_service_configure(service);
        if (!StartServiceW(service, 0, NULL) && GetLastError() != ERROR_SERVICE_ALREADY_RUNNING)
                r = log_win_error(GetLastError(), "Cannot start the service");
        else
                r = install_service_wait(service, SERVICE_RUNNING);
        if (r == -ECHILD) {
                log_write(LOG_LEVEL_ERROR, "The service ended at once; see the Event Log "
                                           "'Application', source 'wslbridge', for the reason");
        }
        (void) CloseServiceHandle(service);
        return r;
}

int install_service_remove(void) {
        SC_HANDLE service;
        int r = 0;

        service = install_service_open(DELETE, &r);
        if (!service)
                return r;
        if (!DeleteService(service) && GetLastError() != ERROR_SERVICE_MARKED_FOR_DELETE)
                r = log_win_error(GetLastError(), "Cannot remove the service");
        (void) CloseServiceHandle(service);
        return r;
}
