/* SPDX-License-Identifier: MIT */

/*
 * A hash table with chains, which grows with its peers.
 */

#include "windows-helper/core/relay/peer-table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PEER_PLACES_FIRST 64
#define PEER_NET_BYTES    8 /* of an IPv6 address that tell networks apart */
#define PEER_KEY_WORDS    6 /* the family, the address, and one more: even */

/* The address by which a peer is known. */
static IpAddr peer_of(const PeerTable *t, const IpAddr *addr) {
        IpAddr peer = *addr;
        size_t n = t->networks ? 0 : sizeof(peer.bytes);

        if (t->networks && peer.family == IP_FAMILY_V6)
                n = PEER_NET_BYTES;
        memset(peer.bytes + n, 0, sizeof(peer.bytes) - n);
        return peer;
}

static Peer **peer_place(const PeerTable *t, const IpAddr *peer) {
        uint32_t words[PEER_KEY_WORDS] = {peer->family};

        memcpy(words + 1, peer->bytes, sizeof(peer->bytes));
        return &t->places[keyed_hash(t->secret, words, PEER_KEY_WORDS) & (t->n_places - 1)];
}

/* Return: false without memory, and then the table is as it was. */
static bool peer_table_grow(PeerTable *t) {
        PeerTable larger = *t;

        larger.n_places = t->n_places ? 2 * t->n_places : PEER_PLACES_FIRST;
        larger.places = calloc(larger.n_places, sizeof(Peer *));
        if (!larger.places)
                return false;
        for (uint32_t i = 0; i < t->n_places; i++) {
                Peer *next;

                for (Peer *p = t->places[i]; p; p = next) {
                        Peer **place = peer_place(&larger, &p->addr);

                        next = p->hash_next;
                        p->hash_next = *place;
                        *place = p;
                }
        }
        free(t->places);
        t->places = larger.places;
        t->n_places = larger.n_places;
        return true;
}

Peer *peer_table_find(const PeerTable *t, const IpAddr *addr) {
        IpAddr peer = peer_of(t, addr);

        if (t->n_places == 0)
                return NULL;
        for (Peer *p = *peer_place(t, &peer); p; p = p->hash_next)
                if (ip_compare(&p->addr, &peer) == 0)
                        return p;
        return NULL;
}

uint32_t peer_table_count(const PeerTable *t, const IpAddr *addr) {
        const Peer *p = peer_table_find(t, addr);

        return p ? p->n : 0;
}

Peer *peer_table_take(PeerTable *t, const IpAddr *addr) {
        Peer *p = peer_table_find(t, addr);
        Peer **place;

        if (!p) {
                /* A table that cannot grow still works, only slower. */
                if (t->n_peers >= t->n_places && !peer_table_grow(t) && t->n_places == 0)
                        return NULL;
                p = calloc(1, sizeof(*p));
                if (!p)
                        return NULL;
                p->addr = peer_of(t, addr);
                list_init(&p->lists[0]);
                list_init(&p->lists[1]);
                place = peer_place(t, &p->addr);
                p->hash_next = *place;
                *place = p;
                t->n_peers++;
        }
        p->n++;
        return p;
}

void peer_table_give(PeerTable *t, Peer *peer) {
        Peer **at;

        if (--peer->n > 0)
                return;
        for (at = peer_place(t, &peer->addr); *at != peer; at = &(*at)->hash_next)
                assert(*at);
        *at = peer->hash_next;
        t->n_peers--;
        free(peer);
}

PeerTables peer_tables(const HashSecret *secret) {
        return (PeerTables){
                .clients = {.secret = secret},
                .networks = {.secret = secret, .networks = true},
                .guests = {.secret = secret},
        };
}

void peer_tables_done(PeerTables *t) {
        free(t->clients.places);
        free(t->networks.places);
        free(t->guests.places);
        *t = peer_tables(t->clients.secret);
}

bool peers_take(Peers *peers, PeerTables *t, const IpAddr *client, const IpAddr *guest) {
        peers->client = peer_table_take(&t->clients, client);
        peers->network = peer_table_take(&t->networks, client);
        peers->guest = peer_table_take(&t->guests, guest);
        if (peers->client && peers->network && peers->guest)
                return true;
        peers_give(peers, t);
        return false;
}

void peers_give(Peers *peers, PeerTables *t) {
        if (peers->client)
                peer_table_give(&t->clients, peers->client);
        if (peers->network)
                peer_table_give(&t->networks, peers->network);
        if (peers->guest)
                peer_table_give(&t->guests, peers->guest);
        *peers = (Peers){0};
}

bool peer_network_is_full(const PeerTables *t, const IpAddr *client, uint32_t share) {
        return client->family == IP_FAMILY_V6 && peer_table_count(&t->networks, client) >= share;
}
