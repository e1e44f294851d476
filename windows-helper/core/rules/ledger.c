/* SPDX-License-Identifier: MIT */

/*
 * The ledger as a sorted array and as text. apply.c decides when it changes.
 */

#include "windows-helper/core/rules/ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LEDGER_SIZE_FIRST 64
#define LEDGER_NONE       "-"
#define LEDGER_STAR       "|*"
#define LEDGER_DIRECT     "direct"
#define LEDGER_RELAY      "relay "

/* The index of the first entry whose endpoint is not below @listen. */
static size_t ledger_lower_bound(const Ledger *l, const IpEndpoint *listen) {
        size_t low = 0, high = l->n_entries;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (ip_endpoint_compare(&l->entries[middle].listen, listen) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

LedgerEntry *ledger_find(const Ledger *l, const IpEndpoint *listen) {
        size_t i = ledger_lower_bound(l, listen);

        if (i == l->n_entries || ip_endpoint_compare(&l->entries[i].listen, listen) != 0)
                return NULL;
        return &l->entries[i];
}

int ledger_reserve(Ledger *l, size_t n) {
        size_t size = l->size ? l->size : LEDGER_SIZE_FIRST;
        LedgerEntry *entries;

        if (n <= l->size - l->n_entries)
                return 0;
        while (size - l->n_entries < n)
                size *= 2;
        entries = realloc(l->entries, size * sizeof(*entries));
        if (!entries)
                return -ENOMEM;
        l->entries = entries;
        l->size = size;
        return 0;
}

int ledger_put(Ledger *l, const LedgerEntry *entry) {
        size_t i = ledger_lower_bound(l, &entry->listen);
        int r;

        if (i < l->n_entries && ip_endpoint_compare(&l->entries[i].listen, &entry->listen) == 0) {
                l->entries[i] = *entry;
                return 0;
        }
        r = ledger_reserve(l, 1);
        if (r < 0)
                return r;
        memmove(&l->entries[i + 1], &l->entries[i], (l->n_entries - i) * sizeof(*l->entries));
        l->entries[i] = *entry;
        l->n_entries++;
        return 0;
}

void ledger_merge(Ledger *l, const LedgerEntry *const *entries, size_t n) {
        size_t old = l->n_entries, to = old + n;

        /* From the back, so that no entry is overwritten before it has been moved. */
        while (n > 0) {
                if (old > 0 &&
                    ip_endpoint_compare(&l->entries[old - 1].listen, &entries[n - 1]->listen) > 0) {
                        l->entries[--to] = l->entries[--old];
                } else {
                        l->entries[--to] = *entries[--n];
                        l->n_entries++;
                }
        }
}

void ledger_entry_void(LedgerEntry *e) {
        e->current = (RuleTarget){0};
        e->next = (RuleTarget){0};
        e->direct = false;
}

LedgerEntry ledger_entry_held(const LedgerEntry *e) {
        LedgerEntry held = *e;

        ledger_entry_void(&held);
        held.star = false;
        held.direct = true;
        return held;
}

void ledger_done(Ledger *l) {
        free(l->entries);
        *l = LEDGER_NULL;
}

/* Thousands of entries that came and went do not keep their memory. A quarter is left before half
 * of it goes, so that few changes do not let it go and come. The last entry takes all with it. A
 * small block that is left of a large one stays in its place, and a heap that has grown to there
 * cannot give back the pages before it. */
static void ledger_shrink(Ledger *l) {
        size_t size = LEDGER_SIZE_FIRST;
        LedgerEntry *entries;

        if (l->n_entries == 0) {
                ledger_done(l);
                return;
        }
        while (size < 2 * l->n_entries)
                size *= 2;
        if (size > l->size / 2)
                return;
        entries = realloc(l->entries, size * sizeof(*entries));
        if (!entries) /* it stays as it was */
                return;
        l->entries = entries;
        l->size = size;
}

void ledger_compact(Ledger *l) {
        size_t to = 0;

        for (size_t i = 0; i < l->n_entries; i++) {
                const LedgerEntry *e = &l->entries[i];

                if (rule_target_is_set(&e->current) || rule_target_is_set(&e->next) || e->direct) {
                        if (to != i)
                                l->entries[to] = *e;
                        to++;
                }
        }
        l->n_entries = to;
        ledger_shrink(l);
}

bool ledger_entry_owns(const LedgerEntry *e, const RuleTarget *target) {
        return rule_target_is_set(target) &&
               (rule_target_equal(&e->current, target) || rule_target_equal(&e->next, target));
}

unsigned ledger_entry_forwarders(const LedgerEntry *e) {
        return rule_target_forwarder(&e->current) | rule_target_forwarder(&e->next);
}

bool ledger_entry_drops_proof(const LedgerEntry *known, const LedgerEntry *e) {
        return (rule_target_is_set(&known->current) && !ledger_entry_owns(e, &known->current)) ||
               (rule_target_is_set(&known->next) && !ledger_entry_owns(e, &known->next));
}

bool ledger_entry_proves(const LedgerEntry *e, const RuleValue *value) {
        return rule_value_is(value, &e->current, e->star) ||
               rule_value_is(value, &e->next, e->star);
}

void ledger_name_format(const IpEndpoint *listen, char ret_name[LEDGER_NAME_MAX]) {
        rule_endpoint_format(listen, ret_name);
        if (listen->udp)
                memcpy(ret_name + strlen(ret_name), IP_UDP_TEXT, sizeof(IP_UDP_TEXT));
}

static void ledger_target_format(const RuleTarget *target, char ret_text[LEDGER_TARGET_MAX]) {
        bool relay = rule_target_is_relay(target);

        strcpy(ret_text, relay ? LEDGER_RELAY : LEDGER_NONE);
        if (rule_target_is_set(target))
                rule_target_format(target, ret_text + (relay ? strlen(LEDGER_RELAY) : 0));
}

/* Without printf, because this runs twice for each rule of a batch. */
static char *ledger_append(char *p, const char *text, char end) {
        size_t n = strlen(text);

        memcpy(p, text, n);
        p[n] = end;
        return p + n + 1;
}

void ledger_entry_format(const LedgerEntry *e, char ret_data[LEDGER_TEXT_MAX + 1]) {
        char target[LEDGER_TARGET_MAX], *p = ret_data;

        p = ledger_append(p, e->owner, '|');
        p = ledger_append(p, e->service, '|');
        ledger_target_format(&e->current, target);
        p = ledger_append(p, target, '|');
        ledger_target_format(&e->next, target);
        if (e->direct)
                strcpy(target, LEDGER_DIRECT);
        p = ledger_append(p, target, '\0');
        if (e->star)
                memcpy(p - 1, LEDGER_STAR, sizeof(LEDGER_STAR));
}

static int ledger_target_parse(const char *text, RuleTarget *ret_target) {
        size_t n = strlen(LEDGER_RELAY);

        if (strcmp(text, LEDGER_NONE) == 0) {
                *ret_target = (RuleTarget){0};
                return 0;
        }
        if (strncmp(text, LEDGER_RELAY, n) == 0)
                return rule_target_parse(text + n, RULE_RELAY_TCP, ret_target);
        return rule_target_parse(text, RULE_V4TOV4, ret_target);
}

static int ledger_name_parse(const char *name, IpEndpoint *ret_listen) {
        size_t n = strlen(name), n_udp = strlen(IP_UDP_TEXT);
        char text[LEDGER_NAME_MAX];
        bool udp = n > n_udp && n < sizeof(text) && strcmp(name + n - n_udp, IP_UDP_TEXT) == 0;
        int r;

        if (!udp)
                return rule_endpoint_parse(name, IP_FAMILY_NONE, ret_listen);
        memcpy(text, name, n + 1);
        text[n - n_udp] = '\0';
        r = rule_endpoint_parse(text, IP_FAMILY_NONE, ret_listen);
        ret_listen->udp = true;
        return r;
}

/* Only the relay carries UDP, and it knows no "*". */
bool ledger_target_fits(const LedgerEntry *e, const RuleTarget *t) {
        if (!rule_target_is_set(t))
                return true;
        return rule_target_is_relay(t) ? !e->star && (t->way == RULE_WAY_RELAY || !e->listen.udp)
                                       : !e->listen.udp;
}

int ledger_entry_parse(const char *name, const char *data, LedgerEntry *ret_entry) {
        char copy[LEDGER_TEXT_MAX + 1], own_data[LEDGER_TEXT_MAX + 1], own_name[LEDGER_NAME_MAX];
        char *part[3];
        LedgerEntry e = {0};
        size_t n = strlen(data);

        if (n > LEDGER_TEXT_MAX || ledger_name_parse(name, &e.listen) < 0)
                return -EINVAL;
        memcpy(copy, data, n + 1);
        e.star = ip_is_any(&e.listen.addr) && n > strlen(LEDGER_STAR) &&
                 strcmp(copy + n - strlen(LEDGER_STAR), LEDGER_STAR) == 0;
        if (e.star)
                copy[n - strlen(LEDGER_STAR)] = '\0';
        /* From the right, because the owner, which comes first, may contain a '|'. */
        for (int i = 2; i >= 0; i--) {
                part[i] = strrchr(copy, '|');
                if (!part[i])
                        return -EINVAL;
                *part[i]++ = '\0';
        }
        n = strlen(copy);
        if (n == 0 || n > LEDGER_OWNER_MAX || !wire_service_name_valid(part[0]) ||
            ledger_target_parse(part[1], &e.current) < 0)
                return -EINVAL;
        e.direct = strcmp(part[2], LEDGER_DIRECT) == 0;
        if (!e.direct && ledger_target_parse(part[2], &e.next) < 0)
                return -EINVAL;
        if ((!rule_target_is_set(&e.current) && !rule_target_is_set(&e.next)) != e.direct ||
            (e.direct && e.star) || !ledger_target_fits(&e, &e.current) ||
            !ledger_target_fits(&e, &e.next))
                return -EINVAL;
        memcpy(e.owner, copy, n + 1);
        memcpy(e.service, part[0], strlen(part[0]) + 1);
        /* Accept only what we would write. An entry whose name is spelled differently could never
         * be replaced or removed, and would be back at each start. */
        ledger_name_format(&e.listen, own_name);
        ledger_entry_format(&e, own_data);
        if (strcmp(name, own_name) != 0 || strcmp(data, own_data) != 0)
                return -EINVAL;
        *ret_entry = e;
        return 0;
}
