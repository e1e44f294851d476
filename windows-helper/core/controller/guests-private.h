/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The guests (identities) that have a claim: what each wants, and how long the claim lasts when
 * nothing more is heard. A guest outlives its connections. That is why a restart of either end
 * cuts no forwarded connection.
 */

#include "windows-helper/core/controller/controller.h"
#include "windows-helper/core/rules/ledger.h"

#define GUEST_NO_EXPIRY UINT64_MAX

#define GUEST_TEXT_MAX 96

typedef struct GuestServiceName {
        char text[WIRE_SERVICE_NAME_MAX + 1];
} GuestServiceName;

/* A STATE that is not the claim yet; see share.c. */
typedef struct GuestNext {
        WireState state; /* owned */
        uint8_t version; /* of the protocol in which it came */
        bool waits;      /* there is one */
        bool of_session; /* it came on the live connection */
        uint64_t came_usec;
        uint64_t since_usec; /* when the first one came that it has replaced */
} GuestNext;

typedef struct Guest {
        char owner[LEDGER_OWNER_MAX + 1];
        uint64_t since;             /* order of arrival */
        PeerConnection *connection; /* the live one, or NULL */
        Peer peer;                  /* where it was seen last */
        unsigned waited;            /* see slice_take() */
        bool keyed;                 /* it is paired, and proved that if it has connected */
        bool privileged;            /* it connected from a port that only root may use */
        /* the claim */
        bool in_grace;   /* grace period after our start: it keeps what the ledger has for it */
        bool has_state;  /* it asked for .state */
        uint8_t version; /* of the protocol in which .state came */
        WireState state;
        uint64_t state_serial; /* counts the STATEs of all guests */
        uint64_t asked_usec;   /* when it had come */
        uint64_t paid_usec;    /* until then its share of the time is used up */
        GuestNext next;
        bool corrected;   /* .state has taken the place of one that was not answered */
        uint64_t expires; /* usec at which the claim lapses, or GUEST_NO_EXPIRY */
        /* the answer */
        WireServiceResult *results; /* owned; as reported last, n_reported of them */
        GuestServiceName *reported; /* owned; the names that go with them */
        uint32_t n_reported;
        uint64_t reported_serial; /* the .state_serial of that STATE */
        uint8_t place;            /* WirePlace; as reported last */
        bool answer_due;          /* a STATE came that no RESULT has answered yet */
        bool is_checked;          /* an endpoint waits for iphlpsvc, or has an obstacle */
        bool waits;               /* … for one of these, or for the first look */
        bool is_seen;             /* somebody has looked at its endpoints, and found obstacles
                                     for none. Verify has a list of those that are new since */
        char logged_address[GUEST_TEXT_MAX]; /* as logged last … */
        uint8_t logged_mode, logged_place;   /* … in this networking mode, at this place … */
        EventId logged_event;                /* … and with this event */
} Guest;

typedef struct Guests {
        Guest *items[CONTROLLER_GUESTS_MAX]; /* owned, by arrival */
        size_t n;
        uint64_t arrivals, states;
} Guests;

#define GUESTS_NULL ((Guests){0})

/* The guest with this owner text, or NULL. */
Guest *guests_find(const Guests *guests, const char *owner);

/* Whether its STATE has not been answered yet. */
bool guest_has_news(const Guest *guest);
/* Drop the STATE that waits. */
void guest_drop_next(Guest *guest);

/* Return: 0, -ENOMEM, or -ENOSPC when CONTROLLER_GUESTS_MAX have a claim or a connection. */
int guests_add(Guests *guests, const char *owner, Guest **ret_guest);
/* Free @guest, which is in the list, and take it out. */
void guests_remove(Guests *guests, Guest *guest);

/* Add a guest in its grace period for each owner in the ledger. Those that do not fit have no
 * claim. */
int guests_recover(Guests *guests, const Ledger *ledger, uint64_t expires);

/* Make @state, which is taken over, the guest's claim for as long as its connection lasts.
 * @version: of the protocol in which it came */
void guests_claim(Guests *guests, Guest *guest, WireState *state, uint8_t version,
                  uint64_t now_usec);

/* Drop claims that have lapsed, and guests without claim and connection. Returns true when a claim
 * was dropped. */
bool guests_expire(Guests *guests, uint64_t now_usec);
/* When the next claim lapses, or GUEST_NO_EXPIRY. */
uint64_t guests_deadline(const Guests *guests);
void guests_done(Guests *guests);
