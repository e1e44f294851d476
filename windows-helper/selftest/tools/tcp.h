/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Small TCP sockets of the self-test itself: both ends of a connection through a port forwarding.
 */

#include "common/ip.h"
#include "windows-helper/win/win.h"

#include <stdbool.h>

#define TCP_LISTEN_BACKLOG 4 /* so many clients may wait at a port until they are accepted */

/* Listen on @address, port 0 = any. @option: SO_EXCLUSIVEADDRUSE, SO_REUSEADDR or 0. *ret_port: in
 * host order. Return: 0 or a Winsock error. */
DWORD tcp_listen(const IpAddr *address, uint16_t port, int option, SOCKET *ret_socket,
                 uint16_t *ret_port);

/* A port that nobody listens on; 0: there is none. */
uint16_t tcp_free_port(void);

/**
 * tcp_connect() - connect, for a limited time
 * @from: the address to come from, or NULL
 *
 * Return: 0 or a Winsock error; WSAETIMEDOUT after @limit_ms.
 */
DWORD tcp_connect(const IpAddr *from, const IpAddr *to, uint16_t port, DWORD limit_ms,
                  SOCKET *ret_socket);

/* The same with a socket that does not try again where nobody listens (fact 9.3.26).
 * *ret_tries_again: Windows has refused that. */
DWORD tcp_knock(const IpAddr *to, uint16_t port, DWORD limit_ms, bool *ret_tries_again,
                SOCKET *ret_socket);

/* Wait for a connection. Return: it, or INVALID_SOCKET after @limit_ms. */
SOCKET tcp_accept(SOCKET listener, DWORD limit_ms);

/* The same at two listeners. *ret_which: 0 or 1 */
SOCKET tcp_accept_either(const SOCKET listeners[2], DWORD limit_ms, size_t *ret_which);

/* Whether a byte gets through, in both directions. */
bool tcp_exchange(SOCKET a, SOCKET b);

/* Whether the other end has ended the connection within @limit_ms. */
bool tcp_is_cut(SOCKET s, DWORD limit_ms);

void tcp_close(SOCKET *s); /* takes INVALID_SOCKET, leaves that; as the next one */
void tcp_reset(SOCKET *s); /* the port is free at once: for thousands of connections */
