/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The agents (identities) that have a claim: what each wants, and until when the claim lasts when
 * nothing more is heard. An agent outlives its connections; that is what makes a restart of either
 * end cut nobody's session.
 */

#include "windows-helper/core/controller/controller.h"
#include "windows-helper/core/rules/ledger.h"

#define GUEST_NO_EXPIRY UINT64_MAX

#define GUEST_TEXT_MAX 96

typedef struct GuestServiceName {
        char text[WIRE_SERVICE_NAME_MAX + 1];
} GuestServiceName;

typedef struct Guest {
        char owner[LEDGER_OWNER_MAX + 1];
        uint64_t since;             /* order of arrival */
        PeerConnection *connection; /* the live one, or NULL */
        VmId vm;                    /* where it was met last; null: not known */
        bool wsl;                   /* that is a VM of WSL */
        /* the claim */
        bool hold;      /* what the ledger has for it, until it is back */
        bool has_state; /* what it asked for */
        WireState state;
        uint64_t state_serial; /* counts STATEs of all agents */
        uint64_t expires;      /* usec at which the claim lapses, or GUEST_NO_EXPIRY */
        /* the answer */
        bool answer_due;            /* a STATE came that no RESULT has answered yet */
        WireServiceResult *results; /* owned; of the last run, n_told of them */
        GuestServiceName *told;     /* owned; the names that go with them */
        uint32_t n_told;
        char told_guest[GUEST_TEXT_MAX]; /* address as logged last … */
        EventId told_event;              /* … and what was said of it */
} Guest;

typedef struct Guests {
        Guest *items[CONTROLLER_GUESTS_MAX]; /* owned, by arrival */
        size_t n;
        uint64_t arrivals, states;
} Guests;

#define GUESTS_NULL ((Guests){0})

Guest *guests_find(const Guests *a, const char *owner);

/* Return: 0, -ENOMEM, or -ENOSPC when CONTROLLER_GUESTS_MAX have a claim or a connection. */
int guests_add(Guests *a, const char *owner, Guest **ret_agent);
void guests_remove(Guests *a, Guest *agent);

/* An agent on hold for each owner in the ledger; those that don't fit have no claim. */
int guests_recover(Guests *a, const Ledger *ledger, uint64_t expires);

/* Take over @state as the agent's claim, for as long as its connection lasts. */
void guests_claim(Guests *a, Guest *agent, WireState *state);

/* Drop claims that have lapsed, and agents without claim and connection. Returns true when a claim
 * was dropped. */
bool guests_expire(Guests *a, uint64_t now_usec);
uint64_t guests_deadline(const Guests *a);
void guests_done(Guests *a);
