/* SPDX-License-Identifier: MIT */

/*
 * Compares the endpoints of a plan with the host's table of listening sockets, and finds out why
 * one of them is missing.
 */

#include "windows-helper/core/ports/verify.h"

#include "windows-helper/core/base/result.h"
#include "windows-helper/core/ports/obstacle.h"

#include "common/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VERIFY_REPEAT_USEC UINT64_C(30000000)

/* When to check again. The last delays are what a machine under load may need. */
static const uint32_t verify_delays_ms[] = {5, 10, 20, 50, 100, 200, 500, 1000, 1000};
#define VERIFY_ATTEMPTS (sizeof(verify_delays_ms) / sizeof(verify_delays_ms[0]))

/* After this many checks the reason is looked for. Before, the forwarder is just not ready yet. */
#define VERIFY_PENDING_ATTEMPTS 4

typedef struct Check {
        const PortHost *host;
        ReconcilePlan *plan;
        ListeningTable table;
        bool late;  /* VERIFY_PENDING_ATTEMPTS have passed: look for reasons */
        bool final; /* the forwarders have had all the time they get */
        size_t n_waiting, n_obstacles, n_probes, n_idle;
        const Verify *before;
        size_t at;         /* in .before->late, which is walked along with the endpoints */
        IpEndpoint *lates; /* owned, with room for max_lates; as Verify.late, from this check */
        size_t n_lates, max_lates;
        Obstacles obstacles;
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

/* What is said of an endpoint, by who should listen there. They are constants: see
 * result_worsen_at(). */
typedef struct CheckTexts {
        const char *waits, *late, *stays, *takes;
} CheckTexts;

static const CheckTexts check_portproxy = {
        .waits = "the service IP Helper (iphlpsvc) does not listen there yet",
        .late = "the service IP Helper (iphlpsvc) does not listen there; restart it: 'net.exe stop "
                "iphlpsvc', then 'net.exe start iphlpsvc'",
        .stays = "the service IP Helper (iphlpsvc) still has the port",
        .takes = "a port forwarding that wslbridge did not make has the port; delete it, or listen "
                 "elsewhere ('netsh interface portproxy show all')",
};

static const CheckTexts check_relay = {
        .waits = "the service " NAMES_RELAY_SERVICE " does not listen there yet",
        .late = "the service " NAMES_RELAY_SERVICE " does not listen there; the Event Log says why",
        .stays = "the service " NAMES_RELAY_SERVICE " still has the port",
        .takes = "wslbridge's relay has the port for another endpoint; listen elsewhere "
                 "('wslbridge-helper rules')",
};

static const char check_no_relay[] =
        "the service " NAMES_RELAY_SERVICE " does not run; the Event Log and 'wslbridge-helper "
        "doctor' say why";

/* The process that has to listen there; 0: it does not run. */
static uint32_t check_process(const Check *c, const ReconcileEndpoint *e) {
        return rule_target_is_relay(&e->target) ? c->table.relay : c->table.forwarder;
}

static bool check_found(const Check *c, const ReconcileEndpoint *e) {
        const IpEndpoint *listen = &e->listen;
        uint32_t process = check_process(c, e);
        const Listening *end;

        for (const Listening *a = listening_table_at(&c->table, listen, &end); a < end; a++)
                if (ip_compare(&a->endpoint.addr, &listen->addr) == 0 &&
                    listening_may_be(a, process))
                        return true;
        return false;
}

/* True when @listen was late at the last check. To be asked in the order of the endpoints. */
static bool check_was_late(Check *c, const IpEndpoint *listen) {
        const Verify *v = c->before;

        while (c->at < v->n_late && ip_endpoint_compare(&v->late[c->at], listen) < 0)
                c->at++;
        return c->at < v->n_late && ip_endpoint_compare(&v->late[c->at], listen) == 0;
}

/* A forwarder lets go of a port that we forwarded until now, but not at once. If it still has it
 * when it is @late, that is for somebody else, or for another endpoint. */
static void check_blame_forwarder(Check *c, const ReconcileEndpoint *e, WireServiceResult *result,
                                  const Listening *holder, bool late) {
        const CheckTexts *texts = holder->pid == c->table.relay ? &check_relay : &check_portproxy;

        c->plan->checking[e->guest] = true;
        if (!late) {
                result_worsen_at(result, WIRE_SERVICE_PENDING, WIRE_REASON_NONE, &e->listen,
                                 texts->stays);
                c->n_waiting++;
                return;
        }
        result_worsen_at(result, WIRE_SERVICE_CONFLICT, WIRE_REASON_FOREIGN_RULE, &e->listen,
                         texts->takes);
        c->n_obstacles++;
}

static bool check_is_forwarder(const Check *c, const Listening *holder) {
        return holder->pid == c->table.forwarder || holder->pid == c->table.relay;
}

/* The other forwarder, if it keeps @e's from listening; or NULL. */
static const Listening *check_other_forwarder(const Check *c, const ReconcileEndpoint *e) {
        const Listening *holder = obstacle_holder(&c->obstacles, &e->listen, check_process(c, e));

        return holder && check_is_forwarder(c, holder) &&
                               obstacle_overlap(&holder->endpoint, &e->listen) >= OBSTACLE_TAKES
                       ? holder
                       : NULL;
}

/* Nobody has to listen there. But a program of Windows that does keeps the port from the guest
 * (facts 6.2.10, 6.2.11). Whether one on a single address does is not known, so it counts as none.
 */
static void check_direct(Check *c, const ReconcileEndpoint *e, WireServiceResult *result) {
        char text[IP_ENDPOINT_TEXT_MAX];
        const Listening *holder;

        if (result->state != WIRE_SERVICE_ACTIVE)
                return;
        holder = obstacle_holder(&c->obstacles, &e->listen, /* but= */ 0);
        if (!holder || obstacle_overlap(&holder->endpoint, &e->listen) < OBSTACLE_TAKES ||
            (e->reach == WIRE_REACH_RELAYED && holder_is_wsl(obstacle_who(&c->obstacles, holder))))
                return;
        c->plan->checking[e->guest] = true;
        if (check_is_forwarder(c, holder)) {
                check_blame_forwarder(c, e, result, holder, c->late);
                return;
        }
        ip_endpoint_format(&e->listen, text);
        obstacle_blame_holder(&c->obstacles, holder, result, text);
        c->n_obstacles++;
}

static void check_endpoint(Check *c, const ReconcileEndpoint *e) {
        WireServiceResult *results = c->plan->results[e->guest], *result;
        bool relay = rule_target_is_relay(&e->target);
        const CheckTexts *texts = relay ? &check_relay : &check_portproxy;
        char text[IP_ENDPOINT_TEXT_MAX];
        const Listening *other;

        if (!results || e->moves) /* its guest has changes left, and is looked at after them */
                return;
        result = &results[e->service];
        if (e->reach != WIRE_REACH_FORWARDED) {
                check_direct(c, e, result);
                return;
        }
        if (c->before->without_portproxy && !relay)
                return;
        if ((result->state != WIRE_SERVICE_ACTIVE && result->state != WIRE_SERVICE_PENDING) ||
            check_found(c, e))
                return;
        other = c->late ? check_other_forwarder(c, e) : NULL;
        if (other) {
                check_blame_forwarder(c, e, result, other, c->final);
                return;
        }
        if (c->late && c->n_probes < VERIFY_PROBES_MAX) {
                ip_endpoint_format(&e->listen, text);
                c->n_probes++;
                if (obstacle_find(&c->obstacles, &e->listen, check_process(c, e), result, text)) {
                        c->plan->checking[e->guest] = true;
                        c->n_obstacles++;
                        return;
                }
                /* An activation of iphlpsvc helps only its own. */
                c->n_idle += !relay && (c->obstacles.believes || !c->obstacles.unnamed);
        }
        if (c->final || check_was_late(c, &e->listen)) {
                c->lates[c->n_lates++] = e->listen;
                result_worsen_at(result, WIRE_SERVICE_BLOCKED, WIRE_REASON_NOT_LISTENING,
                                 &e->listen,
                                 relay && c->table.relay == 0 ? check_no_relay : texts->late);
        } else {
                result_worsen_at(result, WIRE_SERVICE_PENDING, WIRE_REASON_NOT_LISTENING,
                                 &e->listen, texts->waits);
                c->plan->checking[e->guest] = true;
                c->n_waiting++;
        }
}

/* Whether the table of UDP sockets matters. */
static bool check_needs_udp(const ReconcilePlan *plan) {
        for (size_t i = 0; i < plan->n_endpoints; i++)
                if (plan->endpoints[i].listen.udp)
                        return true;
        return false;
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
        bool gone = (c->n_obstacles < v->n_obstacles || v->relay_changed) && c->n_idle > 0;
        bool repeat =
                c->final && c->n_idle > 0 && now_usec - v->repeated_usec >= VERIFY_REPEAT_USEC;

        if (gone) /* the activation is for them, so their checks start anew */
                c->n_lates = 0;
        if (gone || c->n_waiting == 0)
                v->relay_changed = false;
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

        c.obstacles =
                (Obstacles){.host = host, .table = &c.table, .believes = v->unnamed || c.final};
        *ret_activate = false;
        c.lates = malloc((c.max_lates > 0 ? c.max_lates : 1) * sizeof(*c.lates));
        r = c.lates ? 0 : -ENOMEM;
        if (r == 0 && plan->n_endpoints > 0)
                r = host->listening_read(host->userdata, check_needs_udp(plan), &c.table);
        if (r == 0) {
                listening_table_sort(&c.table);
                for (size_t i = 0; i < plan->n_endpoints; i++)
                        check_endpoint(&c, &plan->endpoints[i]);
                if (plan->input->some)
                        check_keep_lates(&c);
                *ret_activate = verify_schedule(v, &c, now_usec);
                v->unnamed = c.obstacles.unnamed;
                verify_forget_late(v);
                v->late = c.lates;
                v->n_late = c.n_lates;
        } else {
                v->due_usec = SESSION_NO_DEADLINE;
                free(c.lates);
        }
        listening_table_done(&c.table);
        return r == -ENOSYS ? 0 : r;
}
