/* SPDX-License-Identifier: MIT */

/*
 * Compares the endpoints of a plan with the host's table of listening sockets, and finds out why
 * one of them is missing.
 */

#include "windows-helper/core/ports/verify.h"

#include "windows-helper/core/base/result.h"
#include "windows-helper/core/ports/obstacle.h"
#include "windows-helper/core/ports/verify-text.h"

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
        bool looks; /* at the sockets of the host */
        bool late;  /* VERIFY_PENDING_ATTEMPTS have passed: look for reasons */
        bool final; /* the forwarders have had all the time they get */
        size_t n_waiting, n_obstacles, n_probes, n_idle;
        const Verify *before;
        size_t at;        /* in .before->unheard, which is walked along with the endpoints */
        Unheard *unheard; /* owned, with room for all; as Verify.unheard, from this check */
        size_t n_unheard;
        Obstacles obstacles;
} Check;

void verify_forget_late(Verify *v) {
        unheard_forget_late(&v->unheard);
}

void verify_done(Verify *v) {
        unheard_done(&v->unheard);
}

void verify_restart(Verify *v) {
        if (!v->repeating)
                v->attempt = 0;
        v->repeating = false;
}

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

/* A forwarder lets go of a port that we forwarded until now, but not at once. If it still has it
 * when it is @late, that is for somebody else, or for another endpoint. */
static void check_blame_forwarder(Check *c, ReconcileEndpoint *e, WireServiceResult *result,
                                  const Listening *holder, bool late) {
        const VerifyTexts *texts = verify_texts(holder->pid == c->table.relay);

        c->plan->checking[e->guest] = true;
        if (!late) {
                result_worsen_at(result, WIRE_SERVICE_PENDING, WIRE_REASON_NONE, &e->listen,
                                 texts->stays);
                c->plan->waiting[e->guest] = true;
                c->n_waiting++;
                return;
        }
        result_worsen_at(result, WIRE_SERVICE_CONFLICT, WIRE_REASON_FOREIGN_RULE, &e->listen,
                         texts->takes);
        e->closed = true;
        c->n_obstacles++;
}

static bool check_is_forwarder(const Check *c, const Listening *holder) {
        return holder->pid == c->table.forwarder || holder->pid == c->table.relay;
}

/* Some other forwarder than its own, if that keeps @e's from listening; or NULL. */
static const Listening *check_other_forwarder(const Check *c, const ReconcileEndpoint *e) {
        const Listening *holder = obstacle_holder(&c->obstacles, &e->listen, check_process(c, e));

        return holder && check_is_forwarder(c, holder) &&
                               obstacle_overlap(&holder->endpoint, &e->listen) >= OBSTACLE_TAKES
                       ? holder
                       : NULL;
}

/* Whether others may get in to somebody's socket. One on a single address counts, and one of IPv6
 * may take IPv4 as well. */
static bool check_somebody(const Check *c, const IpEndpoint *listen) {
        const Listening *end;

        for (const Listening *a = listening_table_at(&c->table, listen, &end); a < end; a++)
                if (obstacle_overlap(&a->endpoint, listen) > 0 &&
                    (!ip_is_loopback(&a->endpoint.addr) || ip_is_loopback(&listen->addr)))
                        return true;
        return false;
}

/* WSL listens as soon as a program in the guest does, and nothing tells us when (fact 6.2.11). */
static void check_wsl(Check *c, const ReconcileEndpoint *e) {
        if (e->reach != WIRE_REACH_RELAYED || check_somebody(c, &e->listen))
                return;
        c->unheard[c->n_unheard++] = (Unheard){e->listen, .late = true, .silent = true};
        verify_mark_silent(c->plan, e);
}

/* Nobody has to listen there whom we could start. But a program of Windows that does keeps the port
 * from the guest (facts 6.2.10, 6.2.11). Whether one on a single address does is not known, so it
 * counts as none. Return: as check_endpoint(). */
static bool check_direct(Check *c, ReconcileEndpoint *e, WireServiceResult *result) {
        char text[IP_ENDPOINT_TEXT_MAX];
        const Listening *holder;

        if (!result_may_be_open(result))
                return false;
        holder = obstacle_holder(&c->obstacles, &e->listen, /* but= */ 0);
        if (!holder || obstacle_overlap(&holder->endpoint, &e->listen) < OBSTACLE_TAKES ||
            (e->reach == WIRE_REACH_RELAYED &&
             holder_is_wsl(obstacle_who(&c->obstacles, holder)))) {
                check_wsl(c, e);
                return true;
        }
        c->plan->checking[e->guest] = true;
        if (check_is_forwarder(c, holder)) {
                check_blame_forwarder(c, e, result, holder, c->late);
                return false;
        }
        ip_endpoint_format(&e->listen, text);
        obstacle_blame_holder(&c->obstacles, holder, result, text);
        e->closed = true;
        c->n_obstacles++;
        return false;
}

