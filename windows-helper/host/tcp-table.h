/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Who listens on which TCP port of this host, and whether somebody could.
 */

#include "windows-helper/core/rules/listeners.h"

/* All listening sockets, IPv4 and IPv6. Return: 0, -ENOMEM, or negative errno (logged). */
int tcp_table_read(ListeningTable *table);

/* File name of a process' program, UTF-8; "" when Windows does not tell. */
void tcp_table_process_name(uint32_t pid, char *ret_name, size_t size);

/* Bind a socket there for a moment. Return: 0; -EADDRINUSE; -EACCES (in an excluded range: fact
 * 4.3); -EADDRNOTAVAIL; or another negative errno. */
int tcp_table_bind_probe(const IpEndpoint *endpoint);
