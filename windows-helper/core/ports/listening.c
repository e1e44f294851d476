/* SPDX-License-Identifier: MIT */

/*
 * The table of listening sockets as a growing array.
 */

#include "windows-helper/core/ports/listening.h"

#include <errno.h>
#include <stdlib.h>

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

static int listening_compare(const void *pa, const void *pb) {
        const Listening *a = pa, *b = pb;
        int r = ip_endpoint_compare(&a->endpoint, &b->endpoint);

        if (r != 0)
                return r;
        return a->pid < b->pid ? -1 : a->pid > b->pid;
}

void listening_table_sort(ListeningTable *t) {
        if (t->n > 1)
                qsort(t->items, t->n, sizeof(*t->items), listening_compare);
}

bool listening_may_be(const Listening *a, uint32_t process) {
        return a->pid == process || a->pid == 0;
}

void listening_table_done(ListeningTable *t) {
        free(t->items);
        *t = LISTENING_TABLE_NULL;
}
