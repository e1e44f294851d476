/* SPDX-License-Identifier: MIT */

/* See verify.h. */

#include "windows-helper/core/rules/verify.h"

#include "windows-helper/core/base/result.h"

#include <errno.h>
#include <string.h>

#define VERIFY_PROCESS_MAX 64
#define VERIFY_RETELL_USEC UINT64_C(30000000)

/* When to look again; the time of the last ones is what a machine under load may need. */
static const uint32_t verify_delays_ms[] = {5, 10, 20, 50, 100, 200, 500, 1000, 1000};
#define VERIFY_ATTEMPTS (sizeof(verify_delays_ms) / sizeof(verify_delays_ms[0]))

/* From this look on the reason is looked for; before, iphlpsvc is just not there yet. */
#define VERIFY_PATIENCE 4

typedef struct Look {
        const PortHost *host;
        ReconcilePlan *plan;
        ListeningTable table;
        bool late;  /* patience is over: look for reasons */
        bool final; /* iphlpsvc had all its time */
        size_t n_waiting, n_obstacles, n_probes, n_idle;
        /* the excluded range found last */
        uint16_t range_first, range_last;
} Look;

void verify_restart(Verify *v) {
        if (!v->retelling)
                v->attempt = 0;
        v->retelling = false;
}

/* iphlpsvc's own; a listener that Windows tells no owner of may be. */
static bool look_may_be_forwarder(const Look *l, const Listening *a) {
        return a->pid == l->table.forwarder || a->pid == 0;
}

static bool look_found(const Look *l, const IpEndpoint *listen) {
        size_t from = 0, to = l->table.n;

        while (from < to) {
                size_t middle = from + (to - from) / 2;

                if (ip_endpoint_compare(&l->table.items[middle].endpoint, listen) < 0)
                        from = middle + 1;
                else
                        to = middle;
        }
        for (; from < l->table.n; from++) {
                if (ip_endpoint_compare(&l->table.items[from].endpoint, listen) != 0)
                        return false;
                if (look_may_be_forwarder(l, &l->table.items[from]))
                        return true;
        }
        return false;
}

/* How well a socket of another process explains that iphlpsvc cannot listen: 0 not at all. A more
 * specific one, as wslrelay's on 127.0.0.1, does not keep it from listening on all (fact 4.3). */
static unsigned look_overlap(const IpEndpoint *a, const IpEndpoint *listen) {
        if (a->port != listen->port)
                return 0;
        if (ip_compare(&a->addr, &listen->addr) == 0)
                return 4;
        if (a->addr.family == listen->addr.family)
                return ip_is_any(&a->addr) ? 3 : ip_is_any(&listen->addr) ? 2 : 0;
        return ip_is_any(&a->addr) && a->addr.family == IP_FAMILY_V6 ? 1 : 0; /* dual stack */
}

static const Listening *look_holder(const Look *l, const IpEndpoint *listen) {
        const Listening *best = NULL;
        unsigned best_overlap = 0;

        for (size_t i = 0; i < l->table.n; i++) {
                const Listening *a = &l->table.items[i];
                unsigned overlap =
                        look_may_be_forwarder(l, a) ? 0 : look_overlap(&a->endpoint, listen);

                if (overlap > best_overlap) {
                        best = a;
                        best_overlap = overlap;
                }
        }
        return best;
}

static bool look_excluded(const Look *l, IpEndpoint e, uint16_t port) {
        e.port = port;
        return l->host->bind_probe(l->host->userdata, &e) == -EACCES;
}

/* Excluded ranges (fact 4.3): there is no documented way to list them but netsh's text; its edges
 * are where a bind is refused no more. */
static void look_measure_range(Look *l, const IpEndpoint *listen) {
        uint16_t first = listen->port, last = listen->port;

        if (l->range_first > 0 && l->range_first <= first && first <= l->range_last)
                return;
        while (first > 1 && listen->port - first < VERIFY_RANGE_MAX &&
               look_excluded(l, *listen, (uint16_t) (first - 1)))
                first--;
        while (last < UINT16_MAX && last - listen->port < VERIFY_RANGE_MAX &&
               look_excluded(l, *listen, (uint16_t) (last + 1)))
                last++;
        l->range_first = first;
        l->range_last = last;
}

static void look_blame_range(Look *l, const IpEndpoint *listen, WireServiceResult *result,
                             const char *text) {
        look_measure_range(l, listen);
        result_worsen(result, WIRE_SERVICE_BLOCKED, WIRE_REASON_EXCLUDED_RANGE,
                      "%s: Windows has reserved the ports %u to %u (netsh interface ipv4 show "
                      "excludedportrange tcp); listen on another one",
                      text, (unsigned) l->range_first, (unsigned) l->range_last);
}

