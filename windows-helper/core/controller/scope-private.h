/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Whom a run is for. Most runs follow a change that one guest asked for. Then nothing can have
 * changed for the others, and looking at all of their endpoints would only make that guest wait.
 * So such a run is for some guests: those with a new STATE, and those with an endpoint that is
 * still being checked (see verify.h). If it leaves changes for another slice, the next run is for
 * some guests, too.
 *
 * A run for all comes first of all, after anything else that may change a decision, after a
 * failure, and SCOPE_ALL_USEC after a run for some: iphlpsvc has read all values again, so the
 * ports of the others are worth a look. It finds nothing else to do; a unit test compares the two.
 * While runs for some go on, one part in SCOPE_ALL_SHARE of the time is spent on those for all,
 * unless that would put one off for longer than SCOPE_ALL_MOST_USEC.
 */

#include "windows-helper/core/controller/controller-private.h"

#define SCOPE_ALL_USEC      UINT64_C(2000000)
#define SCOPE_ALL_MOST_USEC UINT64_C(10000000)
#define SCOPE_ALL_SHARE     50

typedef struct Scope {
        Guest *guests[CONTROLLER_GUESTS_MAX]; /* by index of the input */
        ReconcileGuest inputs[CONTROLLER_GUESTS_MAX];
        size_t n;
        bool partial;  /* not all guests */
        bool asked;    /* it follows requests of guests, and nothing else */
        Ledger ledger; /* owned; in a run for some: what it has for them */
} Scope;

/* Choose the guests of the run that is due. Without memory, it is for all. */
void scope_choose(Scope *scope, const Controller *controller);
void scope_all(Scope *scope, const Controller *controller); /* instead of that: for all */
void scope_done(Scope *scope);
