/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Carrying out a plan through the host's functions, in an order that is safe against a kill between
 * any two of them:
 *
 *   1  every entry as the plan has it, to the ledger     (proof for old and new values)
 *   2  one flush
 *   3  each value: read again, then written or deleted if it still is what was expected
 *   4  one activation
 *   5  one flush of the values
 *   6  the ledger says what is now true
 *
 * The values are in another file of the disk than the ledger (hives SYSTEM and SOFTWARE), so after
 * a power cut one may be older than the other. The flush of phase 5 comes before the entries stop
 * proving the old values; it comes after the activation because nobody should wait for the disk.
 * Where phase 1 itself stops proving a value, because another one was found in its place, there is
 * one more flush before it.
 *
 * Without changes and without a due activation nothing at all is called.
 */

#include "windows-helper/core/rules/reconcile.h"
#include "windows-helper/core/rules/rule-host.h"

typedef struct ApplyOutcome {
        int error;      /* first failure of a ledger or value operation; 0: none */
        int activation; /* what activate returned; 0 also when it was not needed */
        bool activated; /* it was called */
        bool again;     /* the plan left something for another run */
        size_t n_written, n_deleted, n_adopted;
} ApplyOutcome;

/**
 * apply() - carry out @plan
 * @ledger: the ledger in memory, follows what is stored
 * @activate: activate even if no value changes (an earlier one failed, or may not have happened)
 *
 * Results in @plan are worsened where a change failed or met a foreign value.
 *
 * Return: 0, or -ENOMEM (nothing was changed).
 */
int apply(const RuleHost *host, Ledger *ledger, ReconcilePlan *plan, bool activate,
          ApplyOutcome *ret_outcome);
