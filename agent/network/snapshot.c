/* SPDX-License-Identifier: MIT */

/*
 * The choice of the guest's address from a Snapshot. Pure: no descriptor, no clock, no log; the
 * same snapshot gives the same choice.
 *
 * The question is not "which address does this machine use for the internet" but "at which
 * address does the Windows host reach it". In most cases that is the address on the interface of
 * the default route. Where the two differ (a VPN's tun has taken the default route), the Hyper-V
 * network adapter is right.
 */

#include "agent/network/snapshot.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

/* Addresses that are not published: they are coming or going, or they are an alias, which goes when
 * its primary address does. For IPv6 the kernel uses the bit of IFA_F_SECONDARY as IFA_F_TEMPORARY
 * (privacy addresses, which change by themselves). */
#define ADDRESS_UNFIT (IFA_F_SECONDARY | IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED)

/* How well a link fits, the most important field first; see rank_compare(). */
typedef struct Rank {
        bool vmbus;
        int route; /* 2: has an IPv4 default route, 1: an IPv6 one, 0: none */
        bool up;
        uint32_t metric; /* of that route */
        bool address;
} Rank;

static const SnapshotLink *link_by_index(const Snapshot *s, int index) {
        for (size_t i = 0; i < s->n_links; i++)
                if (s->links[i].index == index)
                        return &s->links[i];
        return NULL;
}

static const SnapshotLink *link_by_name(const Snapshot *s, const char *name) {
        for (size_t i = 0; i < s->n_links; i++)
                if (strcmp(s->links[i].name, name) == 0)
                        return &s->links[i];
        return NULL;
}

/* A bridge over the Hyper-V adapter has the adapter's address and route, so it takes the adapter's
 * place. */
static bool link_is_vmbus(const Snapshot *s, const SnapshotLink *link) {
        if (link->vmbus)
                return true;
        for (size_t i = 0; i < s->n_links; i++)
                if (s->links[i].vmbus && s->links[i].master == link->index)
                        return true;
        return false;
}

/* The best default route of @family: through @link, or through any link when @link is 0. Among
 * equals (multipath) the lowest index wins, so that the answer does not depend on the order of the
 * dump. */
static const SnapshotRoute *best_route(const Snapshot *s, uint8_t family, int link) {
        const SnapshotRoute *best = NULL;

        for (size_t i = 0; i < s->n_routes; i++) {
                const SnapshotRoute *r = &s->routes[i];

                if (r->family != family || (link && r->link != link))
                        continue;
                if (!best || r->metric < best->metric ||
                    (r->metric == best->metric && r->link < best->link))
                        best = r;
        }
        return best;
}

static bool address_usable(const SnapshotAddress *a) {
        return a->scope == RT_SCOPE_UNIVERSE && !(a->flags & ADDRESS_UNFIT) &&
               !ip_guest_problem(&a->addr);
}

/* The first usable address of @family on @link. An address whose subnet contains @gateway goes
 * before all others. */
static const SnapshotAddress *best_address(const Snapshot *s, uint8_t family, int link,
                                           const IpAddr *gateway) {
        const SnapshotAddress *first = NULL;

        for (size_t i = 0; i < s->n_addresses; i++) {
                const SnapshotAddress *a = &s->addresses[i];

                if (a->link != link || a->addr.family != family || !address_usable(a))
                        continue;
                if (gateway && ip_in_prefix(gateway, &a->addr, a->prefix))
                        return a;
                if (!first)
                        first = a;
        }
        return first;
}

static bool link_has_address(const Snapshot *s, const SnapshotLink *link) {
        return best_address(s, IP_FAMILY_V4, link->index, NULL) ||
               best_address(s, IP_FAMILY_V6, link->index, NULL);
}

static Rank rank_link(const Snapshot *s, const SnapshotLink *link) {
        const SnapshotRoute *v4 = best_route(s, IP_FAMILY_V4, link->index);
        const SnapshotRoute *v6 = best_route(s, IP_FAMILY_V6, link->index);

        return (Rank){
                .vmbus = link_is_vmbus(s, link),
                .route = v4   ? 2
                         : v6 ? 1
                              : 0,
                .up = link->up,
                .metric = v4   ? v4->metric
                          : v6 ? v6->metric
                               : 0,
        };
}

/* > 0 when @a is better. The address comes last on purpose: an interface that has lost its address
 * for a moment is not given up for another one that has an address. */
static int rank_compare(const Rank *a, const Rank *b) {
        if (a->vmbus != b->vmbus)
                return a->vmbus ? 1 : -1;
        if (a->route != b->route)
                return a->route - b->route;
        if (a->up != b->up)
                return a->up ? 1 : -1;
        if (a->metric != b->metric)
                return a->metric < b->metric ? 1 : -1;
        if (a->address != b->address)
                return a->address ? 1 : -1;
        return 0;
}

static const SnapshotLink *choose_link(const Snapshot *s) {
        const SnapshotLink *best = NULL;
        Rank best_rank = {0};

        for (size_t i = 0; i < s->n_links; i++) {
                const SnapshotLink *link = &s->links[i];
                Rank rank;
                int c;

                if (link->loopback)
                        continue;
                rank = rank_link(s, link);
                /* Neither a Hyper-V adapter nor on the way out: docker0 and the like. */
                if (!rank.vmbus && rank.route == 0)
                        continue;
                rank.address = link_has_address(s, link);
                c = best ? rank_compare(&rank, &best_rank) : 1;
                if (c > 0 || (c == 0 && link->index < best->index)) {
                        best = link;
                        best_rank = rank;
                }
        }
        return best;
}

