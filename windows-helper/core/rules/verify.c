/* SPDX-License-Identifier: MIT */

/*
 * Compares the endpoints of a plan with the host's table of listening sockets, and finds out why
 * one of them is missing.
 */

#include "windows-helper/core/rules/verify.h"

#include "windows-helper/core/base/holder.h"
#include "windows-helper/core/base/result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VERIFY_REPEAT_USEC UINT64_C(30000000)

/* When to check again. The last delays are what a machine under load may need. */
static const uint32_t verify_delays_ms[] = {5, 10, 20, 50, 100, 200, 500, 1000, 1000};
#define VERIFY_ATTEMPTS (sizeof(verify_delays_ms) / sizeof(verify_delays_ms[0]))

/* After this many checks the reason is looked for. Before, iphlpsvc is just not ready yet. */
#define VERIFY_PENDING_ATTEMPTS 4

#define VERIFY_PORTS_SIZE ((UINT16_MAX + 1) / 8)

typedef struct Check {
        const PortHost *host;
        ReconcilePlan *plan;
        ListeningTable table;
        bool late;  /* VERIFY_PENDING_ATTEMPTS have passed: look for reasons */
        bool final; /* iphlpsvc has had all the time it gets */
        size_t n_waiting, n_obstacles, n_probes, n_idle;
        const Verify *before;
        size_t at;         /* in .before->late, which is walked along with the endpoints */
        IpEndpoint *lates; /* owned, with room for max_lates; as Verify.late, from this check */
        size_t n_lates, max_lates;
        /* the excluded range found last; no port is 0 */
        uint16_t range_first, range_last;
        Holder holder;  /* asked about last: one program may have many ports */
        uint8_t *ports; /* owned; a bit for each port that somebody listens on */
} Check;

void verify_forget_late(Verify *v) {
        free(v->late);
        v->late = NULL;
        v->n_late = 0;
}

void verify_done(Verify *v) {
        verify_forget_late(v);
}

void verify_restart(Verify *v) {
        if (!v->repeating)
                v->attempt = 0;
        v->repeating = false;
}

/* True for a socket of iphlpsvc (fact 4.3.8), and for one whose owner Windows does not report. */
static bool check_may_be_forwarder(const Check *c, const Listening *a) {
        return a->pid == c->table.forwarder || a->pid == 0;
}

static bool check_found(const Check *c, const IpEndpoint *listen) {
        size_t from = 0, to = c->table.n;

        while (from < to) {
                size_t middle = from + (to - from) / 2;

                if (ip_endpoint_compare(&c->table.items[middle].endpoint, listen) < 0)
                        from = middle + 1;
                else
                        to = middle;
        }
        for (; from < c->table.n; from++) {
                if (ip_endpoint_compare(&c->table.items[from].endpoint, listen) != 0)
                        return false;
                if (check_may_be_forwarder(c, &c->table.items[from]))
                        return true;
        }
        return false;
}

#define CHECK_OVERLAP_TAKES 3 /* from here on, nobody else can have the endpoint */

/* How well a socket of another process explains that iphlpsvc cannot listen; 0: not at all. A more
 * specific socket, such as wslrelay's on 127.0.0.1, does not keep iphlpsvc from listening on all
 * addresses (fact 4.3.4). */
static unsigned check_overlap(const IpEndpoint *a, const IpEndpoint *listen) {
        if (a->port != listen->port)
                return 0;
        if (ip_compare(&a->addr, &listen->addr) == 0)
                return 4;
        if (a->addr.family == listen->addr.family)
                return ip_is_any(&a->addr) ? 3 : ip_is_any(&listen->addr) ? 2 : 0;
        return ip_is_any(&a->addr) && a->addr.family == IP_FAMILY_V6 ? 1 : 0; /* dual stack */
}