/* Whether somebody has to listen there who cannot, so that there is nothing to look for. */
static bool check_is_vain(const Check *c, const ReconcileEndpoint *e) {
        return c->before->without_portproxy && e->reach == WIRE_REACH_FORWARDED &&
               !rule_target_is_relay(&e->target);
}

/* The plan does not have what @u is about. A guest that this run is not for is not in its ledger,
 * either. A value that is still there, because its guest has changes left or is away, may be asked
 * for again, and no write would tell that somebody has to look. Return: whether @u stays known. */
static bool check_stays(const Check *c, Unheard *u) {
        if (!ledger_find(c->plan->input->ledger, &u->endpoint))
                return c->plan->input->partial;
        u->late = u->silent; /* that is open all the same */
        return true;
}

/* What was known of @listen, or NULL. What comes before it and stays known is taken over on the
 * way. @listen: in the order of the plan, and at last NULL, for the rest */
static const Unheard *check_before(Check *c, const IpEndpoint *listen) {
        const UnheardList *before = &c->before->unheard;

        for (; c->at < before->n; c->at++) {
                Unheard u = before->items[c->at];
                int order = listen ? ip_endpoint_compare(&u.endpoint, listen) : -1;

                if (order > 0)
                        return NULL;
                if (order == 0)
                        return &before->items[c->at++];
                if (check_stays(c, &u))
                        c->unheard[c->n_unheard++] = u;
        }
        return NULL;
}

/* Return: whether its state stays known without another look: it is open, waits for its forwarder,
 * or is late. */
static bool check_endpoint(Check *c, ReconcileEndpoint *e) {
        const Unheard *before = check_before(c, &e->listen);
        WireServiceResult *results = c->plan->results[e->guest], *result;
        bool relay = rule_target_is_relay(&e->target), late;
        char text[IP_ENDPOINT_TEXT_MAX];
        const Listening *other;

        if (!results || e->moves) { /* its guest has changes left, and is looked at after them */
                if (before)
                        c->unheard[c->n_unheard++] = *before;
                return false;
        }
        result = &results[e->service];
        if (e->reach != WIRE_REACH_FORWARDED)
                return check_direct(c, e, result);
        if (check_is_vain(c, e))
                return false;
        if (!result_may_be_open(result))
                return false;
        if (check_found(c, e))
                return true;
        other = c->late ? check_other_forwarder(c, e) : NULL;
        if (other) {
                check_blame_forwarder(c, e, result, other, c->final);
                return false;
        }
        if (c->late && c->n_probes < VERIFY_PROBES_MAX) {
                ip_endpoint_format(&e->listen, text);
                c->n_probes++;
                if (obstacle_find(&c->obstacles, &e->listen, check_process(c, e), result, text)) {
                        c->plan->checking[e->guest] = e->closed = true;
                        c->n_obstacles++;
                        return false;
                }
                /* An activation of iphlpsvc helps only its own. */
                c->n_idle += !relay && (c->obstacles.unnamed_before || !c->obstacles.unnamed);
        }
        late = c->final || (before && before->late);
        c->unheard[c->n_unheard++] = (Unheard){e->listen, .late = late};
        c->n_waiting += !late;
        if (late)
                verify_mark_late(c->plan, e, c->table.relay == 0);
        else
                verify_mark_waiting(c->plan, e);
        return true;
}

/* The tables that matter. The process that should listen is found in one of them. What keeps it
 * from listening, or takes a port from a guest, may be in that of the other IP version as well. */
static unsigned check_tables(const Check *c) {
        unsigned tables = 0;

        for (size_t i = 0; i < c->plan->n_endpoints; i++) {
                const ReconcileEndpoint *e = &c->plan->endpoints[i];

                if (check_is_vain(c, e))
                        continue;
                tables |= !c->late && e->reach == WIRE_REACH_FORWARDED
                                  ? listening_tables_of(&e->listen)
                          : e->listen.udp ? LISTENING_UDP
                                          : LISTENING_TCP;
        }
        return tables;
}

