/* SPDX-License-Identifier: MIT */
#include "windows-helper/install/scm.h"
#include "windows-helper/service/service.h"
#include "windows-helper/win/log.h"

#include <errno.h>

#define INSTALL_WAIT_MS 60000
#define INSTALL_POLL_MS 50

/* Return: the service, or NULL; @ret_error is -ENOENT quietly, or else logged. */
static SC_HANDLE install_service_open(DWORD access, int *ret_error) {
        SC_HANDLE manager, service;
        DWORD error;

        manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
        if (!manager) {
                *ret_error = log_win_error(GetLastError(), "Failed to reach the service manager");
                return NULL;
        }
        service = OpenServiceW(manager, SERVICE_NAME, access);
        error = GetLastError();
        (void) CloseServiceHandle(manager);
        if (!service) {
                *ret_error = error == ERROR_SERVICE_DOES_NOT_EXIST
                                     ? -ENOENT
                                     : log_win_error(error, "Failed to open the service");
        }
        return service;
}

/* Wait until the state is @wanted, or, when starting, the end. Return: 0, -ETIMEDOUT, -ECHILD when
 * it ended instead, or negative errno. */
static int install_service_wait(SC_HANDLE service, DWORD wanted) {
        SERVICE_STATUS status;

        for (int waited = 0; waited < INSTALL_WAIT_MS; waited += INSTALL_POLL_MS) {
                if (!QueryServiceStatus(service, &status))
                        return log_win_error(GetLastError(), "Failed to query the service");
                if (status.dwCurrentState == wanted)
                        return 0;
                if (status.dwCurrentState == SERVICE_STOPPED)
                        return -ECHILD;
                Sleep(INSTALL_POLL_MS);
        }
        log_write(LOG_LEVEL_ERROR, "The service did not %s within %d s",
                  wanted == SERVICE_STOPPED ? "end" : "start", INSTALL_WAIT_MS / 1000);
        return -ETIMEDOUT;
}

/* It does not run; the last two are Wine 8's words for a service whose process was killed. */
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
                r = log_win_error(error, "Failed to stop the service");
        else
                r = install_service_wait(service, SERVICE_STOPPED);
        (void) CloseServiceHandle(service);
        return r;
}

static bool install_service_set(SC_HANDLE service, DWORD level, void *info, const char *what) {
        if (ChangeServiceConfig2W(service, level, info))
                return true;
        (void) log_win_error(GetLastError(), "Failed to set %s of the service, ignoring", what);
        return false;
}

/* What the entry has besides its command line (fact 9). None of it keeps the service from working,
 * so a Windows that does not know one is told about and goes on. */
static void install_service_configure(SC_HANDLE service) {
        /* What is done here goes by access rights, not by privileges; everybody has the first one
         * in any case, and HCS may look at its caller with the second. */
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
        /* Before it ends us at a shutdown, Windows waits for that long instead of some seconds. */
        SERVICE_PRESHUTDOWN_INFO preshutdown = {SERVICE_STOP_HINT_MS};
        SERVICE_FAILURE_ACTIONS_FLAG also_errors = {TRUE}; /* not only after a crash */
        /* Not RESTRICTED: the sockets of a WSL VM admit SYSTEM, not a restricted token of it (facts
         * 2.1 and 9). */
        SERVICE_SID_INFO sid = {SERVICE_SID_TYPE_UNRESTRICTED};
        SERVICE_REQUIRED_PRIVILEGES_INFOW required = {privileges};

        (void) install_service_set(service, SERVICE_CONFIG_DESCRIPTION, &description,
                                   "the description");
        (void) install_service_set(service, SERVICE_CONFIG_DELAYED_AUTO_START_INFO, &delayed,
                                   "the delayed start");
        (void) install_service_set(service, SERVICE_CONFIG_FAILURE_ACTIONS, &failure,
                                   "what follows a crash");
        (void) install_service_set(service, SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, &also_errors,
                                   "what follows an error");
        (void) install_service_set(service, SERVICE_CONFIG_PRESHUTDOWN_INFO, &preshutdown,
                                   "the time at a shutdown");
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
                return log_win_error(GetLastError(), "Failed to reach the service manager");
        service = install_service_create(manager, command);
        if (!service)
                r = log_win_error(GetLastError(), "Failed to make the service");
        (void) CloseServiceHandle(manager);
        if (!service)
                return r;
        install_service_configure(service);
        if (!StartServiceW(service, 0, NULL) && GetLastError() != ERROR_SERVICE_ALREADY_RUNNING)
                r = log_win_error(GetLastError(), "Failed to start the service");
        else
                r = install_service_wait(service, SERVICE_RUNNING);
        if (r == -ECHILD) {
                log_write(LOG_LEVEL_ERROR, "The service ended at once; the log Application, "
                                           "source 'wslbridge', says why");
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
                r = log_win_error(GetLastError(), "Failed to remove the service");
        (void) CloseServiceHandle(service);
        return r;
}
