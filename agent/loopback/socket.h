/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Sockets of the program: one that is open to the host only, and one to a server on this guest's
 * loopback.
 */

#include "agent/loopback/table/table.h"

#include <sys/socket.h>

/* Room for an address of either family. */
typedef struct SocketAddress {
        struct sockaddr_storage storage;
        socklen_t n;
} SocketAddress;

void socket_address(const IpAddr *addr, uint16_t port, SocketAddress *ret_address);

/* @ret_port may be NULL. Return: false when it is no IP address. */
bool socket_parse(const SocketAddress *address, IpAddr *ret_addr, uint16_t *ret_port);

/**
 * socket_open_port() - a socket on a port of the guest's published address
 *
 * It is bound to the interface as well, so nothing reaches it over another one. A kernel before 5.7
 * lets only root do that; there the address alone has to do.
 *
 * Return: 1; 0 when it is not bound to the interface; or negative errno.
 */
int socket_open_port(const LoopbackHost *host, const LoopbackPort *port, int *ret_fd);

/* Limit what the kernel keeps for a socket in each direction; see buffers.h. It is worth more
 * before the socket is connected, because then the peer never sees a larger window. */
void socket_set_buffers(int fd, unsigned size);

/**
 * socket_connect() - begin to connect to a port of 127.0.0.1, or of ::1
 * @buffer_size: see socket_set_buffers(); 0: as the kernel likes
 *
 * Return: 0 when it is connected, -EINPROGRESS with @ret_fd set when it will be, or negative errno.
 */
int socket_connect(const LoopbackPort *port, bool v6, unsigned buffer_size, int *ret_fd);

/* The error that waits at a socket. Return: 0 or negative errno. */
int socket_error(int fd);

/* Let a socket of TCP end with a reset when it is closed. */
void socket_will_reset(int fd);
