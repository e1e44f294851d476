/* SPDX-License-Identifier: MIT */

/*
 * Looks a process up in a snapshot of all, and asks whether it has ended.
 */

#include "windows-helper/win/process.h"

#include <tlhelp32.h>
#include <wchar.h>

#define PROCESS_PROGRAM L"wslbridge-helper.exe" /* as it is installed */

/* Somebody may run this program under another name, with the service installed under ours. */
static bool is_program(const wchar_t *name) {
        wchar_t path[MAX_PATH];
        DWORD n = GetModuleFileNameW(NULL, path, ARRAYSIZE(path));
        const wchar_t *slash = n > 0 && n < ARRAYSIZE(path) ? wcsrchr(path, L'\\') : NULL;

        return _wcsicmp(name, PROCESS_PROGRAM) == 0 || (slash && _wcsicmp(name, slash + 1) == 0);
}

static bool is_listed(DWORD pid) {
        HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
        PROCESSENTRY32W entry = {.dwSize = sizeof(entry)};
        bool found = false;

        if (snapshot == INVALID_HANDLE_VALUE)
                return true; /* nobody knows, and the process may be there */
        for (BOOL more = Process32FirstW(snapshot, &entry); more && !found;
             more = Process32NextW(snapshot, &entry))
                found = entry.th32ProcessID == pid && is_program(entry.szExeFile);
        (void) CloseHandle(snapshot);
        return found;
}

bool process_is_helper(DWORD pid) {
        DWORD error;
        HANDLE process;

        if (pid == 0 || pid == GetCurrentProcessId() || !is_listed(pid))
                return false;
        process = OpenProcess(SYNCHRONIZE, FALSE, pid);
        if (!process) {
                /* Users may not open a process of SYSTEM. The error still tells that it exists. */
                error = GetLastError();
                return error == ERROR_ACCESS_DENIED;
        }
        error = WaitForSingleObject(process, 0);
        (void) CloseHandle(process);
        return error == WAIT_TIMEOUT;
}
