/* SPDX-License-Identifier: MIT */

/*
 * Running wsl.exe with pipes to its three standard streams, for a limited time.
 */

#include "windows-helper/vm/wsl-pair.h"

#include "windows-helper/core/vm/foreign-text.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WSL_COMMAND_MAX 512
#define WSL_PATH_MAX    512
#define WSL_POLL_MS     20
#define WSL_PIPE_SIZE   65536
#define WSL_OUTPUT_MAX  262144 /* bytes that are kept of a stream: its end */
#define WSL_EXIT_USAGE  2      /* wslbridgectl's, for an option that it does not know */

typedef struct WslStream {
        HANDLE pipe;  /* owned: our end */
        Buffer bytes; /* as they came */
        Buffer text;  /* the same as UTF-8 */
} WslStream;

typedef struct WslProcess {
        HANDLE process, input; /* owned */
        WslStream output, errors;
        const char *distro; /* borrowed */
        bool ended;
} WslProcess;

static void wsl_close(HANDLE *handle) {
        if (*handle)
                (void) CloseHandle(*handle);
        *handle = NULL;
}

static void wsl_done(WslProcess *w) {
        wsl_close(&w->input);
        wsl_close(&w->output.pipe);
        wsl_close(&w->errors.pipe);
        wsl_close(&w->process);
        buffer_done(&w->output.bytes);
        buffer_done(&w->output.text);
        buffer_done(&w->errors.bytes);
        buffer_done(&w->errors.text);
}

/* The child inherits the end that is not @mine. */
static bool wsl_pipe(HANDLE *ret_read, HANDLE *ret_write, HANDLE *mine) {
        SECURITY_ATTRIBUTES inherit = {sizeof(inherit), NULL, TRUE};

        return CreatePipe(ret_read, ret_write, &inherit, WSL_PIPE_SIZE) &&
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
                        L"wsl.exe -d \"%ls\" -u root --exec wslbridgectl pair --confirm", name);
        n = GetSystemDirectoryW(folder, MAX_PATH);
        if (n == 0 || n >= MAX_PATH)
                return log_win_error(GetLastError(), "Cannot find the system folder of Windows");
        (void) swprintf(ret_exe, WSL_PATH_MAX, L"%ls\\wsl.exe", folder);
        return 0;
}

/* wsl.exe inherits our variables. It reads these two itself (fact 2.1.5), so WSLENV, which passes
 * variables on into the distro, need not name them. A version that does not know them writes UTF-16
 * and its warnings, which is why we look at the bytes all the same. */
static void wsl_environment(void) {
        (void) SetEnvironmentVariableW(L"WSL_UTF8", L"1");
        (void) SetEnvironmentVariableW(L"WSL_DISABLE_WARNINGS", L"1");
}

