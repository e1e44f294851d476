/* SPDX-License-Identifier: MIT */

/*
 * How the self-test finds a free port, with the calls that count replaced: it binds on all
 * addresses, and does not listen there (fact 5.1.19). Each case prints a line.
 */

#include "windows-helper/win/win.h"

#include <mswsock.h>
#include <ws2tcpip.h>

#define bind        counted_bind
#define closesocket counted_close
#define listen      counted_listen

static int counted_bind(SOCKET s, const SOCKADDR *address, int size);
static int counted_close(SOCKET s);
static int counted_listen(SOCKET s, int backlog);

#include "windows-helper/selftest/tools/tcp.c"

#undef bind
#undef closesocket
#undef listen

#include <stdio.h>
#include <stdlib.h>

static struct {
        unsigned n_bound, n_closed, n_listening;
        ULONG address;
        int bind_error;
} seen;

static int n_failed;

static void check(const char *what, bool good) {
        printf("%s %s\n", good ? "ok" : "FAILED", what);
        n_failed += !good;
}

static int counted_bind(SOCKET s, const SOCKADDR *address, int size) {
        seen.n_bound++;
        seen.address = ((const SOCKADDR_IN *) address)->sin_addr.s_addr;
        if (seen.bind_error != 0)
                return SOCKET_ERROR;
        return bind(s, address, size);
}

static int counted_close(SOCKET s) {
        seen.n_closed++;
        return closesocket(s);
}

static int counted_listen(SOCKET s, int backlog) {
        seen.n_listening++;
        return listen(s, backlog);
}

int main(void) {
        const IpAddr any = ip_v4(0, 0, 0, 0);
        SOCKET socket = INVALID_SOCKET;
        uint16_t port, same = 0;
        WSADATA wsa;

        if (WSAStartup(MAKEWORD(2, 2), &wsa) != 0)
                return EXIT_FAILURE;
        port = tcp_free_port();
        check("it is found on all addresses", port > 0 && seen.n_bound == 1 && seen.address == 0);
        check("nobody has listened", seen.n_listening == 0);
        check("it is given up", seen.n_closed == 1);
        check("it is free",
              tcp_listen(&any, port, SO_EXCLUSIVEADDRUSE, &socket, &same) == 0 && same == port);
        check("what listens is counted", seen.n_listening == 1);
        tcp_close(&socket);
        seen.n_closed = 0;
        seen.bind_error = 1;
        check("none is free", tcp_free_port() == 0 && seen.n_closed == 1);
        return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
