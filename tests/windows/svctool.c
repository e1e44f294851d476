/* SPDX-License-Identifier: MIT */

/*
 * Shows and controls services, and lists message tables, for tests, as a conversation:
 *
 *   query NAME                the state, the configuration and the process of a service
 *   start NAME | delete NAME | control NAME CODE | start-type NAME TYPE | depends NAME ON
 *   messages FILE             the message table of a program: {"1": "text", …}
 *
 * The answer is {} when there is nothing to tell, and {"error":N,"what":"…"} when it failed. Other
 * uses are programs of their own:
 *
 *   svctool hold FILE | show FILE | deafen
 *
 * 'hold' keeps a file open, so that nobody else can open it, and 'show' as the Event Viewer does,
 * until standard input ends. 'deafen' does to Wine's service manager what a client does that is
 * killed while it connects.
 */

#include "tests/windows/conversation.h"
#include "windows-helper/win/win.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_ID_MAX 256
#define NAME_ROOM      512
#define DEAFEN_TRIES   200 /* five are enough as a rule */
#define DEAFEN_ROUNDS  20

static void fail(const char *what) {
        printf("{\"error\":%lu,\"what\":\"%s\"}\n", GetLastError(), what);
}

static void query(SC_HANDLE service) {
        union {
                QUERY_SERVICE_CONFIGW config;
                BYTE bytes[8192];
        } u;
        SERVICE_PRESHUTDOWN_INFO shutdown = {0};
        SERVICE_STATUS_PROCESS status;
        DWORD size;

        (void) QueryServiceConfig2W(service, SERVICE_CONFIG_PRESHUTDOWN_INFO, (BYTE *) &shutdown,
                                    sizeof(shutdown), &size);
        if (!QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (BYTE *) &status, sizeof(status),
                                  &size) ||
            !QueryServiceConfigW(service, &u.config, sizeof(u), &size)) {
                fail("query");
                return;
        }
        printf("{\"state\":%lu,\"pid\":%lu,\"accepts\":%lu,\"exit\":%lu,\"start\":%lu,"
               "\"preshutdown\":%lu,\"path\":\"",
               status.dwCurrentState, status.dwProcessId, status.dwControlsAccepted,
               status.dwWin32ExitCode, u.config.dwStartType, shutdown.dwPreshutdownTimeout);
        for (const wchar_t *p = u.config.lpBinaryPathName; *p; p++)
                printf(*p == L'\\' || *p == L'"' ? "\\%lc" : "%lc", *p);
        printf("\",\"depends\":\"%ls\"}\n",
               u.config.lpDependencies ? u.config.lpDependencies : L"");
}

static void messages(const wchar_t *file) {
        HMODULE module = LoadLibraryExW(file, NULL, LOAD_LIBRARY_AS_DATAFILE);
        bool first = true;

        if (!module) {
                fail("load");
                return;
        }
        (void) putchar('{');
        for (DWORD id = 1; id < MESSAGE_ID_MAX; id++) {
                wchar_t text[4096];
                DWORD n =
                        FormatMessageW(FORMAT_MESSAGE_FROM_HMODULE | FORMAT_MESSAGE_IGNORE_INSERTS,
                                       module, id, 0, text, ARRAYSIZE(text), NULL);

                if (n == 0)
                        continue;
                printf("%s\"%lu\":\"", first ? "" : ",", id);
                for (DWORD i = 0; i < n; i++)
                        printf(text[i] < L' '     ? "\\u%04x"
                               : text[i] == L'"'  ? "\\\""
                               : text[i] == L'\\' ? "\\\\"
                                                  : "%lc",
                               text[i]);
                (void) putchar('"');
                first = false;
        }
        (void) puts("}");
        (void) FreeLibrary(module);
}

static int hold(const wchar_t *file, bool show) {
        HANDLE held = show ? LoadLibraryExW(file, NULL, LOAD_LIBRARY_AS_DATAFILE)
                           : CreateFileW(file, GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);

        if (!held || held == INVALID_HANDLE_VALUE) {
                fail("hold");
                return EXIT_FAILURE;
        }
        (void) puts("{}");
        (void) fflush(stdout);
        (void) getchar();
        return EXIT_SUCCESS;
}

