/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The first half of reconcile(): what the guests ask for, one entry for each endpoint. It decides
 * what can be decided by looking at one guest alone. reconcile.c decides the rest, which depends
 * on other guests, foreign values and the ledger.
 */

#include "windows-helper/core/rules/reconcile.h"

typedef struct Wanted {
        IpEndpoint listen;
        RuleTarget target;
        uint32_t guest, service; /* index in the input, and in that guest's state */
        WireReach reach;         /* when it is not FORWARDED, .target is not set */
        uint32_t order;          /* the lower one wins a tie: by arrival, then by position */
} Wanted;

/**
 * wanted_collect() - expand services to endpoints, and judge each service on its own
 * @results: [guest][service], zeroed; gets what is decided here, and ACTIVE for the rest
 * @ret_wanted: sorted by listen endpoint, then by arrival of the guest, then by position
 *
 * Return: 0 or -ENOMEM.
 */
int wanted_collect(const ReconcileInput *input, WireServiceResult **results, Wanted **ret_wanted,
                   size_t *ret_n);
