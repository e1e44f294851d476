/* SPDX-License-Identifier: MIT */

/*
 * The table of sessions: a hash to find them, and lists in the order of their last use.
 */

#include "windows-helper/core/relay/udp-sessions.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define UDP_PLACES_FIRST 64
#define UDP_KEY_WORDS    12

void udp_sessions_init(UdpSessions *t, const RelayLimits *limits, const HashSecret *secret) {
        *t = (UdpSessions){
                .limits = limits,
                .secret = secret,
                .peers = peer_tables(secret),
        };
        list_init(&t->lists[false]);
        list_init(&t->lists[true]);
}

void udp_sessions_done(UdpSessions *t) {
        peer_tables_done(&t->peers);
        free(t->places);
        t->places = NULL;
        t->n_places = 0;
}

static bool udp_key_equal(const UdpKey *a, const UdpKey *b) {
        return a->endpoint == b->endpoint && a->scope == b->scope &&
               ip_endpoint_compare(&a->client, &b->client) == 0 &&
               ip_compare(&a->asked, &b->asked) == 0;
}

static UdpSession **udp_place(const UdpSessions *t, const UdpKey *key) {
        /* An endpoint has one family, so the families need no word. */
        uint32_t words[UDP_KEY_WORDS] = {key->endpoint, key->scope, key->client.port};

        memcpy(words + 4, key->client.addr.bytes, 16);
        memcpy(words + 8, key->asked.bytes, 16);
        return &t->places[keyed_hash(t->secret, words, UDP_KEY_WORDS) & (t->n_places - 1)];
}

/* Return: false without memory, and then the table is as it was. */
static bool udp_sessions_grow(UdpSessions *t) {
        UdpSessions larger = *t;

        larger.n_places = t->n_places ? 2 * t->n_places : UDP_PLACES_FIRST;
        larger.places = calloc(larger.n_places, sizeof(UdpSession *));
        if (!larger.places)
                return false;
        for (uint32_t i = 0; i < t->n_places; i++) {
                UdpSession *next;

                for (UdpSession *s = t->places[i]; s; s = next) {
                        UdpSession **place = udp_place(&larger, &s->key);

                        next = s->hash_next;
                        s->hash_next = *place;
                        *place = s;
                }
        }
        free(t->places);
        t->places = larger.places;
        t->n_places = larger.n_places;
        return true;
}

UdpSession *udp_sessions_find(const UdpSessions *t, const UdpKey *key) {
        if (t->n_places == 0)
                return NULL;
        for (UdpSession *s = *udp_place(t, key); s; s = s->hash_next)
                if (udp_key_equal(&s->key, key))
                        return s;
        return NULL;
}

UdpSession *udp_sessions_unanswered(const UdpSessions *t) {
        return list_is_empty(&t->lists[false])
                       ? NULL
                       : LIST_ITEM(list_first(&t->lists[false]), UdpSession, all);
}

UdpVerdict udp_sessions_judge(const UdpSessions *t, const IpAddr *client, const IpAddr *guest,
                              UdpSession **ret_victim) {
        const Peer *c = peer_table_find(&t->peers.clients, client);
        const Peer *g = peer_table_find(&t->peers.guests, guest);
        uint32_t share = relay_network_share(t->limits->guest_sessions);
        bool full = g && g->n >= t->limits->guest_sessions;

        if (c && c->n >= t->limits->client_sessions) {
                const ListNode *own = &c->lists[list_is_empty(&c->lists[false])];

                *ret_victim = LIST_ITEM(list_first(own), UdpSession, own);
                return full && (*ret_victim)->peers.guest != g ? UDP_REFUSED : UDP_REPLACES;
        }
        if (peer_network_is_full(&t->peers, client, share)) {
                const Peer *n = peer_table_find(&t->peers.networks, client);

                if (list_is_empty(&n->lists[false]))
                        return UDP_REFUSED;
                *ret_victim = LIST_ITEM(list_first(&n->lists[false]), UdpSession, nearby);
                return full && (*ret_victim)->peers.guest != g ? UDP_REFUSED : UDP_REPLACES;
        }
        if (full) {
                if (list_is_empty(&g->lists[false]))
                        return UDP_REFUSED;
                *ret_victim = LIST_ITEM(list_first(&g->lists[false]), UdpSession, served);
                return UDP_REPLACES;
        }
        if (t->n_sessions < t->limits->sessions)
                return UDP_WELCOME;
        *ret_victim = udp_sessions_unanswered(t);
        return *ret_victim ? UDP_REPLACES : UDP_REFUSED;
}

