/* SPDX-License-Identifier: MIT */

/*
 * The table of listening sockets as a growing array. What is asked of it most is who has a port, so
 * the sockets of a port are neighbours.
 */

#include "windows-helper/core/ports/listening.h"

#include <errno.h>
#include <stdlib.h>

unsigned listening_tables_of(const IpEndpoint *endpoint) {
        bool v4 = endpoint->addr.family == IP_FAMILY_V4;

        if (endpoint->udp)
                return v4 ? LISTENING_UDP_V4 : LISTENING_UDP_V6;
        return v4 ? LISTENING_TCP_V4 : LISTENING_TCP_V6;
}

int listening_table_add(ListeningTable *t, const IpEndpoint *endpoint, uint32_t pid) {
        if (t->n == t->size) {
                size_t size = t->size > 0 ? 2 * t->size : 64;
                Listening *items = realloc(t->items, size * sizeof(*items));

                if (!items)
                        return -ENOMEM;
                t->items = items;
                t->size = size;
        }
        t->items[t->n++] = (Listening){*endpoint, pid};
        return 0;
}

static int listening_compare_ports(const IpEndpoint *a, const IpEndpoint *b) {
        return a->udp != b->udp ? (int) a->udp - (int) b->udp : (int) a->port - (int) b->port;
}

static int listening_compare(const void *pa, const void *pb) {
        const Listening *a = pa, *b = pb;
        int r = listening_compare_ports(&a->endpoint, &b->endpoint);

        if (r == 0)
                r = ip_compare(&a->endpoint.addr, &b->endpoint.addr);
        return r != 0 ? r : a->pid < b->pid ? -1 : a->pid > b->pid;
}

void listening_table_sort(ListeningTable *t) {
        if (t->n > 1)
                qsort(t->items, t->n, sizeof(*t->items), listening_compare);
}

const Listening *listening_table_at(const ListeningTable *t, const IpEndpoint *listen,
                                    const Listening **ret_end) {
        size_t from = 0, to = t->n;

        while (from < to) {
                size_t middle = from + (to - from) / 2;

                if (listening_compare_ports(&t->items[middle].endpoint, listen) < 0)
                        from = middle + 1;
                else
                        to = middle;
        }
        while (to < t->n && listening_compare_ports(&t->items[to].endpoint, listen) == 0)
                to++;
        *ret_end = t->items + to;
        return t->items + from;
}

bool listening_may_be(const Listening *a, uint32_t process) {
        return a->pid == process || a->pid == 0;
}

void listening_table_done(ListeningTable *t) {
        free(t->items);
        *t = LISTENING_TABLE_NULL;
}
