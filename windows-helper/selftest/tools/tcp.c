/* SPDX-License-Identifier: MIT */

/*
 * Plain Winsock, IPv4 only.
 */

#include "windows-helper/selftest/tools/tcp.h"

#include <mstcpip.h>
#include <string.h>

#define TCP_EXCHANGE_MS 2000

static SOCKADDR_IN tcp_address(const IpAddr *address, uint16_t port) {
        SOCKADDR_IN a = {.sin_family = AF_INET, .sin_port = htons(port)};

        memcpy(&a.sin_addr, address->bytes, 4);
        return a;
}

static SOCKET tcp_socket(void) {
        return WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                          WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}

void tcp_close(SOCKET *s) {
        if (*s != INVALID_SOCKET)
                (void) closesocket(*s);
        *s = INVALID_SOCKET;
}

void tcp_reset(SOCKET *s) {
        const struct linger now = {.l_onoff = 1, .l_linger = 0};

        (void) setsockopt(*s, SOL_SOCKET, SO_LINGER, (const char *) &now, sizeof(now));
        tcp_close(s);
}

DWORD tcp_listen(const IpAddr *address, uint16_t port, int option, SOCKET *ret_socket,
                 uint16_t *ret_port) {
        SOCKADDR_IN a = tcp_address(address, port);
        int size = sizeof(a), yes = 1;
        SOCKET s = tcp_socket();
        DWORD error;

        *ret_socket = INVALID_SOCKET;
        if (s == INVALID_SOCKET)
                return (DWORD) WSAGetLastError();
        if ((option == 0 ||
             setsockopt(s, SOL_SOCKET, option, (const char *) &yes, sizeof(yes)) == 0) &&
            bind(s, (SOCKADDR *) &a, sizeof(a)) == 0 && listen(s, TCP_LISTEN_BACKLOG) == 0 &&
            getsockname(s, (SOCKADDR *) &a, &size) == 0) {
                *ret_socket = s;
                *ret_port = ntohs(a.sin_port);
                return 0;
        }
        error = (DWORD) WSAGetLastError();
        (void) closesocket(s);
        return error;
}

/* Listening there would have Windows Firewall ask the user (fact 5.1.19). */
uint16_t tcp_free_port(void) {
        const IpAddr any = ip_v4(0, 0, 0, 0);
        SOCKADDR_IN a = tcp_address(&any, 0);
        int size = sizeof(a), yes = 1;
        SOCKET s = tcp_socket();
        uint16_t port = 0;

        if (s != INVALID_SOCKET &&
            setsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *) &yes, sizeof(yes)) == 0 &&
            bind(s, (SOCKADDR *) &a, sizeof(a)) == 0 && getsockname(s, (SOCKADDR *) &a, &size) == 0)
                port = ntohs(a.sin_port);
        tcp_close(&s);
        return port;
}

/* Return: whether @s can be read or, with @writing, written, or has failed. */
static bool tcp_wait(SOCKET s, bool writing, DWORD limit_ms) {
        struct timeval limit = {(long) (limit_ms / 1000), (long) (limit_ms % 1000) * 1000};
        fd_set set, failed;

        FD_ZERO(&set);
        FD_SET(s, &set);
        failed = set;
        return select(0, writing ? NULL : &set, writing ? &set : NULL, &failed, &limit) > 0;
}

/* Takes over @s. */
static DWORD tcp_connect_as(SOCKET s, const IpAddr *from, const IpAddr *to, uint16_t port,
                            DWORD limit_ms, SOCKET *ret_socket) {
        SOCKADDR_IN a = tcp_address(to, port);
        u_long yes = 1, no = 0;
        int error = 0, size = sizeof(error);

        *ret_socket = INVALID_SOCKET;
        if (s == INVALID_SOCKET)
                return (DWORD) WSAGetLastError();
        if (from) {
                SOCKADDR_IN b = tcp_address(from, 0);

                if (bind(s, (SOCKADDR *) &b, sizeof(b)) != 0)
                        error = WSAGetLastError();
        }
        (void) ioctlsocket(s, (long) FIONBIO, &yes);
        if (error == 0 && connect(s, (SOCKADDR *) &a, sizeof(a)) != 0) {
                error = WSAGetLastError();
                if (error == WSAEWOULDBLOCK) {
                        error = WSAETIMEDOUT;
                        if (tcp_wait(s, true, limit_ms))
                                (void) getsockopt(s, SOL_SOCKET, SO_ERROR, (char *) &error, &size);
                }
        }
        if (error != 0) {
                (void) closesocket(s);
                return (DWORD) error;
        }
        (void) ioctlsocket(s, (long) FIONBIO, &no);
        *ret_socket = s;
        return 0;
}

DWORD tcp_connect(const IpAddr *from, const IpAddr *to, uint16_t port, DWORD limit_ms,
                  SOCKET *ret_socket) {
        return tcp_connect_as(tcp_socket(), from, to, port, limit_ms, ret_socket);
}

DWORD tcp_knock(const IpAddr *to, uint16_t port, DWORD limit_ms, bool *ret_tries_again,
                SOCKET *ret_socket) {
        TCP_INITIAL_RTO_PARAMETERS once = {TCP_INITIAL_RTO_UNSPECIFIED_RTT,
                                           TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS};
        SOCKET s = tcp_socket();
        DWORD n;

        *ret_tries_again =
                WSAIoctl(s, SIO_TCP_INITIAL_RTO, &once, sizeof(once), NULL, 0, &n, NULL, NULL) != 0;
        return tcp_connect_as(s, NULL, to, port, limit_ms, ret_socket);
}

SOCKET tcp_accept_either(const SOCKET listeners[2], DWORD limit_ms, size_t *ret_which) {
        struct timeval limit = {(long) (limit_ms / 1000), (long) (limit_ms % 1000) * 1000};
        fd_set set;

        FD_ZERO(&set);
        FD_SET(listeners[0], &set);
        FD_SET(listeners[1], &set);
        if (select(0, &set, NULL, NULL, &limit) <= 0)
                return INVALID_SOCKET;
        *ret_which = !FD_ISSET(listeners[0], &set);
        return accept(listeners[*ret_which], NULL, NULL);
}

SOCKET tcp_accept(SOCKET listener, DWORD limit_ms) {
        return tcp_wait(listener, false, limit_ms) ? accept(listener, NULL, NULL) : INVALID_SOCKET;
}

static bool tcp_pass(SOCKET from, SOCKET to) {
        char byte = 'x';

        return send(from, &byte, 1, 0) == 1 && tcp_wait(to, false, TCP_EXCHANGE_MS) &&
               recv(to, &byte, 1, 0) == 1;
}

bool tcp_exchange(SOCKET a, SOCKET b) {
        return a != INVALID_SOCKET && b != INVALID_SOCKET && tcp_pass(a, b) && tcp_pass(b, a);
}

bool tcp_is_cut(SOCKET s, DWORD limit_ms) {
        char byte;

        return tcp_wait(s, false, limit_ms) && recv(s, &byte, 1, 0) <= 0;
}
