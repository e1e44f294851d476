/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Throttle: decides when the kernel's tables are read. Pure: the caller has the timer and makes the
 * dumps.
 *
 * The first event after quiet is answered at once. Then a window is open. When it ends without a
 * further event, one more dump confirms what was seen, because the kernel announces a change before
 * it has completed it: the routes of a removed address go after the message, and have no message of
 * their own.
 *
 * An event in an open window is answered at once as well, and the window begins anew: mostly it
 * brings the address that replaces a lost one, and clients wait for that. In a storm this must not
 * go on for ever. So there are THROTTLE_EARLY_MAX such dumps, and then one dump for each window. A
 * window that ends without a further event allows THROTTLE_EARLY_BACK of them again.
 *
 * The loss itself is only believed when a window has passed since it was first seen (doubt.h). When
 * the dump that ends a window is the first to see it, the owner doubts it: one more window follows.
 */

#include <stdbool.h>

/* What a DHCP client does when it changes an address: it takes the old one away, adds the new one,
 * and sets the default route. Here is room for twice that, after the first event. */
#define THROTTLE_EARLY_MAX 5

/* The new address and the route of the next such change. */
#define THROTTLE_EARLY_BACK 2

/* The most dumps while a storm lasts that never pauses for a window: one that opens the first
 * window, the early ones, one at the end of each window, and one that confirms. A doubt adds one
 * window and its dump. */
#define THROTTLE_STORM_MAX(n_windows) ((n_windows) + THROTTLE_EARLY_MAX + 2)

/* The most dumps ever, in the worst rhythm of events: each window is opened by a dump, has those
 * that the last one gave back, and is ended by one. */
#define THROTTLE_DUMPS_MAX(n_windows) (THROTTLE_EARLY_MAX + (2 + THROTTLE_EARLY_BACK) * (n_windows))

typedef enum ThrottleState {
        THROTTLE_REST,  /* the timer is off */
        THROTTLE_OPEN,  /* the timer runs, every event is answered */
        THROTTLE_OWING, /* the timer runs, an event waits for it */
        THROTTLE_RETRY, /* the timer runs, because the last dump has failed */
        _THROTTLE_STATE_END,
} ThrottleState;

typedef enum ThrottleInput {
        THROTTLE_EVENT,   /* something may have changed */
        THROTTLE_TIMER,   /* the timer has run out */
        THROTTLE_REFRESH, /* the owner wants a dump now */
        THROTTLE_FAILED,  /* the dump that the last step asked for has failed */
        THROTTLE_DOUBT,   /* what the last dump shows is too new to be believed */
        _THROTTLE_INPUT_END,
} ThrottleInput;

typedef struct Throttle { /* all zero at the start */
        ThrottleState state;
        unsigned n_early; /* early dumps made, less those that are allowed again */
} Throttle;

typedef struct ThrottleStep {
        bool dump;     /* now */
        bool trailing; /* this dump ends a window or comes alone; otherwise another one follows */
        bool arm;      /* then set the timer to a window from now, whether it runs or not */
} ThrottleStep;

/* The next step. After THROTTLE_FAILED the caller arms the timer itself, with a delay of its own.
 */
ThrottleStep throttle_step(Throttle *t, ThrottleInput input);
