/* SPDX-License-Identifier: MIT */

/*
 * A stand-in for wsl.exe. It stores its command line as 'WslCommand' and the two variables that it
 * should be given as 'WslEnvironment' in HKLM\SOFTWARE\wslbridge-test, and adds the command line to
 * C:\wsl-calls.txt. While it runs 'true' or 'cat' in a distro, the event of VM_EVENT exists, for
 * fake-computecore.c; with '--shutdown', it ends them. Then it carries out the lines of
 * C:\wsl-script.txt:
 *
 *     out HEX       write these bytes to standard output; err HEX: to standard error
 *     flood N       write N lines to standard output
 *     read NAME     read a line, and store it as NAME in the registry
 *     hang          wait to be killed; pause MS: so long
 *     control N     tell whoever has started this of console event N, as Windows does (fact 9.7.6)
 *     kill          end whoever has started this
 *     exit N        end
 */

#include <fcntl.h>
#include <io.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include <tlhelp32.h> /* needs windows.h */

#define VM_EVENT L"Global\\wslbridge-test-vm"

static void keep(const wchar_t *name, const wchar_t *text) {
        (void) RegSetKeyValueW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\wslbridge-test", name, REG_SZ, text,
                               (DWORD) ((wcslen(text) + 1) * sizeof(*text)));
}

static void keep_line(const char *name) {
        char line[256] = "end of file";
        wchar_t wide[256], wide_name[64];

        if (fgets(line, sizeof(line), stdin))
                line[strcspn(line, "\r\n")] = '\0';
        (void) MultiByteToWideChar(CP_UTF8, 0, line, -1, wide, ARRAYSIZE(wide));
        (void) MultiByteToWideChar(CP_UTF8, 0, name, -1, wide_name, ARRAYSIZE(wide_name));
        keep(wide_name, wide);
}

static void put(FILE *stream, const char *hex) {
        unsigned byte;

        for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
                (void) fputc((int) byte, stream);
        (void) fflush(stream);
}

/* One line for each call, which a test can read while the helper goes on. */
static void keep_call(void) {
        FILE *calls = fopen("C:\\wsl-calls.txt", "a");

        if (!calls)
                return;
        (void) fprintf(calls, "%ls\n", GetCommandLineW());
        (void) fclose(calls);
}

static void keep_environment(void) {
        wchar_t text[64] = L"", utf8[16] = L"unset", warnings[16] = L"unset";

        (void) GetEnvironmentVariableW(L"WSL_UTF8", utf8, ARRAYSIZE(utf8));
        (void) GetEnvironmentVariableW(L"WSL_DISABLE_WARNINGS", warnings, ARRAYSIZE(warnings));
        (void) _snwprintf(text, ARRAYSIZE(text) - 1, L"%ls %ls", utf8, warnings);
        keep(L"WslEnvironment", text);
}

static DWORD WINAPI on_shutdown(void *event) {
        (void) WaitForSingleObject(event, INFINITE);
        ExitProcess(1);
}

static void run_vm(void) {
        const wchar_t *command = GetCommandLineW();
        HANDLE event = NULL;

        if (wcsstr(command, L"--shutdown")) {
                event = OpenEventW(EVENT_MODIFY_STATE, FALSE, VM_EVENT);
                (void) SetEvent(event); /* there may be none */
        } else if (wcsstr(command, L"--exec true") || wcsstr(command, L"--exec cat")) {
                event = CreateEventW(NULL, FALSE, FALSE, VM_EVENT);
                (void) CreateThread(NULL, 0, on_shutdown, event, 0, NULL);
        }
}

static DWORD parent(void) {
        PROCESSENTRY32W entry = {.dwSize = sizeof(entry)};
        HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
        bool found = Process32FirstW(all, &entry);

        while (found && entry.th32ProcessID != GetCurrentProcessId())
                found = Process32NextW(all, &entry);
        (void) CloseHandle(all);
        return found ? entry.th32ParentProcessID : 0;
}

static void control(const char *event) {
        HANDLE process = OpenProcess(PROCESS_ALL_ACCESS, FALSE, parent());
        LPTHREAD_START_ROUTINE routine = (LPTHREAD_START_ROUTINE) (uintptr_t) GetProcAddress(
                GetModuleHandleW(L"kernelbase.dll"), "CtrlRoutine");
        HANDLE thread = CreateRemoteThread(process, NULL, 0, routine,
                                           (void *) (uintptr_t) strtoul(event, NULL, 10), 0, NULL);

        if (!thread)
                ExitProcess(99);
        (void) CloseHandle(thread);
        (void) CloseHandle(process);
}

static void kill_parent(void) {
        HANDLE process = OpenProcess(PROCESS_TERMINATE, FALSE, parent());

        (void) TerminateProcess(process, 1); /* it may have ended */
        (void) CloseHandle(process);
}

int wmain(int argc, wchar_t **argv); /* -municode's main(); no header declares it */

int wmain(int argc, wchar_t **argv) {
        static char line[65536];
        FILE *script = fopen("C:\\wsl-script.txt", "r");

        (void) _setmode(_fileno(stdout), _O_BINARY);
        (void) _setmode(_fileno(stderr), _O_BINARY);
        keep(L"WslCommand", GetCommandLineW());
        keep_environment();
        keep_call();
        run_vm();
        while (script && fgets(line, sizeof(line), script)) {
                char *argument = strchr(line, ' ');

                line[strcspn(line, "\r\n")] = '\0';
                argument = argument ? argument + 1 : line;
                if (strncmp(line, "out ", 4) == 0)
                        put(stdout, argument);
                else if (strncmp(line, "err ", 4) == 0)
                        put(stderr, argument);
                else if (strncmp(line, "read ", 5) == 0)
                        keep_line(argument);
                else if (strncmp(line, "exit ", 5) == 0)
                        return atoi(argument);
                else if (strncmp(line, "control ", 8) == 0)
                        control(argument);
                else if (strcmp(line, "kill") == 0)
                        kill_parent();
                else if (strcmp(line, "hang") == 0)
                        Sleep(INFINITE);
                else if (strncmp(line, "pause ", 6) == 0)
                        Sleep((DWORD) strtoul(argument, NULL, 10));
                for (long i = strncmp(line, "flood ", 6) == 0 ? atol(argument) : 0; i > 0; i--)
                        (void) fputs("a line of a script that somebody runs at each start\n",
                                     stdout);
        }
        (void) fflush(stdout);
        return 0;
}
