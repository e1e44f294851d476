/* SPDX-License-Identifier: MIT */

/*
 * Finds the services of a process: first a service that runs, then the names for its process.
 */

#include "windows-helper/host/process-services.h"
#include "windows-helper/win/win.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE L"RpcSs" /* runs on every Windows, and in Wine when it is asked for */

static DWORD service_process(void) {
        SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
        SC_HANDLE service = OpenServiceW(manager, SERVICE, SERVICE_QUERY_STATUS | SERVICE_START);
        SERVICE_STATUS_PROCESS status = {0};
        DWORD size;

        (void) StartServiceW(service, 0, NULL);
        for (int i = 0; i < 500 && status.dwCurrentState != SERVICE_RUNNING; i++) {
                Sleep(20);
                if (!QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (BYTE *) &status,
                                          sizeof(status), &size))
                        break;
        }
        (void) CloseServiceHandle(service);
        (void) CloseServiceHandle(manager);
        return status.dwProcessId;
}

int main(void) {
        char names[256] = "x", few[3] = "x";
        DWORD pid = service_process();

        process_services(pid, names, sizeof(names));
        printf("process %lu: %s\n", (unsigned long) pid, names);
        if (pid == 0 || !strstr(names, "RpcSs"))
                return EXIT_FAILURE;
        process_services(pid, few, sizeof(few));
        if (few[0] != '\0')
                return EXIT_FAILURE; /* what does not fit is left out */
        process_services(GetCurrentProcessId(), names, sizeof(names));
        return names[0] == '\0' ? EXIT_SUCCESS : EXIT_FAILURE;
}
