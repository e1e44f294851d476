/* SPDX-License-Identifier: MIT */

/*
 * The service manager's list of running services, with their processes.
 */

#include "windows-helper/host/process-services.h"
#include "windows-helper/win/win.h"

#include <stdlib.h>
#include <string.h>

#define SERVICES_ATTEMPTS 4 /* a service may start between the query of the size and the list */

/* Return: the list, to be freed by the caller, with @ret_n entries; NULL when there is none. */
static ENUM_SERVICE_STATUS_PROCESSW *services_list(SC_HANDLE manager, DWORD *ret_n) {
        DWORD size = 0, needed = 64 * 1024, resume;
        ENUM_SERVICE_STATUS_PROCESSW *list = NULL;

        for (int i = 0; i < SERVICES_ATTEMPTS; i++) {
                size += needed;
                free(list);
                list = malloc(size);
                resume = 0;
                if (list && EnumServicesStatusExW(manager, SC_ENUM_PROCESS_INFO, SERVICE_WIN32,
                                                  SERVICE_ACTIVE, (BYTE *) list, size, &needed,
                                                  ret_n, &resume, NULL))
                        return list;
                if (!list || GetLastError() != ERROR_MORE_DATA)
                        break;
        }
        free(list);
        return NULL;
}

static void add_name(const wchar_t *wide, char *names, size_t size) {
        size_t n = strlen(names);
        char *name = NULL;

        if (win_from_wide(wide, wcslen(wide), &name) == 0 && n + 2 + strlen(name) < size) {
                if (n > 0) {
                        memcpy(names + n, ", ", 2);
                        n += 2;
                }
                memcpy(names + n, name, strlen(name) + 1);
        }
        free(name);
}

void process_services(uint32_t pid, char *ret_names, size_t size) {
        SC_HANDLE manager =
                OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT | SC_MANAGER_ENUMERATE_SERVICE);
        ENUM_SERVICE_STATUS_PROCESSW *list;
        DWORD n = 0;

        ret_names[0] = '\0';
        if (!manager)
                return;
        list = services_list(manager, &n);
        for (DWORD i = 0; list && i < n; i++)
                if (list[i].ServiceStatusProcess.dwProcessId == pid)
                        add_name(list[i].lpServiceName, ret_names, size);
        free(list);
        (void) CloseServiceHandle(manager);
}
