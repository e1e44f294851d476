/* SPDX-License-Identifier: MIT */

/*
 * Starts the elevated half and talks to it.
 *
 * The pipe has a random name, is made before the other process is started, and is the only instance
 * of its name. Only the user and administrators may open it, not from another machine, and only the
 * process that was started is listened to.
 */

#include "windows-helper/elevated/elevated.h"

#include "windows-helper/core/install/programs.h"
#include "windows-helper/program/fault.h"
#include "windows-helper/store/paths.h"
#include "windows-helper/win/crypto.h"
#include "windows-helper/win/file.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/rights.h"

#include "common/hex.h"

#include <errno.h>
#include <sddl.h>
#include <shellapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ELEVATED_NAME_MAX  128
#define ELEVATED_START_MS  60000  /* from the user's consent to "hello" */
#define ELEVATED_ANSWER_MS 300000 /* installing waits for a stop and a start of the service */
#define ELEVATED_BYE_MS    5000
#define ELEVATED_BUFFER    4096
#define ELEVATED_PROGRAM_MAX \
        (16u * 1024 * 1024) /* bytes of a program of ours, with a lot of room */
/* Reading, writing and looking; not making another instance of the pipe, which GENERIC_WRITE would
 * allow (fact 9.7.1). */
#define ELEVATED_RIGHTS L"0x12008b"

static int elevated_fails(Elevated *e, int error, const char *text) {
        e->failed = true;
        (void) snprintf(e->why, sizeof(e->why), "%s", text);
        return error;
}

/* The SID of this user, as text. The caller frees with LocalFree(). */
static wchar_t *elevated_user(void) {
        union {
                TOKEN_USER user;
                uint8_t bytes[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
        } found;
        wchar_t *text = NULL;
        HANDLE token;
        DWORD n;

        if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
                return NULL;
        if (!GetTokenInformation(token, TokenUser, &found, sizeof(found), &n) ||
            !ConvertSidToStringSidW(found.user.User.Sid, &text))
                text = NULL;
        (void) CloseHandle(token);
        return text;
}

/* Return: whether @ret is a descriptor; the caller frees it with LocalFree(). */
static bool elevated_descriptor(PSECURITY_DESCRIPTOR *ret) {
        wchar_t sddl[256], *user = elevated_user();
        bool made;

        if (!user)
                return false;
        (void) win_format(sddl, ARRAYSIZE(sddl), L"D:P(A;;GA;;;%ls)(A;;" ELEVATED_RIGHTS L";;;BA)",
                          user);
        LocalFree(user);
        made = ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl, SDDL_REVISION_1, ret,
                                                                    NULL);
        return made;
}

static int elevated_make_pipe(Elevated *e, wchar_t ret_name[ELEVATED_NAME_MAX]) {
        char name[sizeof(ELEVATED_PIPE) + ELEVATED_RANDOM] = ELEVATED_PIPE;
        uint8_t random[ELEVATED_RANDOM / 2];
        SECURITY_ATTRIBUTES security = {.nLength = sizeof(security)};
        int r = random_bcrypt(random, sizeof(random));

        hex_format(random, sizeof(random), name + strlen(ELEVATED_PIPE));
        if (r < 0 || win_to_wide(name, ret_name, ELEVATED_NAME_MAX) < 0 ||
            !elevated_descriptor(&security.lpSecurityDescriptor))
                return elevated_fails(e, -EIO, "The pipe to the elevated half was not made");
        e->pipe.handle = CreateNamedPipeW(
                ret_name, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
                PIPE_TYPE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS, 1, ELEVATED_BUFFER,
                ELEVATED_BUFFER, 0, &security);
        LocalFree(security.lpSecurityDescriptor);
        if (e->pipe.handle != INVALID_HANDLE_VALUE)
                return 0;
        e->pipe.handle = NULL;
        return elevated_fails(e, log_win_error(GetLastError(), "Cannot make a pipe"),
                              "The pipe to the elevated half was not made");
}

/* The installed program, if it is the same as this, because users cannot exchange it between their
 * consent and its start. Otherwise this very file, which is to be installed. */
