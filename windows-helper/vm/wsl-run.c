/* SPDX-License-Identifier: MIT */

/*
 * wsl.exe as a process with pipes.
 */

#include "windows-helper/vm/wsl-run.h"

#include "windows-helper/core/vm/foreign-text.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WSL_STORE_KEY   L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Lxss\\MSI"
#define WSL_COMMAND_MAX 1024
#define WSL_POLL_MS     20
#define WSL_PIPE_SIZE   65536
#define WSL_OUTPUT_MAX  262144 /* bytes that are kept of a stream: its end */
#define WSL_FEEDER_MS   5000   /* until the thread has seen that nobody reads any more */

static void wsl_close(HANDLE *handle) {
        if (*handle)
                (void) CloseHandle(*handle);
        *handle = NULL;
}

static void wsl_stream_done(WslStream *s) {
        wsl_close(&s->pipe);
        buffer_done(&s->bytes);
        buffer_done(&s->text);
}

/* The child inherits the end that is not @mine. */
static bool wsl_pipe(HANDLE *ret_read, HANDLE *ret_write, HANDLE *mine) {
        SECURITY_ATTRIBUTES inherit = {sizeof(inherit), NULL, TRUE};

        return CreatePipe(ret_read, ret_write, &inherit, WSL_PIPE_SIZE) &&
               SetHandleInformation(*mine, HANDLE_FLAG_INHERIT, 0);
}

static bool wsl_is_file(const wchar_t *path) {
        DWORD attributes = GetFileAttributesW(path);

        return attributes != INVALID_FILE_ATTRIBUTES && !(attributes & FILE_ATTRIBUTE_DIRECTORY);
}

/* The full path, so that no other program of that name is found. The Store's WSL is in its own
 * folder, and what is in System32 only leads there; some Windows have but one of the two
 * (fact 2.1.6). */
int wsl_run_find(wchar_t ret_exe[WSL_PATH_MAX]) {
        wchar_t folder[MAX_PATH];
        DWORD n = GetSystemDirectoryW(folder, MAX_PATH);

        if (n > 0 && n < MAX_PATH) {
                (void) win_format(ret_exe, WSL_PATH_MAX, L"%ls\\wsl.exe", folder);
                if (wsl_is_file(ret_exe))
                        return 0;
        }
        n = sizeof(folder);
        if (RegGetValueW(HKEY_LOCAL_MACHINE, WSL_STORE_KEY, L"InstallLocation", RRF_RT_REG_SZ, NULL,
                         folder, &n) == ERROR_SUCCESS) {
                (void) win_format(ret_exe, WSL_PATH_MAX, L"%ls\\wsl.exe", folder);
                if (wsl_is_file(ret_exe))
                        return 0;
        }
        return -ENOENT;
}

/* wsl.exe inherits our variables. It reads these two itself (fact 2.1.5), so WSLENV, which passes
 * variables on into the distro, need not name them. A version that does not know them writes UTF-16
 * and its warnings, which is why we look at the bytes all the same. */
static void wsl_environment(void) {
        (void) SetEnvironmentVariableW(L"WSL_UTF8", L"1");
        (void) SetEnvironmentVariableW(L"WSL_DISABLE_WARNINGS", L"1");
}

static int wsl_create(WslRun *w, wchar_t *command) {
        STARTUPINFOW start = {.cb = sizeof(start), .dwFlags = STARTF_USESTDHANDLES};
        wchar_t exe[WSL_PATH_MAX];
        PROCESS_INFORMATION info = {0};
        int r = wsl_run_find(exe);

        if (r < 0) {
                log_write(LOG_LEVEL_ERROR, "This Windows has no wsl.exe: turn on the Windows "
                                           "feature 'Windows Subsystem for Linux'");
                return r;
        }
        wsl_environment();
        if (!wsl_pipe(&start.hStdInput, &w->input, &w->input) ||
            !wsl_pipe(&w->output.pipe, &start.hStdOutput, &w->output.pipe) ||
            !wsl_pipe(&w->errors.pipe, &start.hStdError, &w->errors.pipe))
                r = log_win_error(GetLastError(), "Cannot create a pipe");
        else if (!CreateProcessW(exe, command, NULL, NULL, TRUE, CREATE_NO_WINDOW, NULL, NULL,
                                 &start, &info))
                r = log_win_error(GetLastError(), "Cannot start '%s'", WIN_UTF8(exe));
        wsl_close(&start.hStdInput);
        wsl_close(&start.hStdOutput);
        wsl_close(&start.hStdError);
        wsl_close(&info.hThread);
        w->process = info.hProcess;
        return r;
}

