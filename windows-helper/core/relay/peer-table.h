/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How much each peer of the relay has open. A guest is an address. A client is an IPv4 address, or
 * the first 64 bits of an IPv6 address: all the others behind them belong to the same machine or
 * site, which can take as many of them as it likes.
 */

#include "common/ip.h"
#include "windows-helper/core/relay/keyed-hash.h"
#include "windows-helper/core/relay/list.h"

typedef struct Peer Peer;

struct Peer {
        IpAddr addr;
        uint32_t n;        /* what it has open */
        ListNode lists[2]; /* for the owner of what is counted */
        Peer *hash_next;   /* private */
};

typedef struct PeerTable {
        const HashSecret *secret; /* borrowed */
        bool guests;              /* they are guests, not clients */
        Peer **places;            /* owned; NULL as long as there has been no peer */
        uint32_t n_places;        /* a power of two */
        uint32_t n_peers;
} PeerTable;

#define PEER_TABLE_CLIENTS(secret_) ((PeerTable){.secret = (secret_)})
#define PEER_TABLE_GUESTS(secret_)  ((PeerTable){.secret = (secret_), .guests = true})

/* Count one more for the peer that has @addr. Return: the peer, or NULL without memory. */
Peer *peer_table_take(PeerTable *t, const IpAddr *addr);

/* Return: how much the peer that has @addr has open. */
uint32_t peer_table_count(const PeerTable *t, const IpAddr *addr);
Peer *peer_table_find(const PeerTable *t, const IpAddr *addr); /* NULL: has nothing open */

/* Count one less; with its last one, the peer is forgotten. */
void peer_table_give(PeerTable *t, Peer *peer);
void peer_table_done(PeerTable *t); /* all peers must have been given back */
