/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * reconcile(): from what is wanted, allowed, recorded and actually there to the changes to make
 * and the state of each service. A pure function: same input, same output; it never proposes to
 * touch a value that the ledger does not prove to be ours.
 */

#include "windows-helper/core/policy/hostnet.h"
#include "windows-helper/core/policy/policy.h"
#include "windows-helper/core/rules/ledger.h"
#include "windows-helper/core/rules/rule.h"

typedef struct ReconcileAgent {
        const char *owner;      /* ledger owner text; unique in the input */
        const WireState *state; /* borrowed */
        uint64_t since;         /* order of arrival: the lower one wins a free endpoint */
        bool wsl;               /* in a VM of WSL, for hostnet_judge() */
        bool hold; /* not back yet after our restart: keep what the ledger has for it (state NULL)
                    */
} ReconcileAgent;

typedef struct ReconcileInput {
        const ReconcileAgent *agents;
        size_t n_agents;
        const Policy *policy;
        const Ledger *ledger;
        const RuleTable *rules;     /* sorted */
        const RuleTable *adoptions; /* sorted; foreign values that may be replaced when wanted */
        const Hostnet *hostnet;
} ReconcileInput;

typedef enum ReconcileAction {
        RECONCILE_WRITE,  /* set the value to .next, ledger first */
        RECONCILE_REMOVE, /* delete .current and .next as far as they are there, then the entry */
        RECONCILE_FORGET, /* only the entry goes: what is there is somebody else's */
        RECONCILE_RECORD, /* only the ledger entry changes: the value is right already */
        RECONCILE_ADOPT,  /* delete the value .foreign if it still reads so; the endpoint is
                             free in the next run */
} ReconcileAction;

typedef struct ReconcileChange {
        ReconcileAction action;
        LedgerEntry entry; /* as to be put in the ledger before the change */
        size_t agent;      /* index in the input; SIZE_MAX: nobody's any more. A removal that has
                              one makes room for what that agent gets in the next run */
        uint32_t service;  /* index in that agent's state */
        const RuleValue *foreign; /* borrowed from the input's rules: what ADOPT deletes, and what
                                     FORGET found in the place of ours */
        bool restores;            /* WRITE of a value that was ours and was deleted */
} ReconcileChange;

/* An endpoint that an agent holds once the plan is carried out. */
typedef struct ReconcileEndpoint {
        IpEndpoint listen, connect;
        uint32_t agent, service;
} ReconcileEndpoint;

typedef struct ReconcilePlan {
        ReconcileChange *changes; /* owned; removals first, then writes, each by endpoint */
        size_t n_changes;
        WireServiceResult **results; /* owned; [agent][service]; NULL for agents on hold. Services
                                        with a write in 'changes' are ACTIVE here; whoever
                                        applies corrects those that fail */
        size_t n_agents;
        ReconcileEndpoint *endpoints; /* owned, sorted by listen */
        size_t n_endpoints;
        const ReconcileInput *input; /* borrowed */
} ReconcilePlan;

/* Return: 0 or -ENOMEM. */
int reconcile(const ReconcileInput *input, ReconcilePlan *ret_plan);
void reconcile_plan_done(ReconcilePlan *plan);
