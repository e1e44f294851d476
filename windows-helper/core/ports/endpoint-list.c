/* SPDX-License-Identifier: MIT */

/*
 * The set as an array, which is walked along with other sorted arrays.
 */

#include "windows-helper/core/ports/endpoint-list.h"

#include <errno.h>
#include <stdlib.h>

void endpoint_list_set(EndpointList *l, IpEndpoint *items, size_t n) {
        free(l->items);
        if (n == 0) { /* an empty list keeps no memory */
                free(items);
                items = NULL;
        }
        *l = (EndpointList){items, n};
}

int endpoint_list_add(EndpointList *l, const IpEndpoint *endpoints, size_t n) {
        IpEndpoint *items;
        size_t i = 0, k = 0, to = 0;

        if (n == 0)
                return 0;
        items = malloc((l->n + n) * sizeof(*items));
        if (!items)
                return -ENOMEM;
        while (i < l->n || k < n) {
                int order = i == l->n ? 1
                            : k == n  ? -1
                                      : ip_endpoint_compare(&l->items[i], &endpoints[k]);

                items[to++] = order <= 0 ? l->items[i] : endpoints[k];
                i += order <= 0;
                k += order >= 0;
        }
        endpoint_list_set(l, items, to);
        return 0;
}

void endpoint_list_remove(EndpointList *l, const IpEndpoint *endpoints, size_t n) {
        size_t to = 0, k = 0;

        for (size_t i = 0; i < l->n; i++) {
                while (k < n && ip_endpoint_compare(&endpoints[k], &l->items[i]) < 0)
                        k++;
                if (k == n || ip_endpoint_compare(&endpoints[k], &l->items[i]) != 0)
                        l->items[to++] = l->items[i];
        }
        l->n = to;
        if (to == 0)
                endpoint_list_done(l);
}

bool endpoint_list_next(const EndpointList *l, size_t *at, const IpEndpoint *endpoint) {
        while (*at < l->n && ip_endpoint_compare(&l->items[*at], endpoint) < 0)
                ++*at;
        return *at < l->n && ip_endpoint_compare(&l->items[*at], endpoint) == 0;
}

void endpoint_list_done(EndpointList *l) {
        endpoint_list_set(l, NULL, 0);
}
