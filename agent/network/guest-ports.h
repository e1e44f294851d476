/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The guest's listening sockets of TCP, or those of UDP that are not connected, read from the
 * kernel (sock_diag) at one moment. The kernel does not announce new listeners, so a caller that
 * wants to know reads again. port-map.h judges what was read.
 */

#include "agent/network/port-map.h"

/**
 * guest_ports_read() - which ports can be reached at @address now
 * @address: the published address, IPv4 if the guest has one, otherwise IPv6; when it is of
 *     IP_FAMILY_NONE, a listener on any address except loopback counts
 *
 * Asks the kernel over a netlink socket of its own and waits for the answer, 2 s at most. It sees
 * all sockets of this network namespace, including those of other distributions in the same WSL VM.
 *
 * Return: 0; or negative errno, and then every port of @ret_map is GUEST_PORT_UNKNOWN.
 */
int guest_ports_read(const IpAddr *address, bool udp, PortMap *ret_map);
