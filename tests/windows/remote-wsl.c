/* SPDX-License-Identifier: MIT */

/*
 * A wsl.exe that lets a program of the tests do the work (tests/lib/wsl_host.py). It connects to
 * 127.0.0.1, port WSLBRIDGE_TEST_WSL, sends its command line and two variables, and passes its
 * standard streams on. A frame is a letter, the length in four bytes (big endian), and so many
 * bytes:
 *
 *     c  the command line, v  WSL_UTF8 and WSL_DISABLE_WARNINGS, i  standard input (empty: its end)
 *     o  standard output, e  standard error, x  the exit code as text, which ends this program
 */

#include <winsock2.h>

#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#define PART 32768

static SOCKET peer;
static CRITICAL_SECTION lock; /* frames of two threads must not mix */

static void fail(const char *what) {
        (void) fprintf(stderr, "remote-wsl: %s: error %lu\n", what, GetLastError());
        ExitProcess(126);
}

static void send_all(const char *bytes, size_t n) {
        while (n > 0) {
                int sent = send(peer, bytes, (int) n, 0);

                if (sent <= 0)
                        ExitProcess(127); /* the other end is gone */
                bytes += sent;
                n -= (size_t) sent;
        }
}

static void send_frame(char type, const char *bytes, size_t n) {
        const char head[5] = {type, (char) (n >> 24), (char) (n >> 16), (char) (n >> 8), (char) n};

        EnterCriticalSection(&lock);
        send_all(head, sizeof(head));
        send_all(bytes, n);
        LeaveCriticalSection(&lock);
}

static void send_text(char type, const wchar_t *wide) {
        static char text[PART];

        (void) WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, sizeof(text), NULL, NULL);
        send_frame(type, text, strlen(text));
}

static DWORD WINAPI send_input(void *userdata) {
        static char bytes[PART];
        DWORD n = 0;

        (void) userdata;
        while (ReadFile(GetStdHandle(STD_INPUT_HANDLE), bytes, sizeof(bytes), &n, NULL) && n > 0)
                send_frame('i', bytes, n);
        send_frame('i', "", 0);
        return 0;
}

static void receive_all(char *bytes, size_t n) {
        while (n > 0) {
                int got = recv(peer, bytes, (int) n, 0);

                if (got <= 0)
                        fail("receive");
                bytes += got;
                n -= (size_t) got;
        }
}

static void receive_frames(void) {
        static char bytes[PART + 1];
        unsigned char head[5];
        DWORD written;

        while (1) {
                size_t n;

                receive_all((char *) head, sizeof(head));
                n = (size_t) head[1] << 24 | (size_t) head[2] << 16 | (size_t) head[3] << 8 |
                    head[4];
                if (n > PART)
                        fail("frame");
                receive_all(bytes, n);
                bytes[n] = '\0';
                if (head[0] == 'x')
                        ExitProcess((UINT) strtol(bytes, NULL, 10));
                (void) WriteFile(
                        GetStdHandle(head[0] == 'e' ? STD_ERROR_HANDLE : STD_OUTPUT_HANDLE), bytes,
                        (DWORD) n, &written, NULL);
        }
}

int wmain(int argc, wchar_t **argv); /* -municode's main(); no header declares it */

int wmain(int argc, wchar_t **argv) {
        struct sockaddr_in address = {.sin_family = AF_INET};
        wchar_t variables[64], utf8[16] = L"unset", warnings[16] = L"unset";
        const wchar_t *port = _wgetenv(L"WSLBRIDGE_TEST_WSL");
        WSADATA data;

        (void) argc;
        (void) argv;
        InitializeCriticalSection(&lock);
        if (!port || WSAStartup(MAKEWORD(2, 2), &data) != 0)
                fail("start");
        peer = socket(AF_INET, SOCK_STREAM, 0);
        address.sin_port = htons((u_short) wcstoul(port, NULL, 10));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (connect(peer, (struct sockaddr *) &address, sizeof(address)) != 0)
                fail("connect");
        (void) GetEnvironmentVariableW(L"WSL_UTF8", utf8, ARRAYSIZE(utf8));
        (void) GetEnvironmentVariableW(L"WSL_DISABLE_WARNINGS", warnings, ARRAYSIZE(warnings));
        (void) _snwprintf(variables, ARRAYSIZE(variables) - 1, L"%ls %ls", utf8, warnings);
        send_text('v', variables);
        send_text('c', GetCommandLineW());
        if (!CreateThread(NULL, 0, send_input, NULL, 0, NULL))
                fail("thread");
        receive_frames();
        return 0;
}