static void fill_address(const Snapshot *s, uint8_t family, int link, WireAddress *ret) {
        const SnapshotRoute *route = best_route(s, family, link);
        const IpAddr *gateway = NULL;
        const SnapshotAddress *a;

        /* An IPv4 route may name an IPv6 neighbour (RTA_VIA); that says nothing about subnets. */
        if (route && route->gateway.family == family)
                gateway = &route->gateway;
        a = best_address(s, family, link, gateway);
        if (!a)
                return;
        ret->addr = a->addr;
        ret->prefix = a->prefix;
        if (gateway)
                ret->gateway = *gateway;
}

/* There is no warning for a /32, because it has no subnet to compare with: point-to-point setups
 * reach their gateway by an on-link route, and the guest cannot see whether the address is one of
 * the switch's own. IPv6 gateways are link-local, and never in the prefix. */
static bool is_off_link(const WireAddress *v4) {
        return v4->addr.family == IP_FAMILY_V4 && v4->gateway.family == IP_FAMILY_V4 &&
               v4->prefix < 32 && !ip_in_prefix(&v4->gateway, &v4->addr, v4->prefix);
}

static ChoiceProblem choose_on_link(const Snapshot *s, const SnapshotLink *link, Choice *c) {
        memcpy(c->interface, link->name, sizeof(c->interface));
        if (!link->up)
                return CHOICE_LINK_DOWN;
        if (link->loopback)
                return CHOICE_NO_ADDRESS;
        fill_address(s, IP_FAMILY_V4, link->index, &c->v4);
        fill_address(s, IP_FAMILY_V6, link->index, &c->v6);
        if (c->v4.addr.family == IP_FAMILY_NONE && c->v6.addr.family == IP_FAMILY_NONE)
                return CHOICE_NO_ADDRESS;
        return is_off_link(&c->v4) ? CHOICE_OFF_LINK : CHOICE_OK;
}

void snapshot_choose(const Snapshot *s, const char *interface, Choice *ret_choice) {
        const SnapshotLink *link, *route_link;
        const SnapshotRoute *route;
        Choice c = {0};

        link = interface[0] ? link_by_name(s, interface) : choose_link(s);
        if (!link) {
                c.problem = interface[0] ? CHOICE_NO_INTERFACE : CHOICE_NO_ROUTE;
                *ret_choice = c;
                return;
        }
        route = best_route(s, IP_FAMILY_V4, 0);
        route_link = route ? link_by_index(s, route->link) : NULL;
        c.vmbus_preferred = !interface[0] && route_link && link_is_vmbus(s, link) &&
                            !link_is_vmbus(s, route_link);
        c.problem = choose_on_link(s, link, &c);
        *ret_choice = c;
}

size_t snapshot_candidates(const Snapshot *s, Candidate ret[SNAPSHOT_CANDIDATES_MAX]) {
        size_t n = 0;

        memset(ret, 0, SNAPSHOT_CANDIDATES_MAX * sizeof(*ret));
        for (size_t i = 0; i < s->n_links && n < SNAPSHOT_CANDIDATES_MAX; i++) {
                const SnapshotLink *link = &s->links[i];
                WireAddress address = {0};

                if (link->loopback)
                        continue;
                fill_address(s, IP_FAMILY_V4, link->index, &address);
                if (address.addr.family == IP_FAMILY_NONE)
                        continue;
                memcpy(ret[n].interface, link->name, sizeof(ret[n].interface));
                ret[n].addr = address.addr;
                ret[n].default_route = best_route(s, IP_FAMILY_V4, link->index) != NULL;
                ret[n].vmbus = link_is_vmbus(s, link);
                n++;
        }
        return n;
}

static bool address_equal(const WireAddress *a, const WireAddress *b) {
        return ip_compare(&a->addr, &b->addr) == 0 && a->prefix == b->prefix &&
               ip_compare(&a->gateway, &b->gateway) == 0;
}

bool choice_equal(const Choice *a, const Choice *b) {
        return strcmp(a->interface, b->interface) == 0 && address_equal(&a->v4, &b->v4) &&
               address_equal(&a->v6, &b->v6) && a->problem == b->problem &&
               a->vmbus_preferred == b->vmbus_preferred;
}

bool choice_has_address(const Choice *c) {
        return c->v4.addr.family != IP_FAMILY_NONE || c->v6.addr.family != IP_FAMILY_NONE;
}

bool choice_may_pass(const Choice *was, const Choice *is) {
        if (!choice_has_address(was))
                return false;
        if (strcmp(was->interface, is->interface) != 0)
                return true;
        if (was->v4.addr.family != IP_FAMILY_NONE)
                return is->v4.addr.family == IP_FAMILY_NONE;
        return !choice_has_address(is);
}

const char *choice_problem_text(ChoiceProblem problem) {
        switch (problem) {
        case CHOICE_OK:
                return "none";
        case CHOICE_NO_INTERFACE:
                return "the configured interface does not exist";
        case CHOICE_NO_ROUTE:
                return "no default route and no Hyper-V network adapter";
        case CHOICE_LINK_DOWN:
                return "the interface is down";
        case CHOICE_NO_ADDRESS:
                return "the interface has no usable address";
        case CHOICE_OFF_LINK:
                return "the default gateway is outside the address's subnet";
        case _CHOICE_PROBLEM_END:
                break;
        }
        return "unknown";
}

void snapshot_done(Snapshot *s) {
        free(s->links);
        free(s->addresses);
        free(s->routes);
        *s = SNAPSHOT_NULL;
}
