/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The host's table of listening TCP sockets and bound UDP sockets: who has which endpoint.
 */

#include "common/ip.h"

#include <stddef.h>

typedef struct Listening {
        IpEndpoint endpoint;
        uint32_t pid; /* 0: Windows does not report it (Wine 8 never does) */
} Listening;

typedef struct ListeningTable {
        Listening *items; /* owned; sorted by listening_table_sort() */
        size_t n, size;
        uint32_t forwarder; /* the process of iphlpsvc; 0: it does not run */
        uint32_t relay;     /* the process of our relay; 0: it does not run */
} ListeningTable;

#define LISTENING_TABLE_NULL ((ListeningTable){0})

/* Return: 0 or -ENOMEM. */
int listening_table_add(ListeningTable *t, const IpEndpoint *endpoint, uint32_t pid);
void listening_table_sort(ListeningTable *t); /* by protocol, port, address and pid */

/* The sockets of a sorted table that have the protocol and the port of @listen, at any address. It
 * is a search, so it may be asked for each of thousands of endpoints. Return: the first one.
 * *ret_end: behind the last one */
const Listening *listening_table_at(const ListeningTable *t, const IpEndpoint *listen,
                                    const Listening **ret_end);

/* True for a socket of @process (fact 4.3.8), and for one whose owner Windows does not report. */
bool listening_may_be(const Listening *a, uint32_t process);
void listening_table_done(ListeningTable *t);
