/* SPDX-License-Identifier: MIT */

/*
 * Running wsl.exe with pipes to its standard input and output, for a limited time.
 */

#include "windows-helper/vm/wsl-pair.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WSL_OUTPUT_MAX  4096 /* the answer is one line; more is cut */
#define WSL_COMMAND_MAX 512
#define WSL_PATH_MAX    512

typedef struct WslProcess {
        HANDLE process, input, output; /* owned; the last two are our ends of the pipes */
} WslProcess;

bool wsl_pair_is_owner(const char *text) {
        size_t n = strspn(text, "0123456789abcdef");

        return n == 2 * WIRE_ID_SIZE && text[n] == '/' && text[n + 1] != '\0' &&
               strlen(text) <= LEDGER_OWNER_MAX;
}

static void wsl_close(HANDLE *handle) {
        if (*handle)
                (void) CloseHandle(*handle);
        *handle = NULL;
}

/* The child inherits the end that is not @mine. */
static bool wsl_pipe(HANDLE *ret_read, HANDLE *ret_write, HANDLE *mine) {
        SECURITY_ATTRIBUTES inherit = {sizeof(inherit), NULL, TRUE};

        return CreatePipe(ret_read, ret_write, &inherit, 0) &&
               SetHandleInformation(*mine, HANDLE_FLAG_INHERIT, 0);
}

/* The full path of wsl.exe, so that no other program of that name is found, and the command line.
 * The distro's name is in quotes and contains none itself. wsl.exe knows only the distros of the
 * user who runs it. The service runs as SYSTEM, for which wsl.exe refuses to work (fact 2.1.4), so
 * only the command line uses this. The owner of a distro can be root in it (fact 3.1.5). */
static int wsl_command(const char *distro, wchar_t ret_exe[WSL_PATH_MAX],
                       wchar_t ret_command[WSL_COMMAND_MAX]) {
        wchar_t name[WIRE_DISTRO_MAX + 1], folder[MAX_PATH];
        UINT n;

        if (strpbrk(distro, "\"\\") || win_to_wide(distro, name, ARRAYSIZE(name)) < 0 || !*distro) {
                log_write(LOG_LEVEL_ERROR, "'%s' cannot be the name of a distro", distro);
                return -EINVAL;
        }
        (void) swprintf(ret_command, WSL_COMMAND_MAX,
                        L"wsl.exe -d \"%ls\" -u root --exec wslbridgectl pair", name);
        n = GetSystemDirectoryW(folder, MAX_PATH);
        if (n == 0 || n >= MAX_PATH)
                return log_win_error(GetLastError(), "Cannot find the system folder of Windows");
        (void) swprintf(ret_exe, WSL_PATH_MAX, L"%ls\\wsl.exe", folder);
        return 0;
}

static int wsl_start(const char *distro, WslProcess *w) {
        STARTUPINFOW start = {.cb = sizeof(start), .dwFlags = STARTF_USESTDHANDLES};
        wchar_t exe[WSL_PATH_MAX], command[WSL_COMMAND_MAX];
        HANDLE child_input = NULL, child_output = NULL;
        PROCESS_INFORMATION info = {0};
        int r = wsl_command(distro, exe, command);

        if (r < 0)
                return r;
        if (!wsl_pipe(&child_input, &w->input, &w->input) ||
            !wsl_pipe(&w->output, &child_output, &w->output)) {
                r = log_win_error(GetLastError(), "Cannot create a pipe");
        } else {
                start.hStdInput = child_input;
                start.hStdOutput = start.hStdError = child_output;
                if (!CreateProcessW(exe, command, NULL, NULL, TRUE, CREATE_NO_WINDOW, NULL, NULL,
                                    &start, &info))
                        r = log_win_error(GetLastError(), "Cannot start '%s'", WIN_UTF8(exe));
        }
        wsl_close(&child_input);
        wsl_close(&child_output);
        wsl_close(&info.hThread);
        w->process = info.hProcess;
        return r;
}