/* wsl.exe cuts its command line at blanks, and takes quotes for a part of the name (fact 2.1.11).
 * It knows only the distros of the user who runs it. The service runs as SYSTEM, for which wsl.exe
 * refuses to work (fact 2.1.4), so only the command line uses this. The owner of a distro can be
 * root in it (fact 3.1.5). */
int wsl_run_start(WslRun *w, const char *distro, const wchar_t *command) {
        wchar_t name[WSL_NAME_MAX], line[WSL_COMMAND_MAX];

        if (strpbrk(distro, " \t\"\\") || win_to_wide(distro, name, ARRAYSIZE(name)) < 0 ||
            !*distro) {
                log_write(LOG_LEVEL_ERROR, "'%s' cannot be the name of a distro (it has a blank?)",
                          distro);
                return -EINVAL;
        }
        (void) win_format(line, WSL_COMMAND_MAX, L"wsl.exe -d %ls -u root --exec %ls", name,
                          command);
        return wsl_create(w, line);
}

int wsl_run_start_options(WslRun *w, const wchar_t *options) {
        wchar_t line[WSL_COMMAND_MAX];

        (void) win_format(line, WSL_COMMAND_MAX, L"wsl.exe %ls", options);
        return wsl_create(w, line);
}

/* A thread that still writes to a process that is gone gets an error soon, unless another process
 * has inherited the pipe; it is then told to stop. */
static void wsl_end_feeder(WslRun *w) {
        if (!w->feeder)
                return;
        if (WaitForSingleObject(w->feeder, WSL_FEEDER_MS) != WAIT_OBJECT_0) {
                (void) CancelSynchronousIo(w->feeder);
                (void) WaitForSingleObject(w->feeder, INFINITE);
        }
        wsl_close(&w->feeder);
        w->input = NULL; /* the thread has closed it */
}

void wsl_run_done(WslRun *w) {
        if (w->process && !w->ended)
                (void) TerminateProcess(w->process, EXIT_FAILURE);
        wsl_end_feeder(w);
        wsl_close(&w->input);
        wsl_stream_done(&w->output);
        wsl_stream_done(&w->errors);
        wsl_close(&w->process);
}

bool wsl_run_send(WslRun *w, const char *text, size_t n) {
        DWORD written = 0;

        return WriteFile(w->input, text, (DWORD) n, &written, NULL) && written == n;
}

static DWORD WINAPI wsl_feeder(void *userdata) {
        WslRun *w = userdata;
        bool taken = true;

        for (size_t at = 0; taken && at < w->food_size;) {
                size_t n = w->food_size - at;

                n = n < WSL_PIPE_SIZE ? n : WSL_PIPE_SIZE;
                taken = wsl_run_send(w, w->food + at, n);
                at += n;
        }
        (void) CloseHandle(w->input);
        return 0;
}

int wsl_run_feed(WslRun *w, const char *text, size_t n) {
        w->food = text;
        w->food_size = n;
        w->feeder = CreateThread(NULL, 0, wsl_feeder, w, 0, NULL);
        return w->feeder ? 0 : log_win_error(GetLastError(), "Cannot start a thread");
}

/* Take what is there. A pipe cannot be waited for, so it is asked. Return: bytes, or -ENOMEM. */
static int wsl_read(WslStream *s) {
        DWORD there = 0, got = 0;
        uint8_t *room;

        if (!PeekNamedPipe(s->pipe, NULL, 0, NULL, &there, NULL) || there == 0)
                return 0;
        there = there < WSL_PIPE_SIZE ? there : WSL_PIPE_SIZE;
        if (buffer_reserve(&s->bytes, there, &room) < 0)
                return -ENOMEM;
        if (!ReadFile(s->pipe, room, there, &got, NULL) || got == 0)
                return 0;
        buffer_commit(&s->bytes, got);
        if (buffer_length(&s->bytes) > WSL_OUTPUT_MAX)
                buffer_consume(&s->bytes, WSL_OUTPUT_MAX / 2);
        buffer_done(&s->text);
        foreign_text_decode(buffer_bytes(&s->bytes), buffer_length(&s->bytes), &s->text);
        return s->text.oom ? -ENOMEM : (int) got;
}

int wsl_run_take(WslRun *w, bool *ret_any) {
        int n = wsl_read(&w->output), m = wsl_read(&w->errors);

        *ret_any = n > 0 || m > 0;
        return n < 0 || m < 0 ? -ENOMEM : n;
}

void wsl_run_pause(WslRun *w) {
        w->ended = WaitForSingleObject(w->process, WSL_POLL_MS) == WAIT_OBJECT_0;
}

int32_t wsl_run_code(const WslRun *w) {
        DWORD code = 0;

        (void) GetExitCodeProcess(w->process, &code);
        return (int32_t) code;
}
