/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The socket functions that listening needs, in a table. Hyper-V sockets exist on few machines
 * (fact 10.1.1), so a test puts a table of its own in its place and checks which calls are made,
 * and in which order.
 */

#include "windows-helper/win/win.h"

#include <mswsock.h>
#include <stdint.h>

typedef struct SocketApi {
        SOCKET(WSAAPI *socket)
        (int family, int type, int protocol, LPWSAPROTOCOL_INFOW info, GROUP group, DWORD flags);
        int(WSAAPI *setsockopt)(SOCKET s, int level, int name, const char *value, int size);
        int(WSAAPI *bind)(SOCKET s, const SOCKADDR *address, int size);
        int(WSAAPI *listen)(SOCKET s, int backlog);
        int(WSAAPI *getsockname)(SOCKET s, SOCKADDR *ret_address, int *size);
        int(WSAAPI *closesocket)(SOCKET s);
        int(WSAAPI *last_error)(void);
        /* Look up AcceptEx() and its companion for sockets like @s; the companion may be missing,
         * which leaves NULL. Return: 0 or a Winsock error. */
        int (*load)(SOCKET s, LPFN_ACCEPTEX *ret_accept, LPFN_GETACCEPTEXSOCKADDRS *ret_addresses);
        /* Send completions of @s to the loop's port. Return: 0 or negative errno. */
        int (*attach)(void *loop, SOCKET s);
} SocketApi;

extern const SocketApi *socket_api; /* Winsock, except in a test */

/* How many of the @n bytes at @address lie in the @size bytes of @buffer; 0 when it is elsewhere.
 * GetAcceptExSockaddrs() takes both from bytes of the buffer that the provider has to fill in
 * (fact 1.3.7), so neither is believed. */
size_t socket_address_within(const uint8_t *buffer, size_t size, const SOCKADDR *address, int n);
