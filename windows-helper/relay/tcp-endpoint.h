/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A TCP port on which the relay listens, and the connections of its clients.
 */

#include "windows-helper/relay/tcp-link.h"

typedef struct TcpEndpoint TcpEndpoint;

/* Return: 0 or a Windows error. */
DWORD tcp_endpoint_new(TcpEndpoint **ret_endpoint, TcpContext *context, const RelayEntry *entry);
TcpEndpoint *tcp_endpoint_close(TcpEndpoint *e); /* takes NULL, returns NULL; resets all */

/* Its guest has moved: connections to the old address are reset, new ones go to the new one. */
void tcp_endpoint_move(TcpEndpoint *e, const RelayEntry *entry);

/* It has stopped to accept because of errors, and must listen anew. */
bool tcp_endpoint_is_broken(const TcpEndpoint *e);

/* Let a broken one listen anew. Its connections go on, unless they keep it from that. Return: 0; or
 * a Windows error, and then it is still broken. */
DWORD tcp_endpoint_reopen(TcpEndpoint *e);

/* Endpoints that had reached a limit accept again if there is room now. */
void tcp_endpoints_resume(TcpContext *c);