/* Send the key as hexadecimal digits and a line feed. The text is wiped afterwards. */
static int wsl_send_key(WslProcess *w, const uint8_t key[WIRE_KEY_SIZE]) {
        char line[2 * WIRE_KEY_SIZE + 2];
        DWORD n;
        int r = 0;

        for (size_t i = 0; i < WIRE_KEY_SIZE; i++)
                (void) snprintf(line + 2 * i, 3, "%02x", key[i]);
        line[sizeof(line) - 2] = '\n';
        if (!WriteFile(w->input, line, sizeof(line) - 1, &n, NULL))
                r = log_win_error(GetLastError(), "The distro did not read the key");
        SecureZeroMemory(line, sizeof(line));
        wsl_close(&w->input);
        return r;
}

/* Read the output until the process ends or the time is over. A pipe cannot be waited for, so it is
 * polled. */
static int wsl_read(WslProcess *w, char ret_text[WSL_OUTPUT_MAX]) {
        ULONGLONG end = GetTickCount64() + WSL_PAIR_TIMEOUT_MS;
        bool ended = false;
        size_t n = 0;

        while (true) {
                DWORD there = 0, got = 0;

                if (PeekNamedPipe(w->output, NULL, 0, NULL, &there, NULL) && there > 0 &&
                    n < WSL_OUTPUT_MAX - 1) {
                        if (there > WSL_OUTPUT_MAX - 1 - n)
                                there = (DWORD) (WSL_OUTPUT_MAX - 1 - n);
                        if (ReadFile(w->output, ret_text + n, there, &got, NULL))
                                n += got;
                        continue;
                }
                if (ended)
                        break;
                ended = WaitForSingleObject(w->process, 20) == WAIT_OBJECT_0;
                if (!ended && GetTickCount64() > end) {
                        (void) TerminateProcess(w->process, EXIT_FAILURE);
                        log_write(LOG_LEVEL_ERROR, "The distro did not answer within %d s",
                                  WSL_PAIR_TIMEOUT_MS / 1000);
                        return -ETIMEDOUT;
                }
        }
        ret_text[n] = '\0';
        return 0;
}

/* Messages of wsl.exe itself are translated and in UTF-16. They are shown without their NULs, but
 * not interpreted. */
static void wsl_show(char *text, size_t n) {
        size_t k = 0;

        for (size_t i = 0; i < n; i++)
                if (text[i] != '\0' && text[i] != '\r')
                        text[k++] = text[i];
        text[k] = '\0';
        wire_text_clean(text, WIRE_TEXT_MAX);
}

static int wsl_take_answer(WslProcess *w, const char *distro, char *text,
                           char ret_owner[LEDGER_OWNER_MAX + 1]) {
        static const char word[] = "paired ";
        DWORD code = EXIT_FAILURE;
        char *line = strstr(text, word);

        (void) GetExitCodeProcess(w->process, &code);
        if (code == 0 && line) {
                line += sizeof(word) - 1;
                line[strcspn(line, "\r\n")] = '\0';
                if (wsl_pair_is_owner(line)) {
                        memcpy(ret_owner, line, strlen(line) + 1);
                        return 0;
                }
        }
        wsl_show(text, WSL_OUTPUT_MAX - 1);
        log_write(LOG_LEVEL_ERROR,
                  "'%s' was not paired (exit code %lu): %s; check that its name is right (wsl "
                  "--list) "
                  "and that wslbridge is installed in it",
                  distro, (unsigned long) code, text[0] ? text : "no answer");
        return -EPROTO;
}

int wsl_pair(const char *distro, const uint8_t key[WIRE_KEY_SIZE],
             char ret_owner[LEDGER_OWNER_MAX + 1]) {
        char text[WSL_OUTPUT_MAX] = "";
        WslProcess w = {0};
        int r = wsl_start(distro, &w);

        if (r == 0)
                r = wsl_send_key(&w, key);
        if (r == 0)
                r = wsl_read(&w, text);
        if (r == 0)
                r = wsl_take_answer(&w, distro, text, ret_owner);
        wsl_close(&w.input);
        wsl_close(&w.output);
        wsl_close(&w.process);
        return r;
}
