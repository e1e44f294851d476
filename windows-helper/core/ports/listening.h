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
void listening_table_sort(ListeningTable *t); /* by endpoint, then pid */

/* True for a socket of @process (fact 4.3.8), and for one whose owner Windows does not report. */
bool listening_may_be(const Listening *a, uint32_t process);
void listening_table_done(ListeningTable *t);
