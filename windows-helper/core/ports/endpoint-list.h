/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A sorted set of endpoints.
 */

#include "common/ip.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct EndpointList {
        IpEndpoint *items; /* owned, sorted; NULL when there are none */
        size_t n;
} EndpointList;

#define ENDPOINT_LIST_NULL ((EndpointList){0})

/* Take over @items, of which the first @n are sorted, as the whole list. */
void endpoint_list_set(EndpointList *l, IpEndpoint *items, size_t n);

/* Add @n endpoints, which are sorted and may be in the list already. Return: 0 or -ENOMEM. */
int endpoint_list_add(EndpointList *l, const IpEndpoint *endpoints, size_t n);

/* Remove those of @n endpoints, which are sorted, that are in the list. */
void endpoint_list_remove(EndpointList *l, const IpEndpoint *endpoints, size_t n);

/* Whether @endpoint is in the list. To be asked in the order of the endpoints: @at begins with 0
 * and is kept between the calls. */
bool endpoint_list_next(const EndpointList *l, size_t *at, const IpEndpoint *endpoint);
void endpoint_list_done(EndpointList *l);
