/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Whom a run is for. Most runs follow a change that one guest asked for. Then nothing can have
 * changed for the others, and looking at all of their endpoints would only make that guest wait.
 * So such a run is for some guests: those with a new STATE, and those with an endpoint that is
 * still being checked (see verify.h). If it leaves changes for another slice, or a look for after
 * the answers that need none, the next run is for some guests, too.
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
        bool has_news[CONTROLLER_GUESTS_MAX]; /* the guest has, or had before the run … */
        bool waits[CONTROLLER_GUESTS_MAX];    /* … and so is this */
        bool looked;                          /* set after the run: it has found out who listens */
        size_t n;
        bool partial;   /* not all guests */
        bool requested; /* it follows requests of guests, and nothing else … */
        bool asked;     /* … and nothing has failed */
        Ledger ledger;  /* owned; in a run for some: what it has for them */
} Scope;

/* Choose the guests of the run that is due. Without memory, it is for all. */
void scope_choose(Scope *scope, const Controller *controller);
void scope_all(Scope *scope, const Controller *controller); /* instead of that: for all */
void scope_done(Scope *scope);

/*
 * Each guest's share of the helper's time. A guest that asks again and again has about one part in
 * SHARE_PART of the time for the runs that it asks for, while other guests are connected. A STATE
 * that comes when the share is used up waits, for SHARE_WAIT_USEC at most, and a newer one takes
 * its place. A look at what its endpoints wait for waits, too.
 *
 * A guest that has news now and then does not wait: what it has not used in the last
 * SHARE_UNUSED_USEC is left to it, and a first correction of what is still being done is taken at
 * once, because that saves work.
 */

#define SHARE_PART        4
#define SHARE_UNUSED_USEC UINT64_C(500000)
#define SHARE_WAIT_USEC   UINT64_C(1500000)

/* @c's guest has sent @state, which is taken over: it becomes the guest's claim, or it waits. */
void share_ask(PeerConnection *c, WireState *state, uint8_t version, uint64_t now_usec);
/* What has waited long enough becomes its guest's claim. */
void share_wake(Controller *controller, uint64_t now_usec);
/* When the next wait is over, or SESSION_NO_DEADLINE. */
uint64_t share_deadline(const Controller *controller);
/* Whether the look that is due may be made now. Otherwise it is put off: looks count as time of the
 * guests whose endpoints wait for a forwarder or for the first one, and all of these have used up
 * their share. */
bool share_may_look(Controller *controller, uint64_t now_usec);
/* A run for @scope has begun at @now_usec and taken @took_usec. Guests with news have used it, and
 * if somebody has looked who listens, those who waited for that. */
void share_charge(const Scope *scope, uint64_t took_usec, uint64_t now_usec);
