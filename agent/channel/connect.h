/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Opening a connection to the helper: one fresh non-blocking socket per try. A socket whose
 * connect() failed must not be used again on AF_VSOCK (fact 2.4.3).
 */

#include "agent/config/config.h"

/* Source ports that only root (or CAP_NET_BIND_SERVICE) may bind. They show the helper that it is
 * not talking to an ordinary user of the guest (fact 3.1.4). The highest comes first, as in
 * rresvport(3). */
#define CONNECT_PORT_FIRST 1023u
#define CONNECT_PORT_LAST  512u

enum {
        _CONNECT_E_SUCCESS,
        CONNECT_E_PENDING, /* wait for EPOLLOUT, then call connect_finish() */
};

/**
 * connect_start() - open a socket and connect it
 * @ret_fd: owned by the caller
 *
 * Return: 0, CONNECT_E_PENDING, or negative errno: -EAFNOSUPPORT or -ENODEV when this kernel has no
 * vsock, or no transport for it (fact 2.4.2).
 */
int connect_start(const ConfigHelper *helper, int *ret_fd);

/* The socket has become writable. Return: 0 when connected, or negative errno. */
int connect_finish(int fd);

/* Bind @fd to @port. Return: 0 or negative errno. */
typedef int (*ConnectBind)(int fd, unsigned port);

/**
 * connect_bind_privileged() - take the first free privileged source port (fact 3.2.1)
 *
 * Return: the port, or 0 when the socket stays unbound, because binding is not allowed or no port
 * is free. Connect in either case; the helper's policy decides.
 */
unsigned connect_bind_privileged(int fd, ConnectBind bind_port);
