/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * reconcile(): compares the endpoints that are wanted, allowed, recorded and really there. It
 * returns the changes to make and the state of each service, and it is a pure function. It never
 * proposes to touch a value that the ledger does not prove to be ours, except one that an
 * administrator asked to adopt.
 */

#include "windows-helper/core/base/forwarder.h"
#include "windows-helper/core/policy/hostnet.h"
#include "windows-helper/core/policy/policy.h"
#include "windows-helper/core/rules/ledger.h"
#include "windows-helper/core/rules/rule.h"

#include "protocol/wire/modes.h"

typedef struct ReconcileGuest {
        const char *owner;      /* ledger owner text; unique in the input */
        const WireState *state; /* borrowed */
        uint64_t since;         /* order of arrival; the lower one wins a free endpoint */
        bool wsl;               /* in a VM of WSL, for hostnet_judge() */
        bool in_grace;   /* not back since our start: keep its ledger entries; .state is NULL */
        uint8_t version; /* of the protocol in which .state came */
} ReconcileGuest;

typedef struct ReconcileInput {
        const ReconcileGuest *guests;
        size_t n_guests;
        const Policy *policy;
        const Ledger *ledger;
        const RuleTable *rules;     /* sorted */
        const RuleTable *adoptions; /* sorted; foreign values that may be replaced */
        const Hostnet *hostnet;
        ForwarderMeans means;
        bool partial; /* .guests are only those for whom something has changed, and .ledger has only
                         their entries. No other guest asks for or holds one of their endpoints */
} ReconcileInput;

typedef enum ReconcileAction {
        RECONCILE_WRITE,  /* set the value to .next, ledger first */
        RECONCILE_REMOVE, /* delete .current and .next if they are there, then the entry */
        RECONCILE_FORGET, /* remove only the entry: the value that is there is foreign */
        RECONCILE_RECORD, /* change only the ledger entry: the value is right already */
        RECONCILE_ADOPT,  /* delete the value .foreign if it still reads the same; the endpoint
                             is free in the next run */
} ReconcileAction;

typedef struct ReconcileChange {
        ReconcileAction action;
        LedgerEntry entry; /* to be put in the ledger before the change */
        size_t guest;      /* index in the input, or SIZE_MAX. A removal with a guest makes room
                              for the value that this guest gets in the next run */
        uint32_t service;  /* index in that guest's state */
        const RuleValue *foreign; /* borrowed from the input's rules: the value that ADOPT deletes,
                                     that WRITE or RECORD takes over, or that FORGET found in
                                     place of ours */
        bool holds;    /* REMOVE: the entry stays as a direct one, so that nobody else gets
                          the endpoint meanwhile */
        bool was_held; /* WRITE: the guest held the endpoint without a value, so another forwarder
                          may just have had it */
        bool restores; /* WRITE: the value was ours and somebody deleted it */
        bool stays;    /* WRITE or RECORD: the guest's own value was found, and keeps its name. So
                          its port stays open (fact 4.1.11) */
} ReconcileChange;

/* Whether to forward to the address of @guest, which has a state; see hostnet_judge(). */
HostnetVerdict reconcile_judge_address(const ReconcileGuest *guest, const Hostnet *hostnet,
                                       char ret_why[WIRE_TEXT_MAX + 1]);

/* Where @guest, which has a state, is in the host's network (WirePlace). */
WirePlace reconcile_place(const ReconcileGuest *guest, const Hostnet *hostnet);

/* How the ports of @guest, which has a state, are reached, as far as it may ask for that: a mode
 * that its version of the protocol does not serve counts as one without a network. */
WireReach reconcile_reach(const ReconcileGuest *guest, const Hostnet *hostnet);

/* An endpoint that a guest holds once the plan is carried out. */
typedef struct ReconcileEndpoint {
        IpEndpoint listen;
        RuleTarget target;
        uint32_t guest, service;
        WireReach reach; /* when it is not FORWARDED, no value belongs to it */
        bool moves;      /* its value comes in a later run: nobody listens there for it yet */
        bool closed;     /* filled by verify(): another program or forwarder has the port, or nobody
                            of ours listens there */
} ReconcileEndpoint;

typedef struct ReconcilePlan {
        ReconcileChange *changes; /* owned; removals first, then writes, each by endpoint */
        size_t n_changes;
        WireServiceResult **results; /* owned; [guest][service]; NULL for guests in their
                                        grace period, and for those with changes left (see
                                        slice.h). A service with a write in .changes is
                                        ACTIVE here; apply() corrects it if the write fails */
        size_t n_guests;
        ReconcileEndpoint *endpoints; /* owned, sorted by listen */
        size_t n_endpoints;
        size_t n_decided; /* endpoints that were decided on, whatever was decided */
        bool *checking;   /* owned; filled by verify(): [guest] has an endpoint that waits for
                             its forwarder, or that has an obstacle */
        bool *waiting;    /* owned; the same, and it waits for its forwarder or a look */
        bool unseen;      /* filled by verify(): nobody could look who listens */
        bool *unsettled;  /* owned; filled by verify(): [guest] has an endpoint whose state
                             verify_recall() cannot tell */
        /* filled by slice_take() */
        size_t *left;   /* owned; changes left for later: [guest], and behind them of all others */
        size_t n_left;  /* their sum */
        bool completes; /* .changes has the last changes of a guest */
        const ReconcileInput *input; /* borrowed */
} ReconcilePlan;

/* Return: 0 or -ENOMEM. */
int reconcile(const ReconcileInput *input, ReconcilePlan *ret_plan);
void reconcile_plan_done(ReconcilePlan *plan);
