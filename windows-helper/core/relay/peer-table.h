/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How much each peer of the relay has open. A guest is an address, and so is a client: those of one
 * LAN are strangers to each other, and none may take what is another one's. But a machine can take
 * as many IPv6 addresses of its network as it likes. So a network, which is the first 64 bits of an
 * IPv6 address, counts as a peer of its own. All of IPv4 is one network, which has no limit.
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

/* Of one client with one guest. */
typedef struct Peers {
        Peer *client, *network, *guest;
} Peers;

typedef struct PeerTable {
        const HashSecret *secret; /* borrowed */
        bool networks;            /* they are networks, not addresses */
        Peer **places;            /* owned; NULL as long as there has been no peer */
        uint32_t n_places;        /* a power of two */
        uint32_t n_peers;
} PeerTable;

/* Count one more for the peer that has @addr. Return: the peer, or NULL without memory. */
Peer *peer_table_take(PeerTable *t, const IpAddr *addr);

/* Return: how much the peer that has @addr has open. */
uint32_t peer_table_count(const PeerTable *t, const IpAddr *addr);
Peer *peer_table_find(const PeerTable *t, const IpAddr *addr); /* NULL: has nothing open */

/* Count one less; with its last one, the peer is forgotten. */
void peer_table_give(PeerTable *t, Peer *peer);

typedef struct PeerTables {
        PeerTable clients, networks, guests;
} PeerTables;

/* Each table borrows @secret. */
PeerTables peer_tables(const HashSecret *secret);
void peer_tables_done(PeerTables *t); /* all peers must have been given back */

/* Count one more for each of the three. Return: false without memory, and then for none. */
bool peers_take(Peers *peers, PeerTables *t, const IpAddr *client, const IpAddr *guest);
void peers_give(Peers *peers, PeerTables *t); /* one less for each */

/* Whether the network of @client has @share. */
bool peer_network_is_full(const PeerTables *t, const IpAddr *client, uint32_t share);
