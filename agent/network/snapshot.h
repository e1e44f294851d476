/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Snapshot: the kernel's links, addresses and default routes at one moment, as a plain value; and
 * the choice of the guest's address from it. Pure: netwatch.c fills it from dumps, tests fill it
 * from recorded machines.
 */

#include "protocol/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct SnapshotLink {
        int index;
        int master; /* index of the bridge or bond that it is a port of, 0 = none */
        char name[WIRE_INTERFACE_MAX + 1];
        bool up; /* IFF_UP and IFF_LOWER_UP */
        bool loopback;
        bool vmbus; /* backed by a VMBus device: the Hyper-V network adapter */
} SnapshotLink;

typedef struct SnapshotAddress {
        int link; /* index of the interface */
        IpAddr addr;
        uint8_t prefix;
        uint8_t scope;  /* RT_SCOPE_* */
        uint32_t flags; /* IFA_F_* */
} SnapshotAddress;

typedef struct SnapshotRoute { /* a default route of the main table */
        int link;
        uint8_t family; /* IpFamily */
        IpAddr gateway; /* family NONE: on-link */
        uint32_t metric;
} SnapshotRoute;

typedef struct Snapshot {
        SnapshotLink *links; /* owned, as the others */
        SnapshotAddress *addresses;
        SnapshotRoute *routes;
        size_t n_links, n_addresses, n_routes;
} Snapshot;

#define SNAPSHOT_NULL ((Snapshot){0})

/* Why there is no address, or what is odd about the chosen one. */
typedef enum ChoiceProblem {
        CHOICE_OK,
        CHOICE_NO_INTERFACE, /* the configured interface does not exist */
        CHOICE_NO_ROUTE,     /* no default route, no VMBus interface: nothing to choose by */
        CHOICE_LINK_DOWN,
        CHOICE_NO_ADDRESS, /* the interface has no usable address */
        CHOICE_OFF_LINK,   /* chosen, but the gateway is outside the address's subnet: someone
                              set a static address and the virtual switch will drop it */
        _CHOICE_PROBLEM_END,
} ChoiceProblem;

typedef struct Choice {
        char interface[WIRE_INTERFACE_MAX + 1]; /* "" = none */
        WireAddress v4, v6;
        ChoiceProblem problem;
        bool vmbus_preferred; /* the default route leaves elsewhere (a VPN's tun) */
} Choice;

#define SNAPSHOT_CANDIDATES_MAX 16

/* An interface that the user may want, shown to people who have several. */
typedef struct Candidate {
        char interface[WIRE_INTERFACE_MAX + 1];
        IpAddr addr;
        bool default_route; /* has an IPv4 one */
        bool vmbus;
} Candidate;

/* List every interface, except loopback, that has an IPv4 address which snapshot_choose() would
 * take, in the kernel's order. All of @ret is written, with zeros after the last one. Return: their
 * number. */
size_t snapshot_candidates(const Snapshot *s, Candidate ret[SNAPSHOT_CANDIDATES_MAX]);

/**
 * snapshot_choose() - the guest's own NAT address
 * @interface: configured name, or "" for automatic
 *
 * Automatic: the interface of the best IPv4 default route (lowest metric), or the VMBus-backed one
 * when the route leaves through an interface that is not VMBus-backed, or the IPv6 default route's
 * when there is no IPv4 one. A bridge or bond with a VMBus-backed port counts as VMBus-backed. On
 * the interface the first primary IPv4 address of global scope that is neither tentative,
 * deprecated nor unfit (ip_guest_problem()), where one that is on-link with the gateway goes before
 * one that is not; and in the same way an IPv6 address that is not temporary. The choice never goes
 * by a prefix such as "172.", and never takes docker0 or lo.
 */
void snapshot_choose(const Snapshot *s, const char *interface, Choice *ret_choice);

/* Whether the two are the same in every member. */
bool choice_equal(const Choice *a, const Choice *b);

/* Whether there is an address of either family to publish. */
bool choice_has_address(const Choice *c);

/**
 * choice_may_pass() - whether @is looks like a moment in the middle of a change from @was
 *
 * An address is replaced by a delete and an add, and the default route goes with it. So some
 * choices must be confirmed before they are sent to the host: those that have lost the address
 * which the host uses (the IPv6 one only when there is no other), and those for another interface.
 * Otherwise the rules would move there and back, and connections would be cut. A different address
 * on the same interface needs no confirmation.
 */
bool choice_may_pass(const Choice *was, const Choice *is);

/* A phrase for logs and status: "no default route", … */
const char *choice_problem_text(ChoiceProblem problem);

/* Free the arrays; @s is empty afterwards. */
void snapshot_done(Snapshot *s);
