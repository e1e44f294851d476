/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Choice: the address at which the host reaches this guest, as snapshot.h chose it, and what is odd
 * about it. Pure.
 */

#include "protocol/wire/wire.h"

#include <stdbool.h>

/* Why there is no address, or what is odd about the chosen one; of several oddities the first that
 * is listed here. */
typedef enum ChoiceProblem {
        CHOICE_OK,
        /* no address */
        CHOICE_NO_INTERFACE, /* the configured interface or address does not exist */
        CHOICE_NO_ROUTE,     /* nothing to choose by, and no adapter is left over */
        CHOICE_LINK_DOWN,
        CHOICE_NO_ADDRESS, /* the interface has no usable address */
        /* an address that the host may not reach, or not for long */
        CHOICE_OFF_LINK,    /* the gateway is outside the address's subnet: someone set a static
                               address and the virtual switch will drop it */
        CHOICE_SECOND_BEST, /* the interface that fits best has none; this is another one's */
        CHOICE_DEPRECATED,  /* its preferred lifetime is over, and there is no other */
        CHOICE_ALIAS,       /* it goes with another one or changes by itself; there is no other */
        CHOICE_AMBIGUOUS,   /* the first of several, and no gateway shows which one is right */
        CHOICE_OTHER_TABLE, /* the default route is in another table than main */
        _CHOICE_PROBLEM_END,
} ChoiceProblem;

typedef struct Choice {
        char interface[WIRE_INTERFACE_MAX + 1]; /* "" = none */
        int index;                              /* of it: another one of its name has another */
        WireAddress v4, v6;
        ChoiceProblem problem;
        bool vmbus_preferred; /* the default route leaves elsewhere (a VPN's tun), where no host is
                               */
} Choice;

/* Whether the two are the same in every member. */
bool choice_equal(const Choice *a, const Choice *b);

/* Whether a STATE for @a says the same as one for @b. What is odd about an address is not in it. */
bool choice_same_state(const Choice *a, const Choice *b);

/* Whether there is an address of either family to publish. */
bool choice_has_address(const Choice *c);

/**
 * choice_may_pass() - whether @is looks like a moment in the middle of a change from @was
 *
 * An address is replaced by a delete and an add, and the default route goes with it. So some
 * choices must be confirmed before they are sent to the host: those that have lost the address
 * which the host uses (the IPv6 one only when there is no other), those for another interface, and
 * those that make do with a worse address. Otherwise the rules would move there and back, and
 * connections would be cut. A different address on the same interface needs no confirmation.
 */
bool choice_may_pass(const Choice *was, const Choice *is);

/* A phrase for logs and status: "no default route", … */
const char *choice_problem_text(ChoiceProblem problem);

/* A word for programs: "no-route", …; "" for CHOICE_OK. */
const char *choice_problem_name(ChoiceProblem problem);
