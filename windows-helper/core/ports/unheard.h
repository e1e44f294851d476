/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The endpoints on which no forwarder was seen to listen, nor WSL where it is to do that, as a
 * sorted list.
 *
 * One that waits for its forwarder may still be opened, or nobody has looked at it yet. One that is
 * late has had all the time that a forwarder gets. Where WSL is to listen it is silent: late at
 * once, because a program in the guest that does not run may never do.
 */

#include "common/ip.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct Unheard {
        IpEndpoint endpoint;
        bool late, silent;
} Unheard;

typedef struct UnheardList {
        Unheard *items; /* owned, sorted by endpoint; NULL when there are none */
        size_t n;
} UnheardList;

/* Take over @items, of which the first @n are sorted, as the whole list. */
void unheard_set(UnheardList *l, Unheard *items, size_t n);

/* Let @n endpoints, which are sorted and may be in the list, wait. Return: 0 or -ENOMEM, and then
 * the list is as it was. */
int unheard_wait(UnheardList *l, const IpEndpoint *endpoints, size_t n);

/* Whether there is one that is late, and silent or not. */
bool unheard_any_late(const UnheardList *l, bool silent);

/* Let what is late wait again, because it is not known to be open. What is silent is open. */
void unheard_forget_late(UnheardList *l);

/* What is known of @endpoint, or NULL. To be asked in the order of the endpoints: @at begins with 0
 * and is kept between the calls. */
const Unheard *unheard_next(const UnheardList *l, size_t *at, const IpEndpoint *endpoint);
void unheard_done(UnheardList *l);
