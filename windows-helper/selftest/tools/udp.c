/* SPDX-License-Identifier: MIT */

/*
 * Sends, and waits for the answer, with plain Winsock.
 */

#include "windows-helper/selftest/tools/udp.h"

#include <string.h>

static SOCKADDR_IN udp_address(const IpAddr *address, uint16_t port) {
        SOCKADDR_IN a = {.sin_family = AF_INET, .sin_port = htons(port)};

        memcpy(&a.sin_addr, address->bytes, 4);
        return a;
}

DWORD udp_open(const IpAddr *address, SOCKET *ret_socket) {
        SOCKADDR_IN a = udp_address(address, 0);
        DWORD error = 0;
        SOCKET s = WSASocketW(AF_INET, SOCK_DGRAM, IPPROTO_UDP, NULL, 0,
                              WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);

        *ret_socket = INVALID_SOCKET;
        if (s == INVALID_SOCKET || bind(s, (SOCKADDR *) &a, sizeof(a)) != 0)
                error = (DWORD) WSAGetLastError();
        if (error == 0)
                *ret_socket = s;
        else if (s != INVALID_SOCKET)
                (void) closesocket(s);
        return error;
}

uint16_t udp_free_port(void) {
        const IpAddr any = {IP_FAMILY_V4, {0}};
        SOCKADDR_IN a = {.sin_port = 0};
        int size = sizeof(a);
        SOCKET s;

        if (udp_open(&any, &s) != 0)
                return 0;
        (void) getsockname(s, (SOCKADDR *) &a, &size);
        (void) closesocket(s);
        return ntohs(a.sin_port);
}

bool udp_ask(SOCKET s, const IpAddr *to, uint16_t port, DWORD limit_ms) {
        struct timeval limit = {(long) (limit_ms / 1000), (long) (limit_ms % 1000) * 1000};
        SOCKADDR_IN a = udp_address(to, port), from = {.sin_port = 0};
        int size = sizeof(from);
        char byte = 'x';
        fd_set set;

        FD_ZERO(&set);
        FD_SET(s, &set);
        (void) sendto(s, &byte, 1, 0, (SOCKADDR *) &a, sizeof(a));
        return select(0, &set, NULL, NULL, &limit) > 0 &&
               recvfrom(s, &byte, 1, 0, (SOCKADDR *) &from, &size) == 1 &&
               from.sin_port == a.sin_port && from.sin_addr.s_addr == a.sin_addr.s_addr;
}
