/* SPDX-License-Identifier: MIT */

/* Reads default routes from netlink messages, also those that lead through a nexthop object. */

#include "agent/network/route-dump.h"

#include "agent/network/array.h"
#include "agent/util/cleanup.h"

#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

/* A group may not contain another group, so a number leads to an interface in two steps at most. */
#define NEXTHOP_STEPS_MAX 2

struct RouteOfNexthop {
        SnapshotRoute route;
        uint32_t id;
};

struct Nexthop {
        uint32_t id;
        uint32_t member; /* 0: the object itself, with what follows; otherwise one of a group */
        int link;
        IpAddr gateway;
};

/* A newer kernel may send longer attributes, but never shorter ones. */
static struct nla_policy route_policy[RTA_NH_ID + 1] = {
        [RTA_OIF] = {.type = NLA_U32},
        [RTA_PRIORITY] = {.type = NLA_U32},
        [RTA_TABLE] = {.type = NLA_U32},
        [RTA_NH_ID] = {.type = NLA_U32},
};
static struct nla_policy nexthop_policy[NHA_GATEWAY + 1] = {
        [NHA_ID] = {.type = NLA_U32},
        [NHA_OIF] = {.type = NLA_U32},
};

bool route_dump_bytes(const void *data, size_t n, uint8_t family, IpAddr *ret) {
        size_t size = family == AF_INET ? 4 : 16;
        IpAddr addr = {.family = family == AF_INET ? IP_FAMILY_V4 : IP_FAMILY_V6};

        if (n != size)
                return false;
        memcpy(addr.bytes, data, size);
        *ret = addr;
        return true;
}

bool route_dump_address(const struct nlattr *attr, uint8_t family, IpAddr *ret) {
        return attr && route_dump_bytes(nla_data(attr), (size_t) nla_len(attr), family, ret);
}

static int add_route(Snapshot *s, const SnapshotRoute *route) {
        if (array_grow((void **) &s->routes, s->n_routes, sizeof(*route)) < 0)
                return -ENOMEM;
        s->routes[s->n_routes++] = *route;
        return 0;
}

/* One route for each next hop; the weights do not matter here. */
static int add_multipath(Snapshot *s, const SnapshotRoute *base, uint8_t family,
                         struct nlattr *attr) {
        struct rtnexthop *hop = nla_data(attr);
        size_t left = (size_t) nla_len(attr);

        while (left >= sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) && hop->rtnh_len <= left) {
                size_t step = RTNH_ALIGN(hop->rtnh_len);
                struct nlattr *tb[RTA_GATEWAY + 1];
                SnapshotRoute route = *base;

                route.link = hop->rtnh_ifindex;
                if (nla_parse(tb, RTA_GATEWAY, (struct nlattr *) RTNH_DATA(hop),
                              (int) (hop->rtnh_len - sizeof(*hop)), NULL) == 0)
                        (void) route_dump_address(tb[RTA_GATEWAY], family, &route.gateway);
                if (add_route(s, &route) < 0)
                        return -ENOMEM;
                if (step >= left)
                        break;
                left -= step;
                hop = RTNH_NEXT(hop);
        }
        return 0;
}

static int add_pending(RouteDump *d, const SnapshotRoute *route, uint32_t id) {
        if (array_grow((void **) &d->pending, d->n_pending, sizeof(*d->pending)) < 0)
                return -ENOMEM;
        d->pending[d->n_pending++] = (struct RouteOfNexthop){.route = *route, .id = id};
        return 0;
}

/* Whether the table is one that counts now. The local table has the guest's own addresses. */
static bool table_counts(uint32_t table, bool main_only) {
        return main_only ? table == RT_TABLE_MAIN
                         : table != RT_TABLE_MAIN && table != RT_TABLE_LOCAL;
}

