/* SPDX-License-Identifier: MIT */

/*
 * Values as entries, and the difference between two tables.
 */

#include "windows-helper/core/relay/relay-table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RELAY_SIZE_FIRST 16

static RuleTarget relay_entry_target(const RelayEntry *e) {
        return (RuleTarget){e->connect.addr, e->connect.port,
                            e->proxy_v2 ? RULE_WAY_RELAY_PROXY_V2 : RULE_WAY_RELAY};
}

static RuleFamily relay_entry_family(const RelayEntry *e) {
        const RuleTarget target = relay_entry_target(e);

        return rule_family(&e->listen, &target);
}

void relay_entry_format(const RelayEntry *entry, char ret_name[RULE_TEXT_MAX],
                        char ret_data[RULE_DATA_MAX]) {
        const RuleTarget target = relay_entry_target(entry);

        rule_endpoint_format(&entry->listen, ret_name);
        rule_target_format(&target, ret_data);
}

static bool relay_address_can_listen(const IpAddr *addr) {
        if (addr->family == IP_FAMILY_V6)
                return addr->bytes[0] != 0xff; /* multicast */
        return addr->bytes[0] < 224;           /* neither multicast nor reserved nor broadcast */
}

const char *relay_entry_parse(RuleFamily family, const char *name, const char *data,
                              RelayEntry *ret_entry) {
        char same_name[RULE_TEXT_MAX], same_data[RULE_DATA_MAX];
        RelayEntry e = {0};
        RuleTarget target;

        if (!data)
                return "is not a plain text (REG_SZ)";
        if (rule_endpoint_parse(name, IP_FAMILY_NONE, &e.listen) < 0)
                return "is not named after an address and a port, as in '0.0.0.0/8080'";
        if (rule_target_parse(data, family, &target) < 0)
                return "does not lead to an address and a port, as in '172.28.64.10/80'";
        e.listen.udp = rule_family_is_udp(family);
        e.connect = (IpEndpoint){target.addr, target.port, e.listen.udp};
        e.proxy_v2 = target.way == RULE_WAY_RELAY_PROXY_V2;
        if (rule_family(&e.listen, &target) != family)
                return "is in the key of another family";
        if (e.proxy_v2 && e.listen.udp)
                return "asks for the PROXY protocol, which is for TCP only";
        if (!relay_address_can_listen(&e.listen.addr))
                return "listens on an address that no host has";
        if (ip_guest_problem(&e.connect.addr))
                return "leads to an address that no guest has";
        relay_entry_format(&e, same_name, same_data);
        if (strcmp(name, same_name) != 0 || strcmp(data, same_data) != 0)
                return "is not written as wslbridge writes it";
        *ret_entry = e;
        return NULL;
}

int relay_table_add(RelayTable *t, const RelayEntry *entry) {
        if (t->n_entries == RELAY_ENTRIES_MAX)
                return -ENOSPC;
        if (t->n_entries == t->size) {
                size_t size = t->size ? 2 * t->size : RELAY_SIZE_FIRST;
                RelayEntry *entries = realloc(t->entries, size * sizeof(*entries));

                if (!entries)
                        return -ENOMEM;
                t->entries = entries;
                t->size = size;
        }
        t->entries[t->n_entries++] = *entry;
        return 0;
}

/* The values were read family by family, so the family tells which was first. */
static int relay_sort_compare(const void *pa, const void *pb) {
        const RelayEntry *a = pa, *b = pb;
        int r = ip_endpoint_compare(&a->listen, &b->listen);

        return r ? r : (int) relay_entry_family(a) - (int) relay_entry_family(b);
}

size_t relay_table_sort(RelayTable *t) {
        size_t n = 0, n_before = t->n_entries;

        if (n_before < 2)
                return 0;
        qsort(t->entries, n_before, sizeof(*t->entries), relay_sort_compare);
        for (size_t i = 1; i < n_before; i++)
                if (ip_endpoint_compare(&t->entries[n].listen, &t->entries[i].listen) != 0)
                        t->entries[++n] = t->entries[i];
        t->n_entries = n + 1;
        return n_before - t->n_entries;
}

void relay_table_done(RelayTable *t) {
        free(t->entries);
        *t = RELAY_TABLE_NULL;
}

static bool relay_entry_leads_alike(const RelayEntry *a, const RelayEntry *b) {
        return ip_endpoint_compare(&a->connect, &b->connect) == 0 && a->proxy_v2 == b->proxy_v2;
}

bool relay_diff_next(RelayDiff *d, const RelayTable *old, const RelayTable *new,
                     RelayChange *ret_change) {
        const RelayEntry *a = d->old < old->n_entries ? &old->entries[d->old] : NULL;
        const RelayEntry *b = d->new < new->n_entries ? &new->entries[d->new] : NULL;
        int order;

        if (!a && !b)
                return false;
        order = !b ? -1 : !a ? 1 : ip_endpoint_compare(&a->listen, &b->listen);
        d->old += order <= 0;
        d->new += order >= 0;
        *ret_change = (RelayChange){
                .kind = order < 0                       ? RELAY_CLOSE
                        : order > 0                     ? RELAY_OPEN
                        : relay_entry_leads_alike(a, b) ? RELAY_SAME
                                                        : RELAY_MOVE,
                .old = order <= 0 ? a : NULL,
                .new = order >= 0 ? b : NULL,
        };
        return true;
}
