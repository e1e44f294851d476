/* SPDX-License-Identifier: MIT */

/*
 * The end of step 16: clients that reset their connections before anybody accepts them, as a burst
 * or a scan of ports does.
 */

#include "windows-helper/core/base/client-left.h"
#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/selftest/tools/tcp.h"

#include <mswsock.h>
#include <stdio.h>

#define BACKLOG_CLIENTS      TCP_LISTEN_BACKLOG /* Windows refuses more */
#define BACKLOG_WAIT_MS      300
#define BACKLOG_ADDRESS_SIZE (sizeof(SOCKADDR_IN) + 16) /* fact 1.3.2 */
#define BACKLOG_NOTHING      997 /* ERROR_IO_PENDING: nobody is left in the backlog */

/* Clients connect to @port and go. Return: how many did. */
static unsigned backlog_fill(uint16_t port) {
        const struct linger now = {.l_onoff = 1, .l_linger = 0};
        const IpAddr loopback = ip_v4(127, 0, 0, 1);
        SOCKET clients[BACKLOG_CLIENTS];
        unsigned n = 0;

        while (n < BACKLOG_CLIENTS &&
               tcp_connect(NULL, &loopback, port, BACKLOG_WAIT_MS, &clients[n]) == 0)
                n++;
        for (unsigned i = 0; i < n; i++) {
                (void) setsockopt(clients[i], SOL_SOCKET, SO_LINGER, (const char *) &now,
                                  sizeof(now));
                tcp_close(&clients[i]); /* a reset */
        }
        return n;
}

/* Return: the error of one AcceptEx(), at once or when it completes; BACKLOG_NOTHING: it waits. */
static DWORD backlog_accept(SOCKET listener, LPFN_ACCEPTEX accept, bool *ret_at_once) {
        SOCKET s = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                              WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
        OVERLAPPED o = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
        uint8_t addresses[2 * BACKLOG_ADDRESS_SIZE];
        DWORD n, flags, error = ERROR_SUCCESS;

        *ret_at_once = true;
        if (!accept(listener, s, addresses, 0, BACKLOG_ADDRESS_SIZE, BACKLOG_ADDRESS_SIZE, &n, &o))
                error = (DWORD) WSAGetLastError();
        if (error == ERROR_IO_PENDING) {
                *ret_at_once = false;
                if (WaitForSingleObject(o.hEvent, BACKLOG_WAIT_MS) == WAIT_OBJECT_0)
                        error = WSAGetOverlappedResult(listener, &o, &n, FALSE, &flags)
                                        ? ERROR_SUCCESS
                                        : (DWORD) WSAGetLastError();
                else if (CancelIoEx((HANDLE) listener, &o))
                        (void) WaitForSingleObject(o.hEvent, INFINITE);
        }
        tcp_close(&s);
        (void) CloseHandle(o.hEvent);
        return error;
}

/* @n: the clients that have left. Each error is shown, and the relay must know it as that of such a
 * client (fact 9.3.20). */
static void backlog_look(Step *s, SOCKET listener, LPFN_ACCEPTEX accept, unsigned n,
                         uint64_t began) {
        char text[SELFTEST_TEXT_MAX + 1] = "";
        size_t length = 0;
        bool known = true;

        for (unsigned i = 0; i < n; i++) {
                bool at_once;
                DWORD error = backlog_accept(listener, accept, &at_once);

                if (error == BACKLOG_NOTHING)
                        break;
                known &= client_left(error);
                length += (size_t) snprintf(text + length, sizeof(text) - length, "%s%lu%s",
                                            i > 0 ? ", " : "", error, at_once ? " at once" : "");
        }
        if (length == 0)
                step_skip(s, "relay.reset", "AcceptEx", "Windows has forgotten those connections");
        else
                step_line(s, "relay.reset", "AcceptEx", !known, began,
                          "%u clients have left, and the errors tell the relay so: %s (%s)", n,
                          known ? "yes" : "no", text);
}

void step_backlog(Step *s) {
        const IpAddr loopback = ip_v4(127, 0, 0, 1);
        GUID id = WSAID_ACCEPTEX;
        LPFN_ACCEPTEX accept = NULL;
        SOCKET listener = INVALID_SOCKET;
        uint64_t began = step_clock();
        uint16_t port = 0;
        unsigned n_clients = 0;
        DWORD n, error = tcp_listen(&loopback, 0, SO_EXCLUSIVEADDRUSE, &listener, &port);

        if (error == 0 && WSAIoctl(listener, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id),
                                   &accept, sizeof(accept), &n, NULL, NULL) != 0)
                error = (DWORD) WSAGetLastError();
        if (error == 0)
                n_clients = backlog_fill(port);
        if (error != 0)
                step_skip(s, "relay.reset", "AcceptEx", "error %lu", error);
        else if (n_clients == 0)
                step_skip(s, "relay.reset", "connect", "no connection to 127.0.0.1");
        else
                backlog_look(s, listener, accept, n_clients, began);
        tcp_close(&listener);
}