static void elevated_program(wchar_t ret_path[PATHS_MAX]) {
        wchar_t installed[PATHS_MAX];
        char *a = NULL, *b = NULL;
        size_t n, m;

        if (GetModuleFileNameW(NULL, ret_path, PATHS_MAX) == 0)
                ret_path[0] = L'\0';
        if (paths_program(programs_file(PROGRAM_HELPER), installed) == 0 &&
            file_read(ret_path, ELEVATED_PROGRAM_MAX, &a, &n) == 0 &&
            file_read(installed, ELEVATED_PROGRAM_MAX, &b, &m) == 0 && n == m &&
            memcmp(a, b, n) == 0)
                memcpy(ret_path, installed, sizeof(installed));
        free(a);
        free(b);
}

/* An administrator's process starts the other half itself; anybody else asks Windows, which asks
 * the user (fact 9.7.3). Return: 0 with e->process, or negative errno. */
static int elevated_start_process(Elevated *e, const wchar_t *name) {
        wchar_t program[PATHS_MAX], arguments[ELEVATED_NAME_MAX + 32],
                line[PATHS_MAX + ELEVATED_NAME_MAX + 32];
        SHELLEXECUTEINFOW execute = {.cbSize = sizeof(execute),
                                     .fMask = SEE_MASK_NOCLOSEPROCESS | SEE_MASK_NOASYNC |
                                              SEE_MASK_FLAG_NO_UI,
                                     .hwnd = GetConsoleWindow(), /* it has the foreground */
                                     .lpVerb = L"runas",
                                     .lpFile = program,
                                     .lpParameters = arguments,
                                     .nShow = SW_HIDE};
        STARTUPINFOW start = {.cb = sizeof(start)};
        PROCESS_INFORMATION info = {0};
        DWORD error;

        /* Windows may show its question only as an icon that flashes (fact 9.7.5). */
        if (!rights_administrator())
                log_write(LOG_LEVEL_NOTICE, "Windows now asks for an administrator's consent. If "
                                            "you see no question, look at the task bar");
        if (fault_before("elevation") < 0)
                return -ECANCELED;
        elevated_program(program);
        (void) win_format(arguments, ARRAYSIZE(arguments), L"setup-elevated %ls", name);
        (void) win_format(line, ARRAYSIZE(line), L"\"%ls\" %ls", program, arguments);
        if (rights_administrator()) {
                if (!CreateProcessW(program, line, NULL, NULL, FALSE, CREATE_NO_WINDOW, NULL, NULL,
                                    &start, &info))
                        return log_win_error(GetLastError(), "Cannot start the elevated half");
                (void) CloseHandle(info.hThread);
                e->process = info.hProcess;
                return 0;
        }
        if (ShellExecuteExW(&execute) && execute.hProcess) {
                e->process = execute.hProcess;
                return 0;
        }
        error = GetLastError();
        if (error == ERROR_CANCELLED)
                return -ECANCELED;
        return log_win_error(error, "Cannot start the elevated half%s",
                             error == ERROR_DS_REFERRAL /* fact 9.7.3 */
                                     ? ", because a policy elevates signed programs only"
                                     : "");
}

/* Wait for the process that was started. Another one that got hold of the name is sent away. */
static int elevated_connect(Elevated *e) {
        ULONGLONG end = GetTickCount64() + ELEVATED_START_MS;

        while (GetTickCount64() < end) {
                OVERLAPPED o = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
                ULONG pid = 0;
                int r = 0;

                if (!o.hEvent)
                        return -ENOMEM;
                if (!ConnectNamedPipe(e->pipe.handle, &o)) {
                        if (GetLastError() == ERROR_IO_PENDING)
                                r = elevated_pipe_finish(e->pipe.handle, &o, e->process,
                                                         ELEVATED_START_MS);
                        else if (GetLastError() != ERROR_PIPE_CONNECTED)
                                r = win_errno(GetLastError());
                }
                (void) CloseHandle(o.hEvent);
                if (r < 0)
                        return r;
                if (GetNamedPipeClientProcessId(e->pipe.handle, &pid) &&
                    pid == GetProcessId(e->process))
                        return 0;
                (void) DisconnectNamedPipe(e->pipe.handle);
        }
        return -ETIMEDOUT;
}

