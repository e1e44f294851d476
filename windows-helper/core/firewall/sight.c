/* SPDX-License-Identifier: MIT */

/*
 * Which rules of others block a port of ours. See sight.h.
 */

#include "windows-helper/core/firewall/sight.h"

#include "windows-helper/core/base/forwarder.h"

#include "common/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PROTOCOL_TCP  6
#define PROTOCOL_UDP  17
#define PROTOCOL_ANY  256
#define ITEM_MAX      96 /* an item of a list: a range of addresses is the longest */
#define FORWARDER     "iphlpsvc"
#define SVCHOST       "\\system32\\svchost.exe" /* the program that iphlpsvc runs in */
#define RELAY_PROGRAM "\\" NAMES_RELAY_SERVICE ".exe"

static char lower(char c) {
        return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

static bool same_word(const char *a, const char *b) {
        while (*a && lower(*a) == lower(*b)) {
                a++;
                b++;
        }
        return *a == *b;
}

static bool ends_with(const char *text, const char *end) {
        size_t n = strlen(text), k = strlen(end);

        return n >= k && same_word(text + n - k, end);
}

static bool is_all(const char *list) {
        return list[0] == '\0' || strcmp(list, "*") == 0;
}

/* Take the next item of a list "a,b,c". Return: false at the end. An item that is too long for
 * @ret_item is returned as "". */
static bool next_item(const char **list, char ret_item[ITEM_MAX]) {
        size_t n = strcspn(*list, ",");

        if (**list == '\0')
                return false;
        ret_item[0] = '\0';
        if (n < ITEM_MAX) {
                memcpy(ret_item, *list, n);
                ret_item[n] = '\0';
        }
        *list += n + ((*list)[n] == ',');
        return true;
}

static bool has_port(const char *ports, uint16_t port) {
        char item[ITEM_MAX];

        if (is_all(ports))
                return true;
        while (next_item(&ports, item)) { /* "80", "8000-8010", or a word such as "RPC" */
                char *end;
                unsigned long first = strtoul(item, &end, 10), last = first;

                if (end != item && *end == '-')
                        last = strtoul(end + 1, &end, 10); /* 0 if there is none */
                if (end != item && *end == '\0' && first <= port && port <= last)
                        return true;
        }
        return false;
}

/* How much of @inner the addresses in @list cover. What is not a prefix, such as a range or a word,
 * may cover a part. */
static FirewallWhom list_covers(const char *list, const WirePrefix *inner) {
        FirewallWhom whom = FIREWALL_NOBODY;
        char item[ITEM_MAX];

        while (next_item(&list, item)) {
                WirePrefix outer;

                if (firewall_prefix_read(item, &outer) < 0)
                        whom = FIREWALL_SOME;
                else if (outer.length <= inner->length &&
                         ip_in_prefix(&inner->addr, &outer.addr, outer.length))
                        return FIREWALL_EVERYBODY;
                else if (ip_in_prefix(&outer.addr, &inner->addr, inner->length))
                        whom = FIREWALL_SOME;
        }
        return whom;
}

static bool list_has_word(const char *list, const char *word) {
        char item[ITEM_MAX];

        while (next_item(&list, item))
                if (same_word(item, word))
                        return true;
        return false;
}

/* How many of the addresses that @service lets in @list covers. */
static FirewallWhom list_covers_all(const char *list, const WireState *state,
                                    const WireService *service) {
        uint32_t n = service->n_remotes, n_some = 0, n_all = 0;

        for (uint32_t i = 0; i < n; i++) {
                FirewallWhom whom = list_covers(list, &state->remotes[service->first_remote + i]);

                n_some += whom == FIREWALL_SOME;
                n_all += whom == FIREWALL_EVERYBODY;
        }
        return n_all == n           ? FIREWALL_EVERYBODY
               : n_some + n_all > 0 ? FIREWALL_SOME
                                    : FIREWALL_NOBODY;
}

static FirewallWhom covers_remotes(const char *list, const WireState *state,
                                   const WireService *service) {
        if (is_all(list))
                return FIREWALL_EVERYBODY;
        switch ((WireRemote) service->remote) {
        case WIRE_REMOTE_LOCAL_SUBNET:
                return list_has_word(list, "LocalSubnet") ? FIREWALL_EVERYBODY : FIREWALL_SOME;
        case WIRE_REMOTE_LIST:
                return list_covers_all(list, state, service);
        case WIRE_REMOTE_ANY:
        case _WIRE_REMOTE_END:
                break;
        }
        return FIREWALL_SOME;
}

static FirewallWhom covers_listen(const char *list, const IpAddr *listen) {
        WirePrefix local = {.addr = *listen, .length = (uint8_t) ip_family_bits(listen->family)};

        return is_all(list)        ? FIREWALL_EVERYBODY
               : ip_is_any(listen) ? FIREWALL_SOME
                                   : list_covers(list, &local);
}

static FirewallWhom fewer(FirewallWhom a, FirewallWhom b) {
        return a < b ? a : b;
}

/* Where nothing is forwarded, neither forwarder listens, so only a rule about everybody counts. */
static bool block_concerns(const FirewallBlock *b, WireForwarder forwarder) {
        return (b->portproxy || forwarder == WIRE_FORWARDER_RELAY) &&
               (b->relay || forwarder == WIRE_FORWARDER_PORTPROXY);
}

FirewallWhom firewall_block_whom(const FirewallBlock *b, const IpEndpoint *listen,
                                 const WireState *state, const WireService *service) {
        if (!has_port(b->ports, listen->port) || !(listen->udp ? b->udp : b->tcp) ||
            !block_concerns(b, forwarder_choose(service, wire_mode_reach(state->mode)).forwarder))
                return FIREWALL_NOBODY;
        return fewer(b->partly ? FIREWALL_SOME : FIREWALL_EVERYBODY,
                     fewer(covers_listen(b->local, &listen->addr),
                           covers_remotes(b->remote, state, service)));
}

/* Whether the rule is about everybody, or about this program and this service. */
static bool concerns(const FirewallSeenRule *r, const char *program, const char *service) {
        return (r->application[0] == '\0' || ends_with(r->application, program)) &&
               (is_all(r->service) || same_word(r->service, service));
}

static bool is_block(const FirewallSeenRule *r) {
        return r->enabled && r->inbound && r->blocks && r->package[0] == '\0';
}

static bool blocks_partly(const FirewallSeenRule *r) {
        return !is_all(r->remote_ports) || r->interfaces ||
               (r->interface_types[0] && !same_word(r->interface_types, "All"));
}

static void block_done(FirewallBlock *b) {
        free(b->name);
        free(b->ports);
        free(b->local);
        free(b->remote);
}

/* Append a copy of @from. Return: 0 or -ENOMEM. */
static int sight_append(FirewallSight *s, const FirewallBlock *from) {
        FirewallBlock *blocks = realloc(s->blocks, (s->n_blocks + 1) * sizeof(*blocks));
        FirewallBlock b = *from;

        if (!blocks)
                return -ENOMEM;
        s->blocks = blocks;
        b.name = firewall_text_copy(from->name);
        b.ports = firewall_text_copy(from->ports);
        b.local = firewall_text_copy(from->local);
        b.remote = firewall_text_copy(from->remote);
        if (!b.name || !b.ports || !b.local || !b.remote) {
                block_done(&b);
                return -ENOMEM;
        }
        s->blocks[s->n_blocks++] = b;
        return 0;
}

int firewall_sight_add(FirewallSight *s, const FirewallSeenRule *rule) {
        const FirewallBlock b = {
                .name = (char *) (uintptr_t) rule->name,
                .ports = (char *) (uintptr_t) rule->local_ports,
                .local = (char *) (uintptr_t) rule->local,
                .remote = (char *) (uintptr_t) rule->remote,
                .profiles = (uint8_t) (rule->profiles & WIRE_PROFILE_ALL),
                .tcp = rule->protocol == PROTOCOL_TCP || rule->protocol == PROTOCOL_ANY,
                .udp = rule->protocol == PROTOCOL_UDP || rule->protocol == PROTOCOL_ANY,
                .portproxy = concerns(rule, SVCHOST, FORWARDER),
                .relay = concerns(rule, RELAY_PROGRAM, NAMES_RELAY_SERVICE),
                .partly = blocks_partly(rule),
        };

        if (!is_block(rule) || (!b.tcp && !b.udp) || (!b.portproxy && !b.relay) ||
            b.profiles == 0 || s->n_blocks == FIREWALL_BLOCKS_MAX)
                return 0;
        return sight_append(s, &b);
}

int firewall_sight_copy(FirewallSight *to, const FirewallSight *from) {
        FirewallSight s = *from;
        int r = 0;

        s.blocks = NULL;
        s.n_blocks = 0;
        for (size_t i = 0; r == 0 && i < from->n_blocks; i++)
                r = sight_append(&s, &from->blocks[i]);
        if (r < 0)
                firewall_sight_done(&s);
        else
                *to = s;
        return r;
}

bool firewall_sight_equal(const FirewallSight *a, const FirewallSight *b) {
        if (a->known != b->known || a->connected != b->connected || a->off != b->off ||
            a->lets_in != b->lets_in || a->shut != b->shut || a->overridden != b->overridden ||
            a->n_unread != b->n_unread || strcmp(a->product, b->product) != 0 ||
            a->n_blocks != b->n_blocks)
                return false;
        for (size_t i = 0; i < a->n_blocks; i++) {
                const FirewallBlock *x = &a->blocks[i], *y = &b->blocks[i];

                if (x->profiles != y->profiles || x->partly != y->partly || x->tcp != y->tcp ||
                    x->udp != y->udp || x->portproxy != y->portproxy || x->relay != y->relay ||
                    strcmp(x->name, y->name) != 0 || strcmp(x->ports, y->ports) != 0 ||
                    strcmp(x->local, y->local) != 0 || strcmp(x->remote, y->remote) != 0)
                        return false;
        }
        return true;
}

void firewall_sight_done(FirewallSight *s) {
        for (size_t i = 0; i < s->n_blocks; i++)
                block_done(&s->blocks[i]);
        free(s->blocks);
        *s = FIREWALL_SIGHT_NULL;
}
