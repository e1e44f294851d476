/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Carries out a plan through the host's functions, in an order that survives a kill between any two
 * of them:
 *
 *   1  put every entry of the plan in the ledger     (it proves the old and the new value)
 *   2  flush the ledger once
 *   3  read each value again; delete it, or write it, if it is still what was expected. If a port
 *      moves from PortProxy to the relay, activate before the relay's value comes: iphlpsvc still
 *      has the port until it is told
 *   4  activate once, if a value of PortProxy has changed that iphlpsvc was not told of
 *   5  flush the values once, in the tables that the plan is about
 *   6  make the ledger say what is true now
 *
 * The values of PortProxy and the ledger are in different files on disk (the hives SYSTEM and
 * SOFTWARE), so after a power cut one may be older than the other. The flush of phase 5 comes
 * before the entries stop proving the old values. It comes after the activation because nobody
 * should wait for the disk. Where phase 1 itself stops proving a value, because another one was
 * found in its place, there is one more flush before it.
 *
 * Without changes and without a due activation, nothing at all is called.
 *
 * A plan may be one slice of a larger change. Then phase 4 may be left to a later slice, because
 * iphlpsvc reads all values again at each activation. One entry of a value that was deleted stays
 * in the ledger until then: if the helper dies before, the entry makes the next helper activate. (A
 * slice of one change would leave just that change, again and again.)
 */

#include "windows-helper/core/rules/reconcile.h"
#include "windows-helper/core/rules/rule-view.h"

typedef enum ApplyActivation {
        APPLY_LATER,    /* not in this slice, because others follow soon */
        APPLY_OVERDUE,  /* the same, and so it was in a slice before this one */
        APPLY_CHANGES,  /* if a value changes */
        APPLY_ACTIVATE, /* in any case: an earlier activation failed or may not have happened */
} ApplyActivation;

typedef struct ApplyOutcome {
        int error;      /* first failure of a ledger or value operation; 0: none */
        int activation; /* what activate() returned; 0 also when it was not called */
        bool activated; /* activate() was called */
        bool postponed; /* values have changed since, or though it was not */
        bool relayed;   /* a value of the relay has changed */
        bool again;     /* the plan left something for another run */
        bool kept;      /* a removal is in the ledger until an activation succeeds */
        size_t n_written, n_deleted, n_adopted;
} ApplyOutcome;

/**
 * apply() - carry out @plan
 * @view: gets a note of each value that was changed
 * @ledger: the ledger in memory; it is kept the same as the stored one
 *
 * Worsens results in @plan where a change failed or met a foreign value.
 *
 * Return: 0, or -ENOMEM (nothing was changed).
 */
int apply(const RuleHost *host, RuleView *view, Ledger *ledger, ReconcilePlan *plan,
          ApplyActivation activation, ApplyOutcome *ret_outcome);
