/* SPDX-License-Identifier: MIT */

/*
 * Runs a program as a user without administrator rights, for tests. Its token has the group
 * Administrators for denying only, like the one that User Account Control makes.
 *
 *   as-user PROGRAM [ARGUMENT...]      exits with the program's exit code
 */

#include "windows-helper/win/win.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define COMMAND_MAX 2048

static int fail(const char *what) {
        (void) fprintf(stderr, "as-user: %s: error %lu\n", what, GetLastError());
        return 125;
}

static HANDLE user_token(void) {
        SID_IDENTIFIER_AUTHORITY authority = {SECURITY_NT_AUTHORITY};
        SID_AND_ATTRIBUTES disabled = {NULL, 0};
        HANDLE own = NULL, restricted = NULL;

        if (!OpenProcessToken(GetCurrentProcess(), TOKEN_ALL_ACCESS, &own) ||
            !AllocateAndInitializeSid(&authority, 2, SECURITY_BUILTIN_DOMAIN_RID,
                                      DOMAIN_ALIAS_RID_ADMINS, 0, 0, 0, 0, 0, 0, &disabled.Sid))
                return NULL;
        if (!CreateRestrictedToken(own, DISABLE_MAX_PRIVILEGE, 1, &disabled, 0, NULL, 0, NULL,
                                   &restricted))
                restricted = NULL;
        FreeSid(disabled.Sid);
        (void) CloseHandle(own);
        return restricted;
}

/* The arguments of the tests contain no quotes. */
static bool command_line(int argc, wchar_t **argv, wchar_t ret_line[COMMAND_MAX]) {
        size_t n = 0;

        for (int i = 1; i < argc; i++) {
                int more = swprintf(ret_line + n, COMMAND_MAX - n, L"%ls\"%ls\"",
                                    i > 1 ? L" " : L"", argv[i]);

                if (more < 0 || (size_t) more >= COMMAND_MAX - n)
                        return false;
                n += (size_t) more;
        }
        return n > 0;
}

int wmain(int argc, wchar_t **argv); /* -municode's main(); no header declares it */

int wmain(int argc, wchar_t **argv) {
        STARTUPINFOW start = {.cb = sizeof(start), .dwFlags = STARTF_USESTDHANDLES};
        PROCESS_INFORMATION info;
        wchar_t line[COMMAND_MAX];
        HANDLE token = user_token();
        DWORD code = EXIT_FAILURE;

        if (!token)
                return fail("token");
        start.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
        start.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
        start.hStdError = GetStdHandle(STD_ERROR_HANDLE);
        if (!command_line(argc, argv, line) ||
            !CreateProcessAsUserW(token, NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &start,
                                  &info))
                return fail("process");
        (void) WaitForSingleObject(info.hProcess, INFINITE);
        (void) GetExitCodeProcess(info.hProcess, &code);
        return (int) code;
}
