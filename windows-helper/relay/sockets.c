/* SPDX-License-Identifier: MIT */

/*
 * Addresses, options, and the functions that Winsock hands out for a socket.
 */

#include "windows-helper/relay/sockets.h"
#include "windows-helper/win/log.h"

#include <string.h>

int socket_address_set(SocketAddress *ret_address, const IpEndpoint *endpoint, uint32_t scope) {
        memset(ret_address, 0, sizeof(*ret_address));
        if (endpoint->addr.family == IP_FAMILY_V6) {
                ret_address->v6.sin6_family = AF_INET6;
                ret_address->v6.sin6_port = htons(endpoint->port);
                ret_address->v6.sin6_scope_id = scope;
                memcpy(&ret_address->v6.sin6_addr, endpoint->addr.bytes, 16);
                return sizeof(ret_address->v6);
        }
        ret_address->v4.sin_family = AF_INET;
        ret_address->v4.sin_port = htons(endpoint->port);
        memcpy(&ret_address->v4.sin_addr, endpoint->addr.bytes, 4);
        return sizeof(ret_address->v4);
}

bool socket_address_get(const SocketAddress *address, IpEndpoint *ret_endpoint,
                        uint32_t *ret_scope) {
        IpEndpoint e = {0};

        *ret_scope = 0;
        switch (address->header.sa_family) {
        case AF_INET:
                e.addr.family = IP_FAMILY_V4;
                e.port = ntohs(address->v4.sin_port);
                memcpy(e.addr.bytes, &address->v4.sin_addr, 4);
                break;
        case AF_INET6:
                e.addr.family = IP_FAMILY_V6;
                e.port = ntohs(address->v6.sin6_port);
                memcpy(e.addr.bytes, &address->v6.sin6_addr, 16);
                *ret_scope = address->v6.sin6_scope_id;
                break;
        default:
                return false;
        }
        *ret_endpoint = e;
        return true;
}

static DWORD socket_calls_ask(SOCKET s, const GUID *id, void *ret_function) {
        DWORD n;

        if (WSAIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, (void *) (uintptr_t) id, sizeof(*id),
                     ret_function, sizeof(void *), &n, NULL, NULL) != 0)
                return (DWORD) WSAGetLastError();
        return ERROR_SUCCESS;
}

int socket_calls_load(SocketCalls *ret_calls) {
        static const GUID accept = WSAID_ACCEPTEX, addresses = WSAID_GETACCEPTEXSOCKADDRS;
        static const GUID connect = WSAID_CONNECTEX, receive = WSAID_WSARECVMSG;
        static const GUID send = WSAID_WSASENDMSG;
        const struct {
                int type;
                const GUID *id;
                void *function;
        } asked[] = {
                {SOCK_STREAM, &accept, &ret_calls->accept},
                {SOCK_STREAM, &addresses, &ret_calls->accept_addresses},
                {SOCK_STREAM, &connect, &ret_calls->connect},
                {SOCK_DGRAM, &receive, &ret_calls->receive_message},
                {SOCK_DGRAM, &send, &ret_calls->send_message},
        };
        DWORD error = ERROR_SUCCESS;

        for (size_t i = 0; error == ERROR_SUCCESS && i < ARRAYSIZE(asked); i++) {
                SOCKET s = WSASocketW(AF_INET, asked[i].type, 0, NULL, 0,
                                      WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);

                error = s == INVALID_SOCKET ? (DWORD) WSAGetLastError()
                                            : socket_calls_ask(s, asked[i].id, asked[i].function);
                if (s != INVALID_SOCKET)
                        (void) closesocket(s);
        }
        return error == ERROR_SUCCESS ? 0 : log_win_error(error, "Cannot use Winsock");
}

SOCKET socket_new(Loop *loop, uint8_t family, int type) {
        SOCKET s;
        u_long on = 1;

        s = WSASocketW(family == IP_FAMILY_V6 ? AF_INET6 : AF_INET, type, 0, NULL, 0,
                       WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
        if (s == INVALID_SOCKET)
                return s;
        if (ioctlsocket(s, FIONBIO, &on) != 0 || loop_attach(loop, (HANDLE) s) < 0) {
                (void) closesocket(s);
                WSASetLastError(WSAENOBUFS);
                return INVALID_SOCKET;
        }
        return s;
}

/* With SO_REUSE_UNICASTPORT the port is chosen when it connects, and may be one that leads to
 * another guest already (fact 9.3.10). */
SOCKET socket_new_outgoing(Loop *loop, uint8_t family) {
        IpEndpoint any = {.addr = {.family = family}};
        SOCKET s = socket_new(loop, family, SOCK_STREAM);
        SocketAddress address;
        int size = socket_address_set(&address, &any, 0), error;

        if (s == INVALID_SOCKET)
                return s;
        socket_set(s, SOL_SOCKET, SO_REUSE_UNICASTPORT, TRUE);
        socket_prepare_stream(s);
        if (bind(s, &address.header, size) == 0)
                return s;
        error = WSAGetLastError();
        (void) closesocket(s);
        WSASetLastError(error);
        return INVALID_SOCKET;
}

void socket_prepare_stream(SOCKET s) {
        socket_set(s, IPPROTO_TCP, TCP_NODELAY, TRUE);
        socket_set(s, SOL_SOCKET, SO_KEEPALIVE, TRUE);
        socket_set(s, SOL_SOCKET, SO_OOBINLINE, TRUE); /* else an urgent byte is lost */
}

bool socket_error_passes(int error) {
        return error == WSAEWOULDBLOCK || error == WSAENOBUFS;
}

/* SO_EXCLUSIVEADDRUSE: otherwise another program of our account could bind the port again, and take
 * what is meant for us (fact 9.3.11). On all addresses it would keep the port from every socket
 * that is on one of them: wslrelay's on 127.0.0.1 if that comes first (fact 9.3.17), and our own of
 * another endpoint (facts 9.3.21 and 9.3.28). Without it only another service of LocalService could
 * take the port on one address, and only that address: the price of having both. */
bool socket_bind(SOCKET s, const IpEndpoint *endpoint, bool shared) {
        SocketAddress address;
        int size = socket_address_set(&address, endpoint, 0);

        if (shared)
                socket_set(s, SOL_SOCKET, SO_REUSEADDR, TRUE);
        else if (!ip_is_any(&endpoint->addr))
                socket_set(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, TRUE);
        if (endpoint->addr.family == IP_FAMILY_V6)
                socket_set(s, IPPROTO_IPV6, IPV6_V6ONLY, TRUE);
        return bind(s, &address.header, size) == 0;
}

void socket_set(SOCKET s, int level, int option, DWORD value) {
        (void) setsockopt(s, level, option, (const char *) &value, sizeof(value));
}

/* In Wine 8 an operation in flight keeps the connection open (fact 10.1.5). */
void socket_close(SOCKET s) {
        (void) CancelIoEx((HANDLE) s, NULL);
        (void) closesocket(s);
}

void socket_reset(SOCKET s) {
        struct linger now = {.l_onoff = 1, .l_linger = 0};

        (void) setsockopt(s, SOL_SOCKET, SO_LINGER, (const char *) &now, sizeof(now));
        socket_close(s);
}
