/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A UDP port on which the relay listens, and the sessions of its clients.
 */

#include "windows-helper/core/relay/relay-table.h"
#include "windows-helper/relay/udp-link.h"

typedef struct UdpEndpoint UdpEndpoint;

/**
 * udp_endpoint_new() - listen
 * @own_sockets: for the tests: answer from a socket for each address, because Wine ignores the
 *               address that an answer is to leave from (fact 10.1.14)
 *
 * Return: 0 or a Windows error.
 */
DWORD udp_endpoint_new(UdpEndpoint **ret_endpoint, UdpContext *context, const RelayEntry *entry,
                       bool own_sockets);
UdpEndpoint *udp_endpoint_close(UdpEndpoint *e); /* takes NULL, returns NULL; ends all sessions */

/* It cannot receive any more, and must be closed and opened again. */
bool udp_endpoint_is_broken(const UdpEndpoint *e);

/* The queue of each endpoint has another size now: that of the context. */
void udp_endpoint_resize(UdpEndpoint *e);

/* Its guest has moved: the sessions go on with the new address. */
void udp_endpoint_move(UdpEndpoint *e, const RelayEntry *entry);