/* Make a service depend on one other. */
static BOOL depend(SC_HANDLE service, const wchar_t *on) {
        wchar_t needs[NAME_ROOM] = L""; /* ends with two NULs */

        (void) wcsncpy(needs, on, NAME_ROOM - 2);
        return ChangeServiceConfigW(service, SERVICE_NO_CHANGE, SERVICE_NO_CHANGE,
                                    SERVICE_NO_CHANGE, NULL, NULL, NULL, needs, NULL, NULL, NULL);
}

/* A client that has connected and gone before Wine's service manager waits at that end of the pipe:
 * it never waits there again, and has no other end (fact 10.1.7). It may be faster than all clients
 * of one round. */
static int deafen(void) {
        DWORD error = ERROR_SUCCESS;

        for (unsigned round = 0; error == ERROR_SUCCESS && round < DEAFEN_ROUNDS; round++) {
                SC_HANDLE manager;

                for (unsigned i = 0; i < DEAFEN_TRIES; i++) {
                        HANDLE pipe =
                                CreateFileW(L"\\\\.\\pipe\\svcctl", GENERIC_READ | GENERIC_WRITE, 0,
                                            NULL, OPEN_EXISTING, 0, NULL);

                        if (pipe != INVALID_HANDLE_VALUE)
                                (void) CloseHandle(pipe);
                }
                manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
                if (manager)
                        (void) CloseServiceHandle(manager);
                else
                        error = GetLastError();
        }
        printf("{\"error\":%lu}\n", error);
        return EXIT_SUCCESS;
}

/* What is asked of a service. @word: what the command has beside the name. */
static BOOL ask(SC_HANDLE service, const char *command, const wchar_t *word) {
        SERVICE_STATUS status;

        if (strcmp(command, "start") == 0)
                return StartServiceW(service, 0, NULL);
        if (strcmp(command, "delete") == 0)
                return DeleteService(service);
        if (strcmp(command, "control") == 0)
                return ControlService(service, wcstoul(word, NULL, 10), &status);
        if (strcmp(command, "start-type") == 0)
                return ChangeServiceConfigW(service, SERVICE_NO_CHANGE, wcstoul(word, NULL, 10),
                                            SERVICE_NO_CHANGE, NULL, NULL, NULL, NULL, NULL, NULL,
                                            NULL);
        if (strcmp(command, "depends") == 0)
                return depend(service, word);
        SetLastError(ERROR_INVALID_FUNCTION);
        return FALSE;
}

static void answer(char **fields, unsigned n_fields) {
        static wchar_t name[NAME_ROOM], word[NAME_ROOM];
        SC_HANDLE manager, service;

        word[0] = L'\0';
        if (n_fields < 2 || win_to_wide(fields[1], name, NAME_ROOM) < 0 ||
            (n_fields > 2 && win_to_wide(fields[2], word, NAME_ROOM) < 0)) {
                SetLastError(ERROR_INVALID_PARAMETER);
                fail("read");
                return;
        }
        if (strcmp(fields[0], "messages") == 0) {
                messages(name);
                return;
        }
        manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
        service = manager ? OpenServiceW(manager, name, SERVICE_ALL_ACCESS) : NULL;
        if (!service)
                fail("open");
        else if (strcmp(fields[0], "query") == 0)
                query(service);
        else if (ask(service, fields[0], word))
                (void) puts("{}");
        else
                fail(fields[0]);
        if (service) /* a service that is deleted goes when the last handle does */
                (void) CloseServiceHandle(service);
        if (manager)
                (void) CloseServiceHandle(manager);
}

int wmain(int argc, wchar_t **argv); /* -municode's main(); no header declares it */

int wmain(int argc, wchar_t **argv) {
        if (argc == 1)
                return conversation_run(answer);
        if (argc == 2 && wcscmp(argv[1], L"deafen") == 0)
                return deafen();
        if (argc == 3 && (wcscmp(argv[1], L"hold") == 0 || wcscmp(argv[1], L"show") == 0))
                return hold(argv[2], argv[1][0] == L's');
        return EXIT_FAILURE;
}
