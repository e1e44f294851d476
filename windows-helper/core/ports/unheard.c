/* SPDX-License-Identifier: MIT */

/*
 * The list as an array, which is walked along with other sorted arrays.
 */

#include "windows-helper/core/ports/unheard.h"

#include <errno.h>
#include <stdlib.h>

void unheard_set(UnheardList *l, Unheard *items, size_t n) {
        free(l->items);
        if (n == 0) { /* an empty list keeps no memory */
                free(items);
                items = NULL;
        }
        *l = (UnheardList){items, n};
}

int unheard_wait(UnheardList *l, const IpEndpoint *endpoints, size_t n) {
        Unheard *items;
        size_t i = 0, k = 0, to = 0;

        if (n == 0)
                return 0;
        items = malloc((l->n + n) * sizeof(*items));
        if (!items)
                return -ENOMEM;
        while (i < l->n || k < n) {
                int order = i == l->n ? 1
                            : k == n  ? -1
                                      : ip_endpoint_compare(&l->items[i].endpoint, &endpoints[k]);

                items[to++] = order < 0 ? l->items[i] : (Unheard){.endpoint = endpoints[k]};
                i += order <= 0;
                k += order >= 0;
        }
        unheard_set(l, items, to);
        return 0;
}

bool unheard_any_late(const UnheardList *l, bool silent) {
        for (size_t i = 0; i < l->n; i++)
                if (l->items[i].late && l->items[i].silent == silent)
                        return true;
        return false;
}

void unheard_forget_late(UnheardList *l) {
        for (size_t i = 0; i < l->n; i++)
                l->items[i].late = l->items[i].silent;
}

const Unheard *unheard_next(const UnheardList *l, size_t *at, const IpEndpoint *endpoint) {
        int order = -1;

        while (*at < l->n && (order = ip_endpoint_compare(&l->items[*at].endpoint, endpoint)) < 0)
                ++*at;
        return *at < l->n && order == 0 ? &l->items[*at] : NULL;
}

void unheard_done(UnheardList *l) {
        unheard_set(l, NULL, 0);
}
