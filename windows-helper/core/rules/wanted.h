/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The first half of reconcile(): what the agents ask for, one entry per endpoint, as far as it can
 * be decided by looking at the agent alone. What stands against it elsewhere (other agents, foreign
 * values, the ledger) is reconcile.c's half.
 */

#include "windows-helper/core/rules/reconcile.h"

typedef struct Wanted {
        IpEndpoint listen, connect;
        uint32_t agent, service; /* indices in the input and in its state */
        uint32_t order;          /* position in the input: ties are decided by it */
} Wanted;

/**
 * wanted_collect() - expand services to endpoints, and judge each service on its own
 * @results: [agent][service], zeroed; gets what is decided here, ACTIVE for the rest
 * @ret_wanted: sorted by listen endpoint, then by arrival of the agent, then by position
 *
 * Return: 0 or -ENOMEM.
 */
int wanted_collect(const ReconcileInput *input, WireServiceResult **results, Wanted **ret_wanted,
                   size_t *ret_n);