/* Put @s at the end of the lists in which it belongs now. */
static void udp_sessions_touch(UdpSessions *t, UdpSession *s, uint64_t now_usec) {
        s->used_usec = now_usec;
        list_remove(&s->all);
        list_remove(&s->own);
        list_remove(&s->nearby);
        list_remove(&s->served);
        list_append(&t->lists[s->answered], &s->all);
        list_append(&s->peers.client->lists[s->answered], &s->own);
        list_append(&s->peers.network->lists[s->answered], &s->nearby);
        list_append(&s->peers.guest->lists[s->answered], &s->served);
}

int udp_sessions_add(UdpSessions *t, UdpSession *s, const IpAddr *guest, uint64_t now_usec) {
        UdpSession **place;

        /* A table that cannot grow still works, only slower. */
        if (t->n_sessions >= t->n_places && !udp_sessions_grow(t) && t->n_places == 0)
                return -ENOMEM;
        if (!peers_take(&s->peers, &t->peers, &s->key.client.addr, guest))
                return -ENOMEM;
        place = udp_place(t, &s->key);
        s->hash_next = *place;
        *place = s;
        s->answered = false;
        list_init(&s->all);
        list_init(&s->own);
        list_init(&s->nearby);
        list_init(&s->served);
        udp_sessions_touch(t, s, now_usec);
        t->n_sessions++;
        return 0;
}

void udp_sessions_remove(UdpSessions *t, UdpSession *s) {
        UdpSession **at;

        for (at = udp_place(t, &s->key); *at != s; at = &(*at)->hash_next)
                assert(*at);
        *at = s->hash_next;
        list_remove(&s->all);
        list_remove(&s->own);
        list_remove(&s->nearby);
        list_remove(&s->served);
        peers_give(&s->peers, &t->peers);
        t->n_sessions--;
}

int udp_sessions_move(UdpSessions *t, UdpSession *s, const IpAddr *guest) {
        Peer *old = s->peers.guest, *new = peer_table_take(&t->peers.guests, guest);

        if (!new)
                return -ENOMEM;
        list_remove(&s->served);
        list_append(&new->lists[s->answered], &s->served);
        s->peers.guest = new;
        peer_table_give(&t->peers.guests, old);
        return 0;
}

void udp_sessions_heard(UdpSessions *t, UdpSession *s, uint64_t now_usec) {
        udp_sessions_touch(t, s, now_usec);
}

void udp_sessions_answered(UdpSessions *t, UdpSession *s, uint64_t now_usec) {
        s->answered = true;
        udp_sessions_touch(t, s, now_usec);
}

static uint64_t udp_sessions_end(const UdpSessions *t, bool answered) {
        const ListNode *list = &t->lists[answered];
        uint32_t ms = answered ? t->limits->answered_ms : t->limits->unanswered_ms;

        if (list_is_empty(list))
                return UINT64_MAX;
        return LIST_ITEM(list_first(list), UdpSession, all)->used_usec + ms * UINT64_C(1000);
}

UdpSession *udp_sessions_expired(const UdpSessions *t, uint64_t now_usec) {
        for (int answered = false; answered <= true; answered++)
                if (udp_sessions_end(t, answered) <= now_usec)
                        return LIST_ITEM(list_first(&t->lists[answered]), UdpSession, all);
        return NULL;
}

uint64_t udp_sessions_deadline(const UdpSessions *t) {
        uint64_t a = udp_sessions_end(t, false), b = udp_sessions_end(t, true);

        return a < b ? a : b;
}