/* Decide when to check again. Return: whether to activate before. */
static bool verify_schedule(Verify *v, Check *c, uint64_t now_usec) {
        bool gone = (c->n_obstacles < v->n_obstacles || v->relay_changed) && c->n_idle > 0;
        bool repeat =
                c->final && c->n_idle > 0 && now_usec - v->repeated_usec >= VERIFY_REPEAT_USEC;

        if (gone) /* the activation is for them, so their checks start anew */
                verify_forget_late(v);
        if (gone || c->n_waiting == 0)
                v->relay_changed = false;
        v->n_obstacles = c->n_obstacles;
        v->due_for_waiting = c->n_waiting > 0;
        if (!gone && c->n_waiting == 0 && c->n_obstacles == 0 &&
            !unheard_any_late(&v->unheard, /* silent= */ false)) {
                v->due_usec = unheard_any_late(&v->unheard, /* silent= */ true)
                                      ? now_usec + VERIFY_SILENT_USEC
                                      : SESSION_NO_DEADLINE;
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

static void verify_all(Verify *v, Check *c, uint64_t now_usec, bool *ret_activate) {
        ReconcilePlan *plan = c->plan;

        listening_table_sort(&c->table);
        for (size_t i = 0; i < plan->n_endpoints; i++)
                if (!check_endpoint(c, &plan->endpoints[i]))
                        plan->unsettled[plan->endpoints[i].guest] = true;
        (void) check_before(c, NULL);
        unheard_set(&v->unheard, c->unheard, c->n_unheard);
        *ret_activate = verify_schedule(v, c, now_usec);
        v->unnamed = c->obstacles.unnamed;
        if (c->looks)
                v->without_relay = c->table.relay == 0;
}

static bool verify_is_judged(const ReconcilePlan *plan, const ReconcileEndpoint *e) {
        return plan->results[e->guest] && !e->moves;
}

/* The look has failed, with @error. On a host that cannot be looked at at all (-ENOSYS), what was
 * decided is all that is known. */
static void verify_nothing(Verify *v, Check *c, int error, uint64_t now_usec) {
        bool again = error != -ENOSYS;

        v->due_usec = again ? now_usec + VERIFY_OBSTACLE_USEC : SESSION_NO_DEADLINE;
        v->due_for_waiting = false;
        free(c->unheard);
        for (size_t i = 0; i < c->plan->n_endpoints; i++) {
                const ReconcileEndpoint *e = &c->plan->endpoints[i];

                c->plan->unsettled[e->guest] = true;
                if (again && verify_is_judged(c->plan, e))
                        verify_mark_unseen(c->plan, e);
        }
        c->plan->unseen = again;
}

int verify(Verify *v, const PortHost *host, ReconcilePlan *plan, uint64_t now_usec,
           bool *ret_activate) {
        Check c = {
                .host = host,
                .plan = plan,
                .before = v,
                .late = v->attempt >= VERIFY_PENDING_ATTEMPTS || v->n_obstacles > 0,
                .final = v->attempt >= VERIFY_ATTEMPTS,
        };
        unsigned tables;
        int r;

        c.obstacles = (Obstacles){
                .host = host, .table = &c.table, .unnamed_before = v->unnamed || c.final};
        *ret_activate = false;
        c.unheard = malloc((plan->n_endpoints + v->unheard.n + 1) * sizeof(*c.unheard));
        r = c.unheard ? 0 : -ENOMEM;
        tables = check_tables(&c);
        c.looks = tables != 0; /* or nobody has anything that is listened for */
        if (r == 0 && c.looks)
                r = host->listening_read(host->userdata, tables, &c.table);
        if (r == 0)
                verify_all(v, &c, now_usec, ret_activate);
        else
                verify_nothing(v, &c, r, now_usec);
        listening_table_done(&c.table);
        return r == -ENOSYS ? 0 : r;
}

int verify_expect(Verify *v, const IpEndpoint *endpoints, size_t n) {
        return unheard_wait(&v->unheard, endpoints, n);
}

void verify_knows(const Verify *v, const ReconcilePlan *plan, bool *whom) {
        size_t at = 0;

        for (size_t i = 0; i < plan->n_endpoints; i++) {
                const ReconcileEndpoint *e = &plan->endpoints[i];
                const Unheard *u = unheard_next(&v->unheard, &at, &e->listen);

                if (u && !u->late && verify_is_judged(plan, e))
                        whom[e->guest] = false;
        }
}

void verify_recall(Verify *v, ReconcilePlan *plan, uint64_t now_usec) {
        uint64_t soon = now_usec + verify_delays_ms[0] * UINT64_C(1000);
        bool waits = false;
        size_t at = 0;

        for (size_t i = 0; i < plan->n_endpoints; i++) {
                ReconcileEndpoint *e = &plan->endpoints[i];
                const Unheard *u = unheard_next(&v->unheard, &at, &e->listen);

                if (!u || !verify_is_judged(plan, e))
                        continue;
                waits |= !u->late;
                if (u->late && e->reach == WIRE_REACH_FORWARDED)
                        verify_mark_late(plan, e, v->without_relay);
                else if (u->late)
                        verify_mark_silent(plan, e);
                else if (e->reach == WIRE_REACH_FORWARDED)
                        verify_mark_waiting(plan, e);
                else
                        verify_mark_unseen(plan, e);
        }
        if (waits && v->due_usec > soon) {
                v->due_usec = soon;
                v->due_for_waiting = true;
        }
}
