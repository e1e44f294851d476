/* SPDX-License-Identifier: MIT */

/*
 * The handle of the service manager is needed only to get that of the service.
 */

#include "windows-helper/forwarders/service-open.h"
#include "windows-helper/win/log.h"

#include <errno.h>

SC_HANDLE service_open(const wchar_t *name, DWORD access, int *ret_error) {
        SC_HANDLE manager, service;
        DWORD error;

        manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
        if (!manager) {
                *ret_error = log_win_error(GetLastError(), "Cannot reach the service manager");
                return NULL;
        }
        service = OpenServiceW(manager, name, access);
        error = GetLastError();
        (void) CloseServiceHandle(manager);
        if (!service)
                *ret_error =
                        error == ERROR_SERVICE_DOES_NOT_EXIST
                                ? -ENOENT
                                : log_win_error(error, "Cannot open service '%s'", WIN_UTF8(name));
        return service;
}