int elevated_ready(Elevated *e) {
        wchar_t name[ELEVATED_NAME_MAX];
        char line[ELEVATED_LINE_MAX];
        int r;

        if (e->failed)
                return -ECANCELED;
        if (e->process)
                return 0;
        r = elevated_make_pipe(e, name);
        if (r < 0)
                return r;
        r = elevated_start_process(e, name);
        if (r == -ECANCELED)
                return elevated_fails(e, r,
                                      "Administrator rights were not given, by you or by a policy");
        if (r == 0)
                r = elevated_connect(e);
        if (r == 0)
                r = elevated_pipe_read(&e->pipe, e->process, ELEVATED_START_MS, line);
        if (r == 0 && strncmp(line, "error ", 6) == 0)
                return elevated_fails(e, -EACCES, line + 6);
        if (r == 0 && strcmp(line, "hello " PROJECT_VERSION) != 0)
                r = -EPROTO;
        if (r < 0)
                return elevated_fails(e, r, "The elevated half did not start");
        /* He may have pressed Ctrl-C instead of an answer to Windows' question. */
        return e->stop && e->stop() ? -EINTR : 0;
}

/* Read until the answer to a request. Lines for the user are shown as they come. */
static int elevated_answer(Elevated *e, char ret_line[ELEVATED_LINE_MAX]) {
        int r;

        while ((r = elevated_pipe_read(&e->pipe, e->process, ELEVATED_ANSWER_MS, ret_line)) == 0)
                if (strncmp(ret_line, "say ", 4) == 0)
                        log_write(LOG_LEVEL_NOTICE, "%s", ret_line + 4);
                else
                        return 0;
        return elevated_fails(e, r, "The elevated half has ended without an answer");
}

static int elevated_request(Elevated *e, ElevatedWord word, const char *argument,
                            char ret_line[ELEVATED_LINE_MAX]) {
        int r = elevated_ready(e);

        if (r < 0)
                return r;
        e->changing = e->changing || word != ELEVATED_KEY;
        if (elevated_pipe_write(&e->pipe, elevated_word_name(word), argument) < 0)
                return elevated_fails(e, -EPIPE, "The elevated half has ended");
        r = elevated_answer(e, ret_line);
        if (r == 0 && strncmp(ret_line, "error ", 6) == 0) {
                (void) snprintf(e->why, sizeof(e->why), "%s", ret_line + 6);
                r = -EIO;
        }
        return r;
}

int elevated_ask(Elevated *e, ElevatedWord word, const char *argument) {
        char line[ELEVATED_LINE_MAX];
        int r = elevated_request(e, word, argument, line);

        if (r == 0 && strcmp(line, "ok") != 0)
                r = elevated_fails(e, -EPROTO, "The elevated half gave a wrong answer");
        return r;
}

static bool elevated_parse_key(const char *text, uint8_t ret_key[WIRE_KEY_SIZE]) {
        return strlen(text) == (size_t) (2 * WIRE_KEY_SIZE) &&
               hex_parse(text, ret_key, WIRE_KEY_SIZE);
}

int elevated_key(Elevated *e, uint8_t ret_key[WIRE_KEY_SIZE]) {
        char line[ELEVATED_LINE_MAX];
        int r = elevated_request(e, ELEVATED_KEY, NULL, line);

        if (r == 0 && (strncmp(line, "key ", 4) != 0 || !elevated_parse_key(line + 4, ret_key)))
                r = elevated_fails(e, -EPROTO, "The elevated half gave a wrong answer");
        SecureZeroMemory(line, sizeof(line));
        return r;
}

void elevated_done(Elevated *e) {
        if (e->process && !e->failed)
                (void) elevated_pipe_write(&e->pipe, elevated_word_name(ELEVATED_BYE), NULL);
        if (e->process) {
                (void) WaitForSingleObject(e->process, ELEVATED_BYE_MS);
                (void) CloseHandle(e->process);
        }
        if (e->pipe.handle)
                (void) CloseHandle(e->pipe.handle);
        *e = (Elevated){.failed = false};
}
