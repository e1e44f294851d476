/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the relay needs of Winsock: addresses as it has them, sockets as we want them, and the
 * functions that must be asked for.
 */

#include "common/ip.h"
#include "windows-helper/win/loop.h"

/* In this order. */
#include <ws2tcpip.h>

#include <mswsock.h>

/* Missing in mingw-w64 10. The numbers are those of the Windows SDK. */
#ifndef SIO_UDP_NETRESET
#        define SIO_UDP_NETRESET _WSAIOW(IOC_VENDOR, 15)
#endif
#ifndef SOMAXCONN_HINT
#        define SOMAXCONN_HINT(n) (-(n))
#endif
#ifndef SO_REUSE_UNICASTPORT
#        define SO_REUSE_UNICASTPORT 0x3007
#endif

typedef union SocketAddress {
        SOCKADDR header;
        SOCKADDR_IN v4;
        SOCKADDR_IN6 v6;
} SocketAddress;

/* @scope: the interface of a link-local address, else 0. Return: the bytes of the address. */
int socket_address_set(SocketAddress *ret_address, const IpEndpoint *endpoint, uint32_t scope);

/* Return: false when it is no address of IP. */
bool socket_address_get(const SocketAddress *address, IpEndpoint *ret_endpoint,
                        uint32_t *ret_scope);

typedef struct SocketCalls {
        LPFN_ACCEPTEX accept;
        LPFN_GETACCEPTEXSOCKADDRS accept_addresses;
        LPFN_CONNECTEX connect;
        LPFN_WSARECVMSG receive_message;
        LPFN_WSASENDMSG send_message;
} SocketCalls;

/* Return: 0 or negative errno (logged). */
int socket_calls_load(SocketCalls *ret_calls);

/**
 * socket_new() - a socket whose overlapped operations complete in @loop, and which does not block
 * @family: IpFamily
 * @type: SOCK_STREAM or SOCK_DGRAM
 *
 * Return: the socket; or INVALID_SOCKET, and WSAGetLastError() tells why.
 */
SOCKET socket_new(Loop *loop, uint8_t family, int type);

/* The same for ConnectEx(), which needs a bound socket. */
SOCKET socket_new_outgoing(Loop *loop, uint8_t family);

/* Prepare a socket of either end of a TCP connection. */
void socket_prepare_stream(SOCKET s);

/* Nothing is wrong with a socket that has failed to send like this: its queue is full, or Windows
 * has no memory now (fact 9.3.27). */
bool socket_error_passes(int error);

/**
 * socket_bind() - give it an endpoint that no program of another account may take
 * @shared: for the tests: others may bind the same port for one of its addresses
 *
 * Return: false, and WSAGetLastError() tells why.
 */
bool socket_bind(SOCKET s, const IpEndpoint *endpoint, bool shared);

/* Set an option that is a number. Where it fails, the socket works without it. */
void socket_set(SOCKET s, int level, int option, DWORD value);

/* Close @s. What is in flight is aborted. */
void socket_close(SOCKET s);

/* The same, and the other end gets a reset instead of an end. */
void socket_reset(SOCKET s);
