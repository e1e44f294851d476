/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How much each client has open. A client is an IPv4 address, or the first 64 bits of an IPv6
 * address: all the others behind them belong to the same machine or site, which can take as many of
 * them as it likes.
 */

#include "common/ip.h"
#include "windows-helper/core/relay/keyed-hash.h"
#include "windows-helper/core/relay/list.h"

typedef struct Client Client;

struct Client {
        IpAddr addr;
        uint32_t n;        /* what it has open */
        ListNode lists[2]; /* for the owner of what is counted */
        Client *hash_next; /* private */
};

typedef struct ClientTable {
        const HashSecret *secret; /* borrowed */
        Client **places;          /* owned; NULL as long as there has been no client */
        uint32_t n_places;        /* a power of two */
        uint32_t n_clients;
} ClientTable;

#define CLIENT_TABLE_NULL(secret_) ((ClientTable){.secret = (secret_)})

/* Count one more for the client that has @addr. Return: the client, or NULL without memory. */
Client *client_table_take(ClientTable *t, const IpAddr *addr);

/* Return: how much the client that has @addr has open. */
uint32_t client_table_count(const ClientTable *t, const IpAddr *addr);
Client *client_table_find(const ClientTable *t, const IpAddr *addr); /* NULL: has nothing open */

/* Count one less; with its last one, the client is forgotten. */
void client_table_give(ClientTable *t, Client *client);
void client_table_done(ClientTable *t); /* all clients must have been given back */
