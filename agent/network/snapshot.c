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

/* Addresses at which nobody can be reached. */
#define ADDRESS_UNFIT (IFA_F_TENTATIVE | IFA_F_DADFAILED)

/* An alias goes when its primary address does. For IPv6 the kernel uses the bit of IFA_F_SECONDARY
 * as IFA_F_TEMPORARY (privacy addresses, which change by themselves). */
#define ADDRESS_ALIAS IFA_F_SECONDARY

enum { PLACE_TUNNEL, PLACE_OTHER, PLACE_VMBUS };

/* How well a link fits, the most important field first; see rank_compare(). */
typedef struct Rank {
        int place; /* place_of() */
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

/* Where the link leads: the more, the sooner to the host. */
static int place_of(const Snapshot *s, const SnapshotLink *link) {
        if (link_is_vmbus(s, link))
                return PLACE_VMBUS;
        return link->tunnel ? PLACE_TUNNEL : PLACE_OTHER;
}

/* Whether @a is better than @b. The main table goes before all others. Among equals (multipath) the
 * lowest index wins, so that the answer does not depend on the order of the dump. */
static bool route_better(const SnapshotRoute *a, const SnapshotRoute *b) {
        if (a->other_table != b->other_table)
                return b->other_table;
        return a->metric < b->metric || (a->metric == b->metric && a->link < b->link);
}

/* The best default route of @family: through @link, or through any link when @link is 0. */
static const SnapshotRoute *best_route(const Snapshot *s, uint8_t family, int link) {
        const SnapshotRoute *best = NULL;

        for (size_t i = 0; i < s->n_routes; i++) {
                const SnapshotRoute *r = &s->routes[i];

                if (r->family != family || (link && r->link != link))
                        continue;
                if (!best || route_better(r, best))
                        best = r;
        }
        return best;
}

static bool address_usable(const SnapshotAddress *a) {
        return a->scope == RT_SCOPE_UNIVERSE && !(a->flags & ADDRESS_UNFIT) &&
               !ip_guest_problem(&a->addr);
}

/* How well an address fits, higher is better; see snapshot_choose(). */
static unsigned address_rank(const SnapshotAddress *a, const IpAddr *gateway) {
        bool on_link = gateway && ip_in_prefix(gateway, &a->addr, a->prefix);

        return (on_link ? 4u : 0u) | (a->flags & IFA_F_DEPRECATED ? 0u : 2u) |
               (a->flags & ADDRESS_ALIAS ? 0u : 1u);
}

/* The first of the best usable addresses of @family on @link. */
static const SnapshotAddress *best_address(const Snapshot *s, uint8_t family, int link,
                                           const IpAddr *gateway) {
        const SnapshotAddress *best = NULL;

        for (size_t i = 0; i < s->n_addresses; i++) {
                const SnapshotAddress *a = &s->addresses[i];

                if (a->link != link || a->addr.family != family || !address_usable(a))
                        continue;
                if (!best || address_rank(a, gateway) > address_rank(best, gateway))
                        best = a;
        }
        return best;
}

static bool link_has_address(const Snapshot *s, const SnapshotLink *link) {
        return best_address(s, IP_FAMILY_V4, link->index, NULL) ||
               best_address(s, IP_FAMILY_V6, link->index, NULL);
}

static Rank rank_link(const Snapshot *s, const SnapshotLink *link) {
        const SnapshotRoute *v4 = best_route(s, IP_FAMILY_V4, link->index);
        const SnapshotRoute *v6 = best_route(s, IP_FAMILY_V6, link->index);

        return (Rank){
                .place = place_of(s, link),
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
        if (a->place != b->place)
                return a->place - b->place;
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

/* Whether the link may be the way to the host. One that software in the guest has made (docker0) is
 * only when the default route says so, or a port of it. */
static bool link_is_eligible(const SnapshotLink *link, const Rank *rank) {
        if (link->loopback)
                return false;
        return rank->place == PLACE_VMBUS || rank->route > 0 || (!link->made && !link->tunnel);
}

/* The best link that passes @filter. @ret_tie: there is another one that fits as well, and neither
 * has a route. */
static const SnapshotLink *choose_link(const Snapshot *s,
                                       bool (*filter)(const Snapshot *, const SnapshotLink *),
                                       bool *ret_tie) {
        const SnapshotLink *best = NULL;
        Rank best_rank = {0};

        *ret_tie = false;
        for (size_t i = 0; i < s->n_links; i++) {
                const SnapshotLink *link = &s->links[i];
                Rank rank = rank_link(s, link);
                int c;

                if (!link_is_eligible(link, &rank) || (filter && !filter(s, link)))
                        continue;
                rank.address = link_has_address(s, link);
                c = best ? rank_compare(&rank, &best_rank) : 1;
                if (c >= 0)
                        *ret_tie = best && c == 0 && rank.route == 0 && rank.address;
                if (c > 0 || (c == 0 && link->index < best->index)) {
                        best = link;
                        best_rank = rank;
                }
        }
        return best;
}

/* Whether the link is one to fall back on when the one that fits best has no address. A tunnel is
 * not: its address is not the host's to reach. */
static bool link_is_left(const Snapshot *s, const SnapshotLink *link) {
        return !link->tunnel && link->up && link_has_address(s, link);
}

static void fill_address(WireAddress *ret, const SnapshotAddress *a, const IpAddr *gateway) {
        ret->addr = a->addr;
        ret->prefix = a->prefix;
        if (gateway)
                ret->gateway = *gateway;
}

/* Return: the address, or NULL; @ret is then unchanged. */
static const SnapshotAddress *find_address(const Snapshot *s, uint8_t family, int link,
                                           WireAddress *ret) {
        const SnapshotRoute *route = best_route(s, family, link);
        const IpAddr *gateway = NULL;
        const SnapshotAddress *a;

        /* An IPv4 route may name an IPv6 neighbour (RTA_VIA); that says nothing about subnets. */
        if (route && route->gateway.family == family)
                gateway = &route->gateway;
        a = best_address(s, family, link, gateway);
        if (a)
                fill_address(ret, a, gateway);
        return a;
}

/* Whether @link has several IPv4 addresses that are as good as the chosen one, and no gateway. */
static bool is_ambiguous(const Snapshot *s, const SnapshotLink *link, const Choice *c,
                         const SnapshotAddress *chosen) {
        size_t n = 0;

        if (c->v4.addr.family == IP_FAMILY_NONE || c->v4.gateway.family != IP_FAMILY_NONE)
                return false;
        for (size_t i = 0; i < s->n_addresses; i++) {
                const SnapshotAddress *a = &s->addresses[i];

                n += a->link == link->index && a->addr.family == IP_FAMILY_V4 &&
                     address_usable(a) && address_rank(a, NULL) == address_rank(chosen, NULL);
        }
        return n > 1;
}

/* There is no warning for a /32, because it has no subnet to compare with: point-to-point setups
 * reach their gateway by an on-link route, and the guest cannot see whether the address is one of
 * the switch's own. IPv6 gateways are link-local, and never in the prefix. */
static bool is_off_link(const WireAddress *v4) {
        return v4->addr.family == IP_FAMILY_V4 && v4->gateway.family == IP_FAMILY_V4 &&
               v4->prefix < 32 && !ip_in_prefix(&v4->gateway, &v4->addr, v4->prefix);
}

static ChoiceProblem judge(const Snapshot *s, const SnapshotLink *link, const Choice *c,
                           const SnapshotAddress *chosen) {
        const SnapshotRoute *route = best_route(s, chosen->addr.family, link->index);

        if (is_off_link(&c->v4))
                return CHOICE_OFF_LINK;
        if (chosen->flags & IFA_F_DEPRECATED)
                return CHOICE_DEPRECATED;
        if (chosen->flags & ADDRESS_ALIAS)
                return CHOICE_ALIAS;
        if (is_ambiguous(s, link, c, chosen))
                return CHOICE_AMBIGUOUS;
        return route && route->other_table && !link_is_vmbus(s, link) ? CHOICE_OTHER_TABLE
                                                                      : CHOICE_OK;
}

static ChoiceProblem choose_on_link(const Snapshot *s, const SnapshotLink *link, Choice *c) {
        const SnapshotAddress *v4, *v6;

        memcpy(c->interface, link->name, sizeof(c->interface));
        c->index = link->index;
        if (!link->up)
                return CHOICE_LINK_DOWN;
        if (link->loopback)
                return CHOICE_NO_ADDRESS;
        v4 = find_address(s, IP_FAMILY_V4, link->index, &c->v4);
        v6 = find_address(s, IP_FAMILY_V6, link->index, &c->v6);
        if (v4 && v6 && v6->flags & (IFA_F_DEPRECATED | ADDRESS_ALIAS))
                c->v6 = (WireAddress){0}; /* not worth a change of the rules every few hours */
        if (!v4 && !v6)
                return CHOICE_NO_ADDRESS;
        return judge(s, link, c, v4 ? v4 : v6);
}

/* The user has named one of the guest's addresses. */
static bool choose_address(const Snapshot *s, const char *text, Choice *c) {
        IpAddr wanted;

        if (ip_parse(text, &wanted) < 0)
                return false;
        for (size_t i = 0; i < s->n_addresses; i++) {
                const SnapshotAddress *a = &s->addresses[i];
                const SnapshotLink *link = link_by_index(s, a->link);
                const SnapshotRoute *route = best_route(s, a->addr.family, a->link);
                bool same = route && route->gateway.family == a->addr.family;
                WireAddress *w = wanted.family == IP_FAMILY_V4 ? &c->v4 : &c->v6;

                if (!link || link->loopback || ip_compare(&a->addr, &wanted) != 0 ||
                    !address_usable(a))
                        continue;
                memcpy(c->interface, link->name, sizeof(c->interface));
                c->index = link->index;
                c->problem = CHOICE_LINK_DOWN;
                if (!link->up)
                        return true;
                fill_address(w, a, same ? &route->gateway : NULL);
                c->problem = is_off_link(&c->v4) ? CHOICE_OFF_LINK : CHOICE_OK;
                return true;
        }
        return false;
}

static void choose_configured(const Snapshot *s, const char *interface, Choice *c) {
        const SnapshotLink *link = link_by_name(s, interface);

        if (link)
                c->problem = choose_on_link(s, link, c);
        else if (!choose_address(s, interface, c))
                c->problem = CHOICE_NO_INTERFACE;
}

/* The link that fits best; when it has no address, another one that has. */
static const SnapshotLink *choose_automatic(const Snapshot *s, Choice *c) {
        const SnapshotLink *link, *left;
        bool tie, tie_left;
        Choice second = {0};

        link = choose_link(s, NULL, &tie);
        if (!link) {
                c->problem = CHOICE_NO_ROUTE;
                return NULL;
        }
        c->problem = choose_on_link(s, link, c);
        if (choice_has_address(c)) {
                if (tie && c->problem == CHOICE_OK)
                        c->problem = CHOICE_AMBIGUOUS;
                return link;
        }
        left = choose_link(s, link_is_left, &tie_left);
        if (!left)
                return link;
        second.problem = choose_on_link(s, left, &second);
        if (second.problem != CHOICE_OFF_LINK)
                second.problem = CHOICE_SECOND_BEST;
        *c = second;
        return left;
}

void snapshot_choose(const Snapshot *s, const char *interface, Choice *ret_choice) {
        const SnapshotLink *link, *route_link;
        const SnapshotRoute *route;
        Choice c = {0};

        if (interface[0]) {
                choose_configured(s, interface, &c);
                *ret_choice = c;
                return;
        }
        link = choose_automatic(s, &c);
        route = best_route(s, IP_FAMILY_V4, 0);
        route_link = route ? link_by_index(s, route->link) : NULL;
        c.vmbus_preferred = link && route_link && place_of(s, link) > place_of(s, route_link);
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
                if (!find_address(s, IP_FAMILY_V4, link->index, &address))
                        continue;
                memcpy(ret[n].interface, link->name, sizeof(ret[n].interface));
                ret[n].addr = address.addr;
                ret[n].default_route = best_route(s, IP_FAMILY_V4, link->index) != NULL;
                ret[n].vmbus = link_is_vmbus(s, link);
                n++;
        }
        return n;
}

void snapshot_done(Snapshot *s) {
        free(s->links);
        free(s->addresses);
        free(s->routes);
        *s = SNAPSHOT_NULL;
}
