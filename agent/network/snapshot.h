/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Snapshot: the kernel's links, addresses and default routes at one moment, as a plain value; and
 * the choice of the guest's address from it. Pure: netwatch.c fills it from dumps, tests fill it
 * from recorded machines.
 */

#include "agent/network/choice.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct SnapshotLink {
        int index;
        int master; /* index of the bridge or bond that it is a port of, 0 = none */
        char name[WIRE_INTERFACE_MAX + 1];
        bool up; /* IFF_UP and IFF_LOWER_UP */
        bool loopback;
        bool vmbus;  /* backed by a VMBus device: the Hyper-V network adapter */
        bool made;   /* by software in this guest: a bridge, a tunnel, a VLAN */
        bool tunnel; /* not Ethernet, or the end of a program: no switch of the host is behind it */
} SnapshotLink;

typedef struct SnapshotAddress {
        int link; /* index of the interface */
        IpAddr addr;
        uint8_t prefix;
        uint8_t scope;  /* RT_SCOPE_* */
        uint32_t flags; /* IFA_F_* */
} SnapshotAddress;

typedef struct SnapshotRoute { /* a default route */
        int link;
        bool other_table; /* than main; read only where main has no IPv4 one */
        uint8_t family;   /* IpFamily */
        IpAddr gateway;   /* family NONE: on-link */
        uint32_t metric;
} SnapshotRoute;

typedef struct Snapshot {
        SnapshotLink *links; /* owned, as the others */
        SnapshotAddress *addresses;
        SnapshotRoute *routes;
        size_t n_links, n_addresses, n_routes;
} Snapshot;

#define SNAPSHOT_NULL ((Snapshot){0})

#define SNAPSHOT_CANDIDATES_MAX 16

/* An interface that the user may want, shown to people who have several. */
typedef struct Candidate {
        char interface[WIRE_INTERFACE_MAX + 1];
        IpAddr addr;
        bool default_route; /* has an IPv4 one */
        bool vmbus;
} Candidate;

/* List every interface, except loopback, with the IPv4 address that snapshot_choose() would take if
 * the interface were configured, in the kernel's order. All of @ret is written, with zeros after
 * the last one. Return: their number. */
size_t snapshot_candidates(const Snapshot *s, Candidate ret[SNAPSHOT_CANDIDATES_MAX]);

/**
 * snapshot_choose() - the guest's own NAT address
 * @interface: configured name, or one of the guest's addresses, or "" for automatic
 *
 * Automatic: the interface of the best IPv4 default route (lowest metric), or the VMBus-backed one
 * when the route leaves through an interface that is not VMBus-backed, or the IPv6 default route's
 * when there is no IPv4 one. A bridge or bond with a VMBus-backed port counts as VMBus-backed. On
 * the interface the first IPv4 address of global scope that is neither tentative nor unfit
 * (ip_guest_problem()), where one that is on-link with the gateway goes first, then one that is not
 * deprecated, then one that is not secondary; and in the same way an IPv6 address, which may be
 * deprecated or temporary only when there is no IPv4 one.
 *
 * These are preferences and no conditions: when they leave nothing, the best of the rest is taken,
 * and the problem says so. Never taken are loopback, a tunnel in place of the host's network, and
 * what software in the guest has made without a default route (docker0). The choice never goes by a
 * prefix such as "172.".
 */
void snapshot_choose(const Snapshot *s, const char *interface, Choice *ret_choice);

/* Free the arrays; @s is empty afterwards. */
void snapshot_done(Snapshot *s);