int route_dump_route(RouteDump *d, Snapshot *s, const struct nlmsghdr *hdr, bool main_only) {
        const struct rtmsg *rtm = nlmsg_data(hdr);
        struct nlattr *tb[RTA_NH_ID + 1];
        SnapshotRoute route = {.other_table = !main_only};

        /* A kernel before 4.20 does not know the strict check, and sends all tables. */
        if (nlmsg_parse((struct nlmsghdr *) hdr, sizeof(*rtm), tb, RTA_NH_ID, route_policy) < 0 ||
            rtm->rtm_dst_len != 0 || rtm->rtm_type != RTN_UNICAST ||
            (rtm->rtm_flags & RTM_F_CLONED) ||
            !table_counts(tb[RTA_TABLE] ? nla_get_u32(tb[RTA_TABLE]) : rtm->rtm_table, main_only) ||
            (rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6))
                return 0;
        route.family = rtm->rtm_family == AF_INET ? IP_FAMILY_V4 : IP_FAMILY_V6;
        if (tb[RTA_PRIORITY])
                route.metric = nla_get_u32(tb[RTA_PRIORITY]);
        if (tb[RTA_MULTIPATH])
                return add_multipath(s, &route, rtm->rtm_family, tb[RTA_MULTIPATH]);
        if (!tb[RTA_OIF])
                return tb[RTA_NH_ID] ? add_pending(d, &route, nla_get_u32(tb[RTA_NH_ID])) : 0;
        route.link = (int) nla_get_u32(tb[RTA_OIF]);
        (void) route_dump_address(tb[RTA_GATEWAY], rtm->rtm_family, &route.gateway);
        return add_route(s, &route);
}

static int add_nexthop(RouteDump *d, const struct Nexthop *nexthop) {
        if (array_grow((void **) &d->nexthops, d->n_nexthops, sizeof(*nexthop)) < 0)
                return -ENOMEM;
        d->nexthops[d->n_nexthops++] = *nexthop;
        return 0;
}

/* An object without an interface is a blackhole, and leads nowhere. */
int route_dump_nexthop(RouteDump *d, const struct nlmsghdr *hdr) {
        const struct nhmsg *nhm = nlmsg_data(hdr);
        struct nlattr *tb[NHA_GATEWAY + 1];
        struct Nexthop nexthop = {0};

        if (nlmsg_parse((struct nlmsghdr *) hdr, sizeof(*nhm), tb, NHA_GATEWAY, nexthop_policy) <
                    0 ||
            !tb[NHA_ID])
                return 0;
        nexthop.id = nla_get_u32(tb[NHA_ID]);
        if (tb[NHA_GROUP]) {
                const struct nexthop_grp *members = nla_data(tb[NHA_GROUP]);
                size_t n = (size_t) nla_len(tb[NHA_GROUP]) / sizeof(*members);

                for (size_t i = 0; i < n; i++) {
                        nexthop.member = members[i].id;
                        if (add_nexthop(d, &nexthop) < 0)
                                return -ENOMEM;
                }
                return 0;
        }
        if (!tb[NHA_OIF])
                return 0;
        nexthop.link = (int) nla_get_u32(tb[NHA_OIF]);
        (void) route_dump_address(tb[NHA_GATEWAY], nhm->nh_family, &nexthop.gateway);
        return add_nexthop(d, &nexthop);
}

static int resolve_one(const RouteDump *d, Snapshot *s, const SnapshotRoute *base, uint32_t id,
                       unsigned steps) {
        for (size_t i = 0; i < d->n_nexthops; i++) {
                const struct Nexthop *nexthop = &d->nexthops[i];
                SnapshotRoute route = *base;
                int r = 0;

                if (nexthop->id != id)
                        continue;
                route.link = nexthop->link;
                route.gateway = nexthop->gateway;
                if (nexthop->member == 0)
                        r = add_route(s, &route);
                else if (steps > 1)
                        r = resolve_one(d, s, base, nexthop->member, steps - 1);
                if (r < 0)
                        return r;
        }
        return 0;
}

int route_dump_resolve(const RouteDump *d, Snapshot *s) {
        int r = 0;

        for (size_t i = 0; i < d->n_pending && r == 0; i++)
                r = resolve_one(d, s, &d->pending[i].route, d->pending[i].id, NEXTHOP_STEPS_MAX);
        return r;
}

void route_dump_done(RouteDump *d) {
        free(d->pending);
        free(d->nexthops);
        *d = ROUTE_DUMP_NULL;
}