/* @forwarder: iphlpsvc counts like any other process. */
static const Listening *check_holder(const Check *c, const IpEndpoint *listen, bool forwarder) {
        const Listening *best = NULL;
        unsigned best_overlap = 0;

        for (size_t i = 0; i < c->table.n; i++) {
                const Listening *a = &c->table.items[i];
                bool counts = a->pid != 0 && (forwarder || !check_may_be_forwarder(c, a));
                unsigned overlap = counts ? check_overlap(&a->endpoint, listen) : 0;

                if (overlap > best_overlap) {
                        best = a;
                        best_overlap = overlap;
                }
        }
        return best;
}

/* How the process that has a port is called, as far as Windows says. */
static const Holder *check_who(Check *c, const Listening *holder) {
        Holder *h = &c->holder;

        if (h->pid != holder->pid) {
                *h = (Holder){.pid = holder->pid};
                c->host->process_name(c->host->userdata, h->pid, h->process, sizeof(h->process));
                c->host->process_services(c->host->userdata, h->pid, h->services,
                                          sizeof(h->services));
        }
        return h;
}

static bool check_excluded(const Check *c, IpEndpoint e, uint16_t port) {
        e.port = port;
        return c->host->bind_probe(c->host->userdata, &e) == -EACCES;
}

/* Excluded ranges (fact 4.3.2) can only be listed by netsh, as text; there is no other documented
 * way (fact 4.3.3). So this looks for the ports on both sides where binding is no longer refused.
 */
static void check_measure_range(Check *c, const IpEndpoint *listen) {
        uint16_t first = listen->port, last = listen->port;

        if (c->range_first <= first && first <= c->range_last)
                return;
        while (first > 1 && listen->port - first < VERIFY_RANGE_MAX &&
               check_excluded(c, *listen, (uint16_t) (first - 1)))
                first--;
        while (last < UINT16_MAX && last - listen->port < VERIFY_RANGE_MAX &&
               check_excluded(c, *listen, (uint16_t) (last + 1)))
                last++;
        c->range_first = first;
        c->range_last = last;
}

static void check_blame_range(Check *c, const IpEndpoint *listen, WireServiceResult *result,
                              const char *text) {
        check_measure_range(c, listen);
        result_worsen(result, WIRE_SERVICE_BLOCKED, WIRE_REASON_EXCLUDED_RANGE,
                      "%s: Windows has reserved the ports %u to %u ('netsh interface ipv4 show "
                      "excludedportrange protocol=tcp'); listen on another port",
                      text, (unsigned) c->range_first, (unsigned) c->range_last);
}

static void check_blame_holder(Check *c, const Listening *holder, WireServiceResult *result,
                               const char *text) {
        char words[HOLDER_TEXT_MAX + 1];

        holder_text(check_who(c, holder), holder->endpoint.port, words);
        result_worsen(result, WIRE_SERVICE_CONFLICT, WIRE_REASON_PORT_IN_USE, "%s: %s", text,
                      words);
}

/* Return: true when there is an obstacle; then @result says which. */
static bool check_obstacle(Check *c, const IpEndpoint *listen, WireServiceResult *result,
                           const char *text) {
        const Listening *holder = check_holder(c, listen, /* forwarder= */ false);
        int r;

        if (holder && check_overlap(&holder->endpoint, listen) >= CHECK_OVERLAP_TAKES) {
                check_blame_holder(c, holder, result, text);
                return true;
        }
        r = c->host->bind_probe(c->host->userdata, listen);
        if (r == -EACCES) {
                check_blame_range(c, listen, result, text);
        } else if (r == -EADDRNOTAVAIL) {
                result_worsen(result, WIRE_SERVICE_BLOCKED, WIRE_REASON_NOT_LISTENING,
                              "%s: this host does not have the address now; the port opens as soon "
                              "as it does",
                              text);
        } else if (r == -EADDRINUSE && holder) {
                check_blame_holder(c, holder, result, text);
        } else if (r == -EADDRINUSE) {
                result_worsen(result, WIRE_SERVICE_CONFLICT, WIRE_REASON_PORT_IN_USE,
                              "%s: in use by a program that Windows does not name", text);
        } else {
                return false;
        }
        return true;
}

