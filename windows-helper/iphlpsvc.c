/* SPDX-License-Identifier: MIT */
#include "windows-helper/iphlpsvc.h"
#include "windows-helper/log.h"

#include <errno.h>
#include <stdbool.h>

/* "Can't accept" is a service that is starting or stopping: it reads the values when it starts. */
static bool iphlpsvc_stopped(DWORD error) {
        return error == ERROR_SERVICE_NOT_ACTIVE || error == ERROR_SERVICE_DISABLED ||
               error == ERROR_SERVICE_CANNOT_ACCEPT_CTRL;
}

/* Handles are not kept: it happens once per change, and a handle kept would outlive a service that
 * was deleted and made again. */
int iphlpsvc_activate(void) {
        SC_HANDLE manager, service;
        SERVICE_STATUS status;
        DWORD error;
        int r = 0;

        manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
        if (!manager)
                return log_win_error(GetLastError(), "Failed to reach the service manager");
        service = OpenServiceW(manager, L"iphlpsvc", SERVICE_PAUSE_CONTINUE | SERVICE_QUERY_STATUS);
        if (!service) {
                error = GetLastError();
                r = error == ERROR_SERVICE_DOES_NOT_EXIST
                            ? -ENOENT
                            : log_win_error(error, "Failed to open service 'iphlpsvc'");
                goto cleanup_manager;
        }
        if (!ControlService(service, SERVICE_CONTROL_PARAMCHANGE, &status)) {
                error = GetLastError();
                r = iphlpsvc_stopped(error)
                            ? -ESRCH
                            : log_win_error(error, "Service 'iphlpsvc' did not take the change");
        }
        (void) CloseServiceHandle(service);
cleanup_manager:
        (void) CloseServiceHandle(manager);
        return r;
}
