/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * RouteDump: the default routes in the kernel's messages about routes and nexthop objects. Only
 * netdump.c uses it, which sends the requests.
 *
 * A route names its way out in itself, or by the number of a nexthop object (ip-nexthop(8)). With
 * the sysctl nexthop_compat_mode=0 the kernel says only the number, so the objects must be read,
 * too.
 */

#include "agent/network/snapshot.h"

#include <linux/netlink.h>

typedef struct RouteDump {
        struct RouteOfNexthop *pending; /* owned: routes of which only the number is known */
        size_t n_pending;
        struct Nexthop *nexthops; /* owned */
        size_t n_nexthops;
} RouteDump;

#define ROUTE_DUMP_NULL ((RouteDump){0})

/**
 * route_dump_route() - take a message of type RTM_NEWROUTE
 * @main_only: other tables than main do not count; otherwise main does not
 * @s: gets what is a default route and complete
 *
 * Return: 0 or -ENOMEM.
 */
int route_dump_route(RouteDump *d, Snapshot *s, const struct nlmsghdr *hdr, bool main_only);

/* Take a message of type RTM_NEWNEXTHOP. Return: 0 or -ENOMEM. */
int route_dump_nexthop(RouteDump *d, const struct nlmsghdr *hdr);

/* Add to @s the routes of which only the number was known. Return: 0 or -ENOMEM. */
int route_dump_resolve(const RouteDump *d, Snapshot *s);

void route_dump_done(RouteDump *d);

/* An address from @n bytes, or from an attribute, which may be NULL; false when it has not the size
 * of one of @family (AF_*). */
bool route_dump_bytes(const void *data, size_t n, uint8_t family, IpAddr *ret);
bool route_dump_address(const struct nlattr *attr, uint8_t family, IpAddr *ret);