/* True when @listen was late at the last check. To be asked in the order of the endpoints. */
static bool check_was_late(Check *c, const IpEndpoint *listen) {
        const Verify *v = c->before;

        while (c->at < v->n_late && ip_endpoint_compare(&v->late[c->at], listen) < 0)
                c->at++;
        return c->at < v->n_late && ip_endpoint_compare(&v->late[c->at], listen) == 0;
}

static void check_note_port(Check *c, uint16_t port) {
        c->ports[port / 8] |= (uint8_t) (1u << port % 8);
}

/* iphlpsvc lets go of a port that we forwarded until now, but not at once. After that, the
 * forwarding is somebody else's. */
static void check_blame_forwarder(Check *c, const ReconcileEndpoint *e, WireServiceResult *result) {
        if (!c->late) {
                result_worsen_at(result, WIRE_SERVICE_PENDING, WIRE_REASON_NONE, &e->listen,
                                 "the service IP Helper (iphlpsvc) still has the port");
                c->n_waiting++;
                return;
        }
        result_worsen_at(result, WIRE_SERVICE_CONFLICT, WIRE_REASON_FOREIGN_RULE, &e->listen,
                         "a port forwarding that wslbridge did not make has the port; delete it, "
                         "or listen elsewhere ('netsh interface portproxy show all')");
        c->n_obstacles++;
}

/* Nobody has to listen there. But a program of Windows that does keeps the port from the guest
 * (facts 6.2.10, 6.2.11). Whether one on a single address does is not known, so it counts as none.
 */
static void check_direct(Check *c, const ReconcileEndpoint *e, WireServiceResult *result) {
        uint16_t port = e->listen.port;
        char text[IP_ENDPOINT_TEXT_MAX];
        const Listening *holder;

        if (result->state != WIRE_SERVICE_ACTIVE || !(c->ports[port / 8] & 1u << port % 8))
                return;
        holder = check_holder(c, &e->listen, /* forwarder= */ true);
        if (!holder || check_overlap(&holder->endpoint, &e->listen) < CHECK_OVERLAP_TAKES ||
            (e->reach == WIRE_REACH_RELAYED && holder_is_wsl(check_who(c, holder))))
                return;
        c->plan->checking[e->guest] = true;
        if (holder->pid == c->table.forwarder) {
                check_blame_forwarder(c, e, result);
                return;
        }
        ip_endpoint_format(&e->listen, text);
        check_blame_holder(c, holder, result, text);
        c->n_obstacles++;
}

static void check_endpoint(Check *c, const ReconcileEndpoint *e) {
        WireServiceResult *results = c->plan->results[e->guest], *result;
        char text[IP_ENDPOINT_TEXT_MAX];

        if (!results) /* its guest has changes left, and is looked at after them */
                return;
        result = &results[e->service];
        if (e->reach != WIRE_REACH_FORWARDED) {
                check_direct(c, e, result);
                return;
        }
        if ((result->state != WIRE_SERVICE_ACTIVE && result->state != WIRE_SERVICE_PENDING) ||
            check_found(c, &e->listen))
                return;
        if (c->late && c->n_probes < VERIFY_PROBES_MAX) {
                ip_endpoint_format(&e->listen, text);
                c->n_probes++;
                if (check_obstacle(c, &e->listen, result, text)) {
                        c->plan->checking[e->guest] = true;
                        c->n_obstacles++;
                        return;
                }
                c->n_idle++;
        }
        if (c->final || check_was_late(c, &e->listen)) {
                c->lates[c->n_lates++] = e->listen;
                result_worsen_at(result, WIRE_SERVICE_BLOCKED, WIRE_REASON_NOT_LISTENING,
                                 &e->listen,
                                 "the service IP Helper (iphlpsvc) does not listen there; restart "
                                 "it: 'net.exe stop iphlpsvc', then 'net.exe start iphlpsvc'");
        } else {
                result_worsen_at(result, WIRE_SERVICE_PENDING, WIRE_REASON_NOT_LISTENING,
                                 &e->listen,
                                 "the service IP Helper (iphlpsvc) does not listen there yet");
                c->plan->checking[e->guest] = true;
                c->n_waiting++;
        }
}

