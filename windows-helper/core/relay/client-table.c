/* SPDX-License-Identifier: MIT */

/*
 * A hash table with chains, which grows with its clients.
 */

#include "windows-helper/core/relay/client-table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_PLACES_FIRST 64
#define CLIENT_NET_BYTES    8 /* of an IPv6 address that tell clients apart */

static IpAddr client_of(const IpAddr *addr) {
        IpAddr client = *addr;

        if (client.family == IP_FAMILY_V6)
                memset(client.bytes + CLIENT_NET_BYTES, 0, sizeof(client.bytes) - CLIENT_NET_BYTES);
        return client;
}

static Client **client_place(const ClientTable *t, const IpAddr *client) {
        uint32_t words[4] = {client->family};

        memcpy(words + 1, client->bytes, CLIENT_NET_BYTES);
        return &t->places[keyed_hash(t->secret, words, 4) & (t->n_places - 1)];
}

/* Return: false without memory, and then the table is as it was. */
static bool client_table_grow(ClientTable *t) {
        ClientTable larger = *t;

        larger.n_places = t->n_places ? 2 * t->n_places : CLIENT_PLACES_FIRST;
        larger.places = calloc(larger.n_places, sizeof(Client *));
        if (!larger.places)
                return false;
        for (uint32_t i = 0; i < t->n_places; i++) {
                Client *next;

                for (Client *c = t->places[i]; c; c = next) {
                        Client **place = client_place(&larger, &c->addr);

                        next = c->hash_next;
                        c->hash_next = *place;
                        *place = c;
                }
        }
        free(t->places);
        t->places = larger.places;
        t->n_places = larger.n_places;
        return true;
}

Client *client_table_find(const ClientTable *t, const IpAddr *addr) {
        IpAddr client = client_of(addr);

        if (t->n_places == 0)
                return NULL;
        for (Client *c = *client_place(t, &client); c; c = c->hash_next)
                if (ip_compare(&c->addr, &client) == 0)
                        return c;
        return NULL;
}

uint32_t client_table_count(const ClientTable *t, const IpAddr *addr) {
        const Client *c = client_table_find(t, addr);

        return c ? c->n : 0;
}

Client *client_table_take(ClientTable *t, const IpAddr *addr) {
        Client *c = client_table_find(t, addr);
        Client **place;

        if (!c) {
                /* A table that cannot grow still works, only slower. */
                if (t->n_clients >= t->n_places && !client_table_grow(t) && t->n_places == 0)
                        return NULL;
                c = calloc(1, sizeof(*c));
                if (!c)
                        return NULL;
                c->addr = client_of(addr);
                list_init(&c->lists[0]);
                list_init(&c->lists[1]);
                place = client_place(t, &c->addr);
                c->hash_next = *place;
                *place = c;
                t->n_clients++;
        }
        c->n++;
        return c;
}

void client_table_give(ClientTable *t, Client *client) {
        Client **at;

        if (--client->n > 0)
                return;
        for (at = client_place(t, &client->addr); *at != client; at = &(*at)->hash_next)
                assert(*at);
        *at = client->hash_next;
        t->n_clients--;
        free(client);
}

void client_table_done(ClientTable *t) {
        free(t->places);
        *t = CLIENT_TABLE_NULL(t->secret);
}