static int wsl_start(WslProcess *w) {
        STARTUPINFOW start = {.cb = sizeof(start), .dwFlags = STARTF_USESTDHANDLES};
        wchar_t exe[WSL_PATH_MAX], command[WSL_COMMAND_MAX];
        PROCESS_INFORMATION info = {0};
        int r = wsl_command(w->distro, exe, command);

        if (r < 0)
                return r;
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

/* The pipe has room for all that we write, so this does not wait for the distro. */
static bool wsl_send(WslProcess *w, const char *text, size_t n) {
        DWORD written = 0;

        return WriteFile(w->input, text, (DWORD) n, &written, NULL) && written == n;
}

/* Send the key as hexadecimal digits and a line feed. The text is wiped afterwards. */
static int wsl_send_key(WslProcess *w, const uint8_t key[WIRE_KEY_SIZE]) {
        char line[2 * WIRE_KEY_SIZE + 2];
        bool sent;

        for (size_t i = 0; i < WIRE_KEY_SIZE; i++)
                (void) snprintf(line + 2 * i, 3, "%02x", key[i]);
        line[sizeof(line) - 2] = '\n';
        sent = wsl_send(w, line, sizeof(line) - 1);
        SecureZeroMemory(line, sizeof(line));
        return sent ? 0 : -EPIPE; /* wsl.exe has ended; what it said tells why */
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

/* Return: 0; -EPROTO when the process has ended without that answer; -ETIMEDOUT; or -ENOMEM. */
static int wsl_wait(WslProcess *w, const char *word, uint32_t limit_ms,
                    char ret_owner[WSL_OWNER_MAX + 1]) {
        ULONGLONG end = GetTickCount64() + limit_ms;

        while (true) {
                int n = wsl_read(&w->output), m = wsl_read(&w->errors);

                if (n < 0 || m < 0)
                        return -ENOMEM;
                if (wsl_answer_find(buffer_text(&w->output.text), word, w->ended && n == 0,
                                    ret_owner))
                        return 0;
                if (GetTickCount64() > end) /* also where it writes without end */
                        return -ETIMEDOUT;
                if (n > 0 || m > 0)
                        continue;
                if (w->ended)
                        return -EPROTO;
                w->ended = WaitForSingleObject(w->process, WSL_POLL_MS) == WAIT_OBJECT_0;
        }
}

static uint32_t wsl_limit(uint32_t ms) {
#ifdef WSLBRIDGE_TEST_TRANSPORT
        wchar_t text[16];

        if (GetEnvironmentVariableW(L"WSLBRIDGE_TEST_PAIR_MS", text, ARRAYSIZE(text)) > 0)
                return (uint32_t) wcstoul(text, NULL, 10);
#endif
        return ms;
}

/* @after: what this means for the two ends. */
static void wsl_report(WslProcess *w, int error, const char *after) {
        char shown[WSL_SHOWN_MAX + 1], how[64];
        DWORD code = 0;

        wsl_answer_show(buffer_text(&w->errors.text), buffer_text(&w->output.text), shown);
        (void) GetExitCodeProcess(w->process, &code);
        if (error == -ETIMEDOUT)
                (void) snprintf(how, sizeof(how), "no answer in time");
        else if (w->ended)
                (void) snprintf(how, sizeof(how), "exit code %ld", (long) (int32_t) code);
        else
                (void) snprintf(how, sizeof(how), "its answer could not be read");
        log_write(LOG_LEVEL_ERROR, "'%s' was not paired (%s)%s%s. %s", w->distro, how,
                  shown[0] ? ": " : "", shown, after);
        if (w->ended && code == WSL_EXIT_USAGE && strstr(shown, "--confirm"))
                log_write(LOG_LEVEL_ERROR,
                          "wslbridge in '%s' is older than this program: update "
                          "it there, then pair again",
                          w->distro);
}

/* The guest has answered with its identity. From here on the host may have the new key, so that
 * Ctrl-C must not end this program before both agree. */
static int wsl_agree(WslProcess *w, const WslPairStore *store, const char *owner) {
        char confirmed[WSL_OWNER_MAX + 1] = "";
        int r = store->put(store->userdata, owner);

        if (r < 0) { /* the guest reads the end of its input, and keeps what it has */
                log_write(LOG_LEVEL_ERROR, "'%s' was not paired; nothing has changed at either end",
                          w->distro);
                return r;
        }
        r = wsl_send(w, WSL_WORD_STORED, strlen(WSL_WORD_STORED)) ? 0 : -EPIPE;
        if (r == 0)
                r = wsl_wait(w, WSL_WORD_CONFIRMED, wsl_limit(WSL_PAIR_CONFIRM_MS), confirmed);
        if (r == 0 && strcmp(confirmed, owner) == 0)
                return 0;
        if (store->restore(store->userdata, owner) < 0)
                wsl_report(w, r,
                           "This host now has the new key, and the guest may have the old "
                           "one: pair it again");
        else
                wsl_report(w, r,
                           "This host has what it had before. If the guest has the new key "
                           "all the same, it is refused until you pair it again");
        return r < 0 ? r : -EPROTO;
}

int wsl_pair(const char *distro, const uint8_t key[WIRE_KEY_SIZE], const WslPairStore *store,
             char ret_owner[WSL_OWNER_MAX + 1]) {
        WslProcess w = {.distro = distro};
        int r = wsl_start(&w);

        if (r < 0) {
                wsl_done(&w);
                return r;
        }
        (void) wsl_send_key(&w, key);
        r = wsl_wait(&w, WSL_WORD_PAIRED, wsl_limit(WSL_PAIR_ANSWER_MS), ret_owner);
        if (r < 0) {
                wsl_report(&w, r,
                           "Nothing has changed at either end. Check that the name is right "
                           "('wsl --list') and that wslbridge is installed in it");
        } else {
                (void) SetConsoleCtrlHandler(NULL, TRUE);
                r = wsl_agree(&w, store, ret_owner);
                (void) SetConsoleCtrlHandler(NULL, FALSE);
        }
        if (r < 0 && !w.ended)
                (void) TerminateProcess(w.process, EXIT_FAILURE);
        wsl_done(&w);
        return r;
}
