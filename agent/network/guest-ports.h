/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The guest's listening TCP sockets, read from the kernel (sock_diag) at one moment. The kernel
 * does not tell of new listeners, so who wants to know asks again; port-map.h judges.
 */

#include "agent/network/port-map.h"

/**
 * guest_ports_read() - which ports can be reached at @address now
 * @address: the published one: IPv4 if the guest has it, else IPv6; of IP_FAMILY_NONE when there is
 *     none, and then any address but a loopback one will do
 *
 * Asks the kernel over a netlink socket of its own and waits, 2 s at most, for the answer. Sees the
 * sockets of this network namespace, other distributions' of the same WSL VM included.
 *
 * Return: 0; negative errno, with @ret_map in the state in which every port is GUEST_PORT_UNKNOWN.
 */
int guest_ports_read(const IpAddr *address, PortMap *ret_map);
