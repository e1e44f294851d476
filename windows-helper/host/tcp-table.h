/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which process listens on which TCP port of this host, and whether a port could be listened on.
 */

#include "windows-helper/core/rules/listening.h"

/* Add all listening sockets, IPv4 and IPv6, to @table. Return: 0; -ENOMEM; or another negative
 * errno (logged). */
int tcp_table_read(ListeningTable *table);

/* File name of a process's program in UTF-8, "" if Windows does not reveal it. */
void tcp_table_process_name(uint32_t pid, char *ret_name, size_t size);

/* Bind a socket to @endpoint for a moment, to see whether it is free. Return: 0; -EADDRINUSE;
 * -EACCES (the port is in an excluded range: fact 4.3.2); -EADDRNOTAVAIL; or another negative
 * errno.
 */
int tcp_table_bind_probe(const IpEndpoint *endpoint);
