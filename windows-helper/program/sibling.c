/* SPDX-License-Identifier: MIT */

/*
 * A process that shares our console.
 */

#include "windows-helper/program/sibling.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdbool.h>

#define SIBLING_COMMAND_MAX 32768 /* Windows has no longer command line */
#define SIBLING_CLOSE_MS    4800  /* Windows ends the process 5 s after a window was closed */

static HANDLE sibling_process; /* for the console handler, which runs in a thread of its own */

/* A window that is closed ends us when we return, and with us the shell that waits for us. */
static BOOL WINAPI sibling_on_console(DWORD event) {
        if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT)
                (void) WaitForSingleObject(sibling_process, SIBLING_CLOSE_MS);
        return TRUE;
}

static int sibling_wait(HANDLE process, DWORD *ret_code) {
        if (WaitForSingleObject(process, INFINITE) != WAIT_OBJECT_0 ||
            !GetExitCodeProcess(process, ret_code))
                return log_win_error(GetLastError(), "Cannot wait for the program");
        return 0;
}

int sibling_run(const wchar_t *exe, const wchar_t *arguments, DWORD *ret_code) {
        static wchar_t command[SIBLING_COMMAND_MAX];
        STARTUPINFOW start = {.cb = sizeof(start)};
        PROCESS_INFORMATION info;
        DWORD error;
        int n, r;

        n = win_format(command, SIBLING_COMMAND_MAX, L"\"%ls\" %ls", exe, arguments);
        if (n < 0 || n >= SIBLING_COMMAND_MAX)
                return log_win_error(ERROR_FILENAME_EXCED_RANGE, "Cannot start '%s'",
                                     WIN_UTF8(exe));
        if (!CreateProcessW(exe, command, NULL, NULL, /* inherit= */ TRUE, CREATE_SUSPENDED, NULL,
                            NULL, &start, &info)) {
                error = GetLastError();
                return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND
                               ? -ENOENT
                               : log_win_error(error, "Cannot start '%s'", WIN_UTF8(exe));
        }
        sibling_process = info.hProcess;
        (void) SetConsoleCtrlHandler(sibling_on_console, TRUE);
        (void) ResumeThread(info.hThread);
        (void) CloseHandle(info.hThread);
        r = sibling_wait(info.hProcess, ret_code);
        (void) SetConsoleCtrlHandler(sibling_on_console, FALSE);
        (void) CloseHandle(info.hProcess);
        return r;
}

int sibling_selftest(const wchar_t *arguments, DWORD *ret_code) {
        wchar_t exe[PATHS_MAX];
        int r = paths_beside(programs_file(PROGRAM_SELFTEST), exe);

        if (r == 0)
                r = sibling_run(exe, arguments, ret_code);
        if (r == -ENOENT)
                log_write(LOG_LEVEL_ERROR,
                          "The self-test is a program of its own, and it is missing: '%s'. Install "
                          "wslbridge again, or put all of its programs into one folder",
                          WIN_UTF8(exe));
        return r;
}

static bool sibling_has_key(const wchar_t *path) {
        HKEY key;

        if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, path, 0, KEY_QUERY_VALUE, &key) != ERROR_SUCCESS)
                return false;
        (void) RegCloseKey(key);
        return true;
}

void sibling_selftest_clean(void) {
        wchar_t exe[PATHS_MAX];
        DWORD code;
        int r;

        if (!sibling_has_key(PATHS_KEY_SELFTEST))
                return;
        r = paths_program(programs_file(PROGRAM_SELFTEST), exe);
        if (r == 0)
                r = sibling_run(exe, L"--clean", &code);
        if (r == -ENOENT)
                (void) sibling_selftest(L"--clean", &code);
}
