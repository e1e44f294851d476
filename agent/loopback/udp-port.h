/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * UdpPort: a UDP port of the guest's published address. Each source port of the host is one session
 * with a socket of its own towards the server, because the relay on the host has one source port
 * for each client. Nothing is sent to anybody who has not sent first.
 */

#include "agent/loopback/shared.h"

typedef struct UdpPort UdpPort;

/* @shared: borrowed, must outlive the port. Return: 0 or negative errno. */
int udp_port_new(UdpPort **ret_port, Shared *shared, const LoopbackPort *port);

/* How many sessions have not been answered yet. */
unsigned udp_port_unanswered(const UdpPort *p);

/* End the oldest one of them. Return: false when there is none. */
bool udp_port_end_unanswered(UdpPort *p);

/* Close it and end its sessions. Return: NULL. */
UdpPort *udp_port_free(UdpPort *p);
