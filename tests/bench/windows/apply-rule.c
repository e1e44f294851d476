/* SPDX-License-Identifier: MIT */

/*
 * Does what a polling script does with netsh on Windows: it writes an IPv4 PortProxy value and
 * notifies iphlpsvc. (Wine's netsh does nothing, fact 10.1.3.) It is only for the baseline of the
 * benchmark and knows nothing of wslbridge.
 *
 *   apply-rule.exe LISTEN/PORT CONNECT/PORT
 */

#include <stdio.h>
#include <windows.h>

#define RULES_KEY L"SYSTEM\\CurrentControlSet\\Services\\PortProxy\\v4tov4\\tcp"

static DWORD write_rule(const wchar_t *listen, const wchar_t *connect) {
        DWORD n = (DWORD) ((wcslen(connect) + 1) * sizeof(*connect));

        return (DWORD) RegSetKeyValueW(HKEY_LOCAL_MACHINE, RULES_KEY, listen, REG_SZ, connect, n);
}

static DWORD tell_iphlpsvc(void) {
        SC_HANDLE manager = NULL, service = NULL;
        SERVICE_STATUS status;
        DWORD error = ERROR_SUCCESS;

        manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
        if (manager)
                service = OpenServiceW(manager, L"iphlpsvc", SERVICE_PAUSE_CONTINUE);
        if (!service || !ControlService(service, SERVICE_CONTROL_PARAMCHANGE, &status))
                error = GetLastError();
        if (service)
                (void) CloseServiceHandle(service);
        if (manager)
                (void) CloseServiceHandle(manager);
        return error;
}

int wmain(int argc, wchar_t **argv); /* -municode's main(); no header declares it */

int wmain(int argc, wchar_t **argv) {
        DWORD error;

        if (argc != 3) {
                (void) fputs("apply-rule LISTEN/PORT CONNECT/PORT\n", stderr);
                return 2;
        }
        error = write_rule(argv[1], argv[2]);
        if (error == ERROR_SUCCESS)
                error = tell_iphlpsvc();
        if (error != ERROR_SUCCESS)
                (void) fprintf(stderr, "apply-rule: error %lu\n", (unsigned long) error);
        return error == ERROR_SUCCESS ? 0 : 1;
}
