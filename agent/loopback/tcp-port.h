/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * TcpPort: listens on a TCP port of the guest's published address, lets the host in and nobody
 * else, and has the connections.
 */

#include "agent/loopback/shared.h"

typedef struct TcpPort TcpPort;

/* @shared: borrowed, must outlive the port. Return: 0 or negative errno. */
int tcp_port_new(TcpPort **ret_port, Shared *shared, const LoopbackPort *port);

/* Close it and reset its connections. Return: NULL. */
TcpPort *tcp_port_free(TcpPort *p);

/* Accept again, if it had to pause and there is room now. */
void tcp_port_resume(TcpPort *p);
