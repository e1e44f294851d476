/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which process has which TCP or UDP port of this host, and whether a port could be had.
 */

#include "windows-helper/core/ports/listening.h"

/* Add all listening TCP sockets and bound UDP sockets that are in @tables (LISTENING_TCP_V4 …) to
 * @table. To be called by one thread only. Return: 0; -ENOMEM; or another negative errno (logged).
 */
int port_table_read(unsigned tables, ListeningTable *table);

/* File name of a process's program in UTF-8, "" if Windows does not reveal it. */
void port_table_process_name(uint32_t pid, char *ret_name, size_t size);

/* Bind a socket to @endpoint for a moment, to see whether it is free. Return: 0; -EADDRINUSE;
 * -EACCES (the port is in an excluded range: fact 4.3.2); -EADDRNOTAVAIL; or another negative
 * errno.
 */
int port_table_bind_probe(const IpEndpoint *endpoint);
