/* SPDX-License-Identifier: MIT */

/*
 * The table of the functions of Winsock.
 */

#include "windows-helper/net/socket-api.h"
#include "windows-helper/win/loop.h"

static int socket_api_load(SOCKET s, LPFN_ACCEPTEX *ret_accept,
                           LPFN_GETACCEPTEXSOCKADDRS *ret_addresses) {
        GUID accept = WSAID_ACCEPTEX, addresses = WSAID_GETACCEPTEXSOCKADDRS;
        DWORD n;

        if (WSAIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &accept, sizeof(accept), ret_accept,
                     sizeof(*ret_accept), &n, NULL, NULL) != 0)
                return WSAGetLastError();
        if (WSAIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &addresses, sizeof(addresses),
                     ret_addresses, sizeof(*ret_addresses), &n, NULL, NULL) != 0)
                *ret_addresses = NULL; /* nobody else is known to ask for it with these sockets */
        return 0;
}

static int socket_api_attach(void *loop, SOCKET s) {
        return loop_attach(loop, (HANDLE) s);
}

static const SocketApi socket_api_winsock = {
        .socket = WSASocketW,
        .setsockopt = setsockopt,
        .bind = bind,
        .listen = listen,
        .getsockname = getsockname,
        .closesocket = closesocket,
        .last_error = WSAGetLastError,
        .load = socket_api_load,
        .attach = socket_api_attach,
};

const SocketApi *socket_api = &socket_api_winsock;

size_t socket_address_within(const uint8_t *buffer, size_t size, const SOCKADDR *address, int n) {
        size_t offset = (uintptr_t) address - (uintptr_t) buffer; /* huge, if it is before it */

        if (n <= 0 || offset >= size)
                return 0;
        return (size_t) n < size - offset ? (size_t) n : size - offset;
}
