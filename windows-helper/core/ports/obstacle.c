/* SPDX-License-Identifier: MIT */

/*
 * Another process, an excluded range, or an address that the host does not have.
 */

#include "windows-helper/core/ports/obstacle.h"

#include "windows-helper/core/base/result.h"

#include <errno.h>

unsigned obstacle_overlap(const IpEndpoint *a, const IpEndpoint *listen) {
        if (a->port != listen->port || a->udp != listen->udp)
                return 0;
        if (ip_compare(&a->addr, &listen->addr) == 0)
                return 4;
        if (a->addr.family == listen->addr.family)
                return ip_is_any(&a->addr) ? 3 : ip_is_any(&listen->addr) ? 2 : 0;
        return ip_is_any(&a->addr) && a->addr.family == IP_FAMILY_V6 ? 1 : 0; /* dual stack */
}

const Listening *obstacle_holder(const Obstacles *o, const IpEndpoint *listen, uint32_t but) {
        const Listening *best = NULL, *end;
        unsigned best_overlap = 0;

        for (const Listening *a = listening_table_at(o->table, listen, &end); a < end; a++) {
                bool counts = !listening_may_be(a, but);
                unsigned overlap = counts ? obstacle_overlap(&a->endpoint, listen) : 0;

                if (overlap > best_overlap) {
                        best = a;
                        best_overlap = overlap;
                }
        }
        return best;
}

const Holder *obstacle_who(Obstacles *o, const Listening *holder) {
        Holder *h = &o->holder;

        if (h->pid != holder->pid) {
                *h = (Holder){.pid = holder->pid};
                o->host->process_name(o->host->userdata, h->pid, h->process, sizeof(h->process));
                o->host->process_services(o->host->userdata, h->pid, h->services,
                                          sizeof(h->services));
        }
        return h;
}

static bool obstacle_excluded(const Obstacles *o, IpEndpoint e, uint16_t port) {
        e.port = port;
        return o->host->bind_probe(o->host->userdata, &e) == -EACCES;
}

/* Excluded ranges (fact 4.3.2) can only be listed by netsh, as text; there is no other documented
 * way (fact 4.3.3). So this looks for the ports on both sides where binding is no longer refused.
 */
static void obstacle_measure_range(Obstacles *o, const IpEndpoint *listen) {
        uint16_t first = listen->port, last = listen->port;

        if (o->range_first <= first && first <= o->range_last && o->range_udp == listen->udp)
                return;
        while (first > 1 && listen->port - first < OBSTACLE_RANGE_MAX &&
               obstacle_excluded(o, *listen, (uint16_t) (first - 1)))
                first--;
        while (last < UINT16_MAX && last - listen->port < OBSTACLE_RANGE_MAX &&
               obstacle_excluded(o, *listen, (uint16_t) (last + 1)))
                last++;
        o->range_first = first;
        o->range_last = last;
        o->range_udp = listen->udp;
}

static void obstacle_blame_range(Obstacles *o, const IpEndpoint *listen, WireServiceResult *result,
                                 const char *text) {
        obstacle_measure_range(o, listen);
        result_worsen(result, WIRE_SERVICE_BLOCKED, WIRE_REASON_EXCLUDED_RANGE,
                      "%s: Windows has reserved the ports %u to %u ('netsh interface ipv4 show "
                      "excludedportrange protocol=%s'); listen on another port",
                      text, (unsigned) o->range_first, (unsigned) o->range_last,
                      listen->udp ? "udp" : "tcp");
}

void obstacle_blame_holder(Obstacles *o, const Listening *holder, WireServiceResult *result,
                           const char *text) {
        char words[HOLDER_TEXT_MAX + 1];

        holder_text(obstacle_who(o, holder), holder->endpoint.port, words);
        result_worsen(result, WIRE_SERVICE_CONFLICT, WIRE_REASON_PORT_IN_USE, "%s: %s", text,
                      words);
}

bool obstacle_find(Obstacles *o, const IpEndpoint *listen, uint32_t process,
                   WireServiceResult *result, const char *text) {
        const Listening *holder = obstacle_holder(o, listen, process), *own;
        int r;

        if (holder && obstacle_overlap(&holder->endpoint, listen) >= OBSTACLE_TAKES) {
                obstacle_blame_holder(o, holder, result, text);
                return true;
        }
        r = o->host->bind_probe(o->host->userdata, listen);
        /* So it is refused beside a socket of another account, too (fact 4.3.11). Nobody listens in
         * a range that Windows has reserved. */
        own = r == -EACCES ? obstacle_holder(o, listen, 0) : NULL;
        if (r == -EACCES && holder)
                r = -EADDRINUSE;
        else if (own && obstacle_overlap(&own->endpoint, listen) >= OBSTACLE_TAKES)
                return false; /* that of @process on all addresses, which refuses us and not it */
        if (r == -EACCES || (r == -EADDRINUSE && !holder)) {
                o->unnamed = true;
                if (!o->unnamed_before)
                        return false;
        }
        if (r == -EACCES) {
                obstacle_blame_range(o, listen, result, text);
        } else if (r == -EADDRNOTAVAIL) {
                result_worsen(result, WIRE_SERVICE_BLOCKED, WIRE_REASON_NOT_LISTENING,
                              "%s: this host does not have the address now; the port opens as soon "
                              "as it does",
                              text);
        } else if (r == -EADDRINUSE && holder) {
                obstacle_blame_holder(o, holder, result, text);
        } else if (r == -EADDRINUSE) {
                result_worsen(result, WIRE_SERVICE_CONFLICT, WIRE_REASON_PORT_IN_USE,
                              "%s: in use by a program that Windows does not name", text);
        } else {
                return false;
        }
        return true;
}