/* Return: true when something is in the way, and @result says what. */
static bool look_obstacle(Look *l, const IpEndpoint *listen, WireServiceResult *result,
                          const char *text) {
        const Listening *holder = look_holder(l, listen);
        char process[VERIFY_PROCESS_MAX] = "";
        int r;

        if (holder && look_overlap(&holder->endpoint, listen) >= 3) {
                l->host->process_name(l->host->userdata, holder->pid, process, sizeof(process));
                result_worsen(result, WIRE_SERVICE_CONFLICT, WIRE_REASON_PORT_IN_USE,
                              "%s: in use by %s (process %u); end it, or listen elsewhere", text,
                              process[0] ? process : "another program", (unsigned) holder->pid);
                return true;
        }
        r = l->host->bind_probe(l->host->userdata, listen);
        if (r == -EACCES) {
                look_blame_range(l, listen, result, text);
        } else if (r == -EADDRNOTAVAIL) {
                result_worsen(result, WIRE_SERVICE_BLOCKED, WIRE_REASON_NOT_LISTENING,
                              "%s: this host does not have the address now; the port opens by "
                              "itself when it has",
                              text);
        } else if (r == -EADDRINUSE && holder) {
                l->host->process_name(l->host->userdata, holder->pid, process, sizeof(process));
                result_worsen(result, WIRE_SERVICE_CONFLICT, WIRE_REASON_PORT_IN_USE,
                              "%s: in use by %s (process %u); end it, or listen elsewhere", text,
                              process[0] ? process : "another program", (unsigned) holder->pid);
        } else if (r == -EADDRINUSE) {
                result_worsen(result, WIRE_SERVICE_CONFLICT, WIRE_REASON_PORT_IN_USE,
                              "%s: in use by a program that Windows does not name", text);
        } else {
                return false;
        }
        return true;
}

static void look_at(Look *l, const ReconcileEndpoint *e) {
        WireServiceResult *result = &l->plan->results[e->agent][e->service];
        char text[IP_ENDPOINT_TEXT_MAX];

        if ((result->state != WIRE_SERVICE_ACTIVE && result->state != WIRE_SERVICE_PENDING) ||
            look_found(l, &e->listen))
                return;
        ip_endpoint_format(&e->listen, text);
        if (l->late && l->n_probes < VERIFY_PROBES_MAX) {
                l->n_probes++;
                if (look_obstacle(l, &e->listen, result, text)) {
                        l->n_obstacles++;
                        return;
                }
                l->n_idle++;
        }
        if (l->final) {
                result_worsen(result, WIRE_SERVICE_BLOCKED, WIRE_REASON_NOT_LISTENING,
                              "%s: the service IP Helper (iphlpsvc) does not listen there; restart "
                              "it: sc stop iphlpsvc, sc start iphlpsvc",
                              text);
        } else {
                result_worsen(result, WIRE_SERVICE_PENDING, WIRE_REASON_NOT_LISTENING,
                              "%s: the service IP Helper (iphlpsvc) does not listen there yet",
                              text);
        }
        l->n_waiting++;
}

/* When to look again, and whether iphlpsvc should be told before. */
static bool verify_schedule(Verify *v, const Look *l, uint64_t now_usec) {
        bool gone = l->n_obstacles < v->n_obstacles && l->n_idle > 0;
        bool retell = l->final && l->n_idle > 0 && now_usec - v->retold_usec >= VERIFY_RETELL_USEC;

        v->n_obstacles = l->n_obstacles;
        if (l->n_waiting == 0 && l->n_obstacles == 0) {
                v->due_usec = SESSION_NO_DEADLINE;
                v->attempt = 0;
                return false;
        }
        v->due_usec = now_usec + (l->final || l->n_waiting == 0
                                          ? VERIFY_OBSTACLE_USEC
                                          : verify_delays_ms[v->attempt] * UINT64_C(1000));
        if (v->attempt < VERIFY_ATTEMPTS)
                v->attempt++;
        if (retell) {
                v->retold_usec = now_usec;
                v->retelling = !gone;
        }
        return gone || retell;
}

int verify(Verify *v, const PortHost *host, ReconcilePlan *plan, uint64_t now_usec,
           bool *ret_tell) {
        Look l = {
                .host = host,
                .plan = plan,
                .late = v->attempt >= VERIFY_PATIENCE || v->n_obstacles > 0,
                .final = v->attempt >= VERIFY_ATTEMPTS,
        };
        int r = 0;

        *ret_tell = false;
        if (plan->n_endpoints > 0)
                r = host->listening_read(host->userdata, &l.table);
        if (r == 0) {
                listening_table_sort(&l.table);
                for (size_t i = 0; i < plan->n_endpoints; i++)
                        look_at(&l, &plan->endpoints[i]);
                *ret_tell = verify_schedule(v, &l, now_usec);
        } else {
                v->due_usec = SESSION_NO_DEADLINE;
        }
        listening_table_done(&l.table);
        return r == -ENOSYS ? 0 : r;
}
