/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The host's table of listening TCP sockets and bound UDP sockets: who has which endpoint.
 */

#include "common/ip.h"

#include <stddef.h>

/* The tables of sockets that a host has: bits. */
#define LISTENING_TCP_V4 1u
#define LISTENING_TCP_V6 2u
#define LISTENING_UDP_V4 4u
#define LISTENING_UDP_V6 8u
#define LISTENING_TCP    (LISTENING_TCP_V4 | LISTENING_TCP_V6)
#define LISTENING_UDP    (LISTENING_UDP_V4 | LISTENING_UDP_V6)

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

/* The table that has a socket of exactly this endpoint. */
unsigned listening_tables_of(const IpEndpoint *endpoint);

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
