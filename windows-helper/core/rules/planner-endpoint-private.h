/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What reconcile() knows about one listen endpoint: who asks for it, what the ledger has, and which
 * values were found.
 */

#include "windows-helper/core/rules/wanted.h"

typedef struct PlannerEndpoint {
        IpEndpoint listen;
        const Wanted *wanted;
        size_t n_wanted;
        const LedgerEntry *entry;
        const RuleValue *values;
        size_t n_values;
        /* derived */
        const RuleValue *foreign;   /* the first one */
        bool has_current, has_next; /* a value of ours as the entry's current or next */
        LedgerEntry adopted;        /* .entry, when there is none and a value is taken over */
} PlannerEndpoint;

/* Fill in what is derived, except .adopted: whose the values are. */
void planner_endpoint_sort_values(PlannerEndpoint *e);

/* A value of ours was found. */
bool planner_endpoint_found(const PlannerEndpoint *e);

/* Something of ours is in force: a value was found, or the entry needs none. */
bool planner_endpoint_is_held(const PlannerEndpoint *e);

/* True when either value may be there, so that the entry must go on proving both. Either both are
 * found: somebody put the old one back, and the two targets have keys of their own (v4tov4,
 * v4tov6). Or neither is found in the middle of a change. */
bool planner_endpoint_is_open(const PlannerEndpoint *e);
