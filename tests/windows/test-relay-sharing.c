/* SPDX-License-Identifier: MIT */

/*
 * Which sockets of one port Windows lets in beside each other. Linux, and so Wine, has other rules,
 * so binding is played here by Microsoft's table for one account (facts 9.3.11, 9.3.17 and 9.3.21).
 * Each case prints a line.
 */

#include "windows-helper/relay/sockets.h"

#include <stdio.h>
#include <string.h>

#define PORT 5060

typedef enum Option {
        OPTION_NONE,
        OPTION_REUSE,
        OPTION_EXCLUSIVE,
} Option;

typedef struct Bound {
        SOCKET socket;
        Option option;
        bool any;
        int family;
} Bound;

static Bound bound[4];   /* whose option is set, and … */
static unsigned n_bound; /* … so many of them are bound */
static int n_failed;

static void check(const char *first, const char *second, const char *what, bool good) {
        printf("%s %s, then %s: %s\n", good ? "ok" : "FAILED", first, second, what);
        n_failed += !good;
}

/* The rows: how the second socket is bound. The columns: the first one. Each without an option,
 * with SO_REUSEADDR and with SO_EXCLUSIVEADDRUSE; on all addresses and on one. A check of access
 * succeeds for the same account. */
static const int results[6][6] = {
        {WSAEADDRINUSE, 0, WSAEADDRINUSE, 0, WSAEADDRINUSE, 0},
        {0, WSAEADDRINUSE, 0, WSAEACCES, WSAEACCES, WSAEADDRINUSE},
        {WSAEACCES, 0, 0, 0, WSAEACCES, 0},
        {0, WSAEACCES, 0, 0, WSAEACCES, WSAEACCES},
        {WSAEADDRINUSE, WSAEADDRINUSE, WSAEADDRINUSE, WSAEADDRINUSE, WSAEADDRINUSE, WSAEADDRINUSE},
        {0, WSAEADDRINUSE, 0, WSAEADDRINUSE, WSAEACCES, WSAEADDRINUSE},
};

static unsigned place(const Bound *b) {
        return 2 * (unsigned) b->option + !b->any;
}

/* The program calls ws2_32 through these pointers, which are ours instead of the library's. */
static int WSAAPI fake_setsockopt(SOCKET s, int level, int name, const char *value, int n) {
        DWORD on = 0;

        if (n == sizeof(on))
                memcpy(&on, value, sizeof(on));
        if (level == SOL_SOCKET && (name == SO_REUSEADDR || name == SO_EXCLUSIVEADDRUSE))
                bound[n_bound].option = !on                    ? OPTION_NONE
                                        : name == SO_REUSEADDR ? OPTION_REUSE
                                                               : OPTION_EXCLUSIVE;
        return 0;
}

static int WSAAPI fake_bind(SOCKET s, const SOCKADDR *address, int n) {
        SocketAddress at;
        IpEndpoint endpoint;
        uint32_t scope;
        Bound *b = &bound[n_bound];
        int error = 0;

        memcpy(&at, address, (size_t) n);
        (void) socket_address_get(&at, &endpoint, &scope);
        b->any = ip_is_any(&endpoint.addr);
        b->family = endpoint.addr.family;
        for (unsigned i = 0; i < n_bound && error == 0; i++)
                if (bound[i].family == b->family)
                        error = results[place(b)][place(&bound[i])];
        if (error == 0)
                bound[++n_bound] = (Bound){0};
        WSASetLastError(error);
        return error == 0 ? 0 : SOCKET_ERROR;
}

int(WSAAPI *const __imp_setsockopt)(SOCKET, int, int, const char *, int) = fake_setsockopt;
int(WSAAPI *const __imp_bind)(SOCKET, const SOCKADDR *, int) = fake_bind;

/* The relay's socket on @address. */
static bool is_ours(const char *address) {
        IpEndpoint endpoint = {.port = PORT};

        bound[n_bound] = (Bound){0};
        return ip_parse(address, &endpoint.addr) == 0 &&
               socket_bind(INVALID_SOCKET, &endpoint, false);
}

/* That of another program of the same account. */
static bool is_theirs(const char *address, Option option) {
        IpEndpoint endpoint = {.port = PORT};
        SocketAddress at;
        int size;

        bound[n_bound] = (Bound){.option = option};
        if (ip_parse(address, &endpoint.addr) < 0)
                return false;
        size = socket_address_set(&at, &endpoint, 0);
        return fake_bind(INVALID_SOCKET, &at.header, size) == 0;
}

/* In the order in which the table has them, and in that in which they may come one by one. */
static void test_ours(const char *any, const char *one) {
        n_bound = 0;
        check(any, one, "the relay listens on both", is_ours(any) && is_ours(one));
        check(any, any, "it does not listen twice", !is_ours(any));
        n_bound = 0;
        check(one, any, "the relay listens on both", is_ours(one) && is_ours(any));
        check(one, one, "it does not listen twice", !is_ours(one));
}

static void test_theirs(const char *any, const char *one) {
        for (Option o = OPTION_NONE; o <= OPTION_EXCLUSIVE; o++) {
                n_bound = 0;
                check(one, any, "the relay comes beside another program",
                      is_theirs(one, o) && is_ours(any));
                n_bound = 0;
                check(one, one, "none takes its address", is_ours(one) && !is_theirs(one, o));
                n_bound = 0;
                check(any, any, "none takes all of them", is_ours(any) && !is_theirs(any, o));
        }
}

int main(void) {
        test_ours("0.0.0.0", "192.168.1.5");
        test_ours("::", "fd00::5");
        test_theirs("0.0.0.0", "127.0.0.1");
        test_theirs("::", "::1");
        return n_failed > 0;
}