/* Those of guests that this run is not for. Both lists are sorted. They are merged in the room of
 * one, so the other goes to its end first. */
static void check_keep_lates(Check *c) {
        const Ledger *checked = c->plan->input->ledger;
        const Verify *v = c->before;
        IpEndpoint *from = c->lates + c->max_lates - c->n_lates;
        size_t n = 0, k = 0;

        memmove(from, c->lates, c->n_lates * sizeof(*from));
        for (size_t i = 0; i < v->n_late; i++) {
                while (k < c->n_lates && ip_endpoint_compare(&from[k], &v->late[i]) < 0)
                        c->lates[n++] = from[k++];
                if (!ledger_find(checked, &v->late[i]))
                        c->lates[n++] = v->late[i];
        }
        while (k < c->n_lates)
                c->lates[n++] = from[k++];
        c->n_lates = n;
}

/* Decide when to check again. Return: whether to activate before. */
static bool verify_schedule(Verify *v, Check *c, uint64_t now_usec) {
        bool gone = c->n_obstacles < v->n_obstacles && c->n_idle > 0;
        bool repeat =
                c->final && c->n_idle > 0 && now_usec - v->repeated_usec >= VERIFY_REPEAT_USEC;

        if (gone) /* the activation is for them, so their checks start anew */
                c->n_lates = 0;
        v->n_obstacles = c->n_obstacles;
        v->waits = c->n_waiting > 0;
        if (!gone && c->n_waiting == 0 && c->n_obstacles == 0 && c->n_lates == 0) {
                v->due_usec = SESSION_NO_DEADLINE;
                v->attempt = 0;
                return false;
        }
        v->due_usec = now_usec + (c->final || c->n_waiting == 0
                                          ? VERIFY_OBSTACLE_USEC
                                          : verify_delays_ms[v->attempt] * UINT64_C(1000));
        if (v->attempt < VERIFY_ATTEMPTS)
                v->attempt++;
        if (repeat) {
                v->repeated_usec = now_usec;
                v->repeating = !gone;
        }
        return gone || repeat;
}

int verify(Verify *v, const PortHost *host, ReconcilePlan *plan, uint64_t now_usec,
           bool *ret_activate) {
        Check c = {
                .host = host,
                .plan = plan,
                .before = v,
                .max_lates = plan->n_endpoints + v->n_late,
                .late = v->attempt >= VERIFY_PENDING_ATTEMPTS || v->n_obstacles > 0,
                .final = v->attempt >= VERIFY_ATTEMPTS,
        };
        int r;

        *ret_activate = false;
        c.lates = malloc((c.max_lates > 0 ? c.max_lates : 1) * sizeof(*c.lates));
        c.ports = calloc(VERIFY_PORTS_SIZE, 1);
        r = c.lates && c.ports ? 0 : -ENOMEM;
        if (r == 0 && plan->n_endpoints > 0)
                r = host->listening_read(host->userdata, &c.table);
        if (r == 0) {
                listening_table_sort(&c.table);
                for (size_t i = 0; i < c.table.n; i++)
                        check_note_port(&c, c.table.items[i].endpoint.port);
                for (size_t i = 0; i < plan->n_endpoints; i++)
                        check_endpoint(&c, &plan->endpoints[i]);
                if (plan->input->some)
                        check_keep_lates(&c);
                *ret_activate = verify_schedule(v, &c, now_usec);
                verify_forget_late(v);
                v->late = c.lates;
                v->n_late = c.n_lates;
        } else {
                v->due_usec = SESSION_NO_DEADLINE;
                free(c.lates);
        }
        free(c.ports);
        listening_table_done(&c.table);
        return r == -ENOSYS ? 0 : r;
}
