/* SPDX-License-Identifier: MIT */

/*
 * One run: read the values, reconcile, apply, and send a RESULT to every guest whose services are
 * not as they were reported last.
 */

#include "windows-helper/core/base/error-text.h"
#include "windows-helper/core/base/result.h"
#include "windows-helper/core/controller/forwarder-private.h"
#include "windows-helper/core/controller/reported-private.h"
#include "windows-helper/core/controller/scope-private.h"
#include "windows-helper/core/rules/slice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct Settle {
        Controller *controller;
        Scope scope;
        RuleTable adoptions;
        uint64_t started, now_usec;
        bool looks_later; /* the guests were answered without a look who listens */
} Settle;

static ReconcileGuest settle_input(const Guest *guest) {
        return (ReconcileGuest){
                .state = &guest->state, .version = guest->version, .wsl = guest->peer.wsl};
}

/* Only an address to forward to is judged. */
static EventId settle_judge_guest(const Settle *s, const Guest *guest, const WireAddress *a,
                                  char ret_why[WIRE_TEXT_MAX + 1]) {
        const ReconcileGuest g = settle_input(guest);

        if ((wire_mode_is_served(guest->state.mode, guest->version) &&
             wire_reach_is_direct(wire_place_reach(guest->state.mode, guest->place))) ||
            reconcile_judge_address(&g, &s->controller->hostnet, ret_why) == HOSTNET_BEHIND)
                return EVENT_ADDRESS;
        return a->addr.family == IP_FAMILY_NONE ? EVENT_NO_ADDRESS : EVENT_OFF_LINK;
}

static void settle_log_guest(Settle *s, Guest *guest) {
        const WireAddress *a =
                guest->state.v4.addr.family != IP_FAMILY_NONE ? &guest->state.v4 : &guest->state.v6;
        LogCause cause = {guest->owner, peer_vm(&guest->peer), guest->keyed};
        char name[CONTROLLER_NAME_MAX], address[GUEST_TEXT_MAX], why[WIRE_TEXT_MAX + 1];
        EventId event = settle_judge_guest(s, guest, a, why);
        LogLevel level = event == EVENT_ADDRESS ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING;

        ip_format(&a->addr, address);
        if (strcmp(address, guest->logged_address) == 0 && guest->logged_event == event &&
            guest->logged_mode == guest->state.mode && guest->logged_place == guest->place)
                return;
        memcpy(guest->logged_address, address, sizeof(address));
        guest->logged_event = event;
        guest->logged_mode = guest->state.mode;
        guest->logged_place = guest->place;
        controller_log_name(guest->owner, name);
        controller_log_peer(&s->controller->log, &cause, level, event,
                            "%s: guest address is %s (networking mode %s), services: %u%s%s", name,
                            address, wire_mode_name(guest->state.mode),
                            (unsigned) guest->state.n_services,
                            event == EVENT_OFF_LINK ? "; nothing is forwarded to it: it "
                            : guest->place == WIRE_PLACE_OUTSIDE
                                    ? "; nothing is forwarded to it, because other machines are on "
                                      "its network and reach it themselves"
                                    : "",
                            event == EVENT_OFF_LINK ? why : "");
}

/* Microseconds since then, UINT32_MAX at most. */
static uint32_t settle_took(const Settle *s, uint64_t since_usec) {
        uint64_t took = s->controller->host.now(s->controller->host.userdata) - since_usec;

        return took < UINT32_MAX ? (uint32_t) took : UINT32_MAX;
}

static void settle_answer(Settle *s, Guest *guest, WireServiceResult *results) {
        const ReconcileGuest g = settle_input(guest);
        uint8_t place = (uint8_t) reconcile_place(&g, &s->controller->hostnet);
        bool changed = reported_changed(guest, results) || guest->place != place;

        guest->place = place;
        settle_log_guest(s, guest);
        if (guest->connection && guest->connection->has_asked && (changed || guest->answer_due)) {
                WireResult message = {
                        .sequence = guest->state.sequence,
                        .apply_usec =
                                settle_took(s, guest->answer_due ? guest->asked_usec : s->started),
                        .place = place,
                        .services = results,
                        .n_services = guest->state.n_services,
                };

                connection_send_result(guest->connection, &message, s->now_usec);
        }
        guest->answer_due = false;
        if (changed) {
                reported_log(&s->controller->log, guest, results);
                reported_remember(guest, results);
        } else {
                result_list_free(results, guest->state.n_services);
        }
        guest->reported_serial = guest->state_serial;
}

static void settle_retry(Settle *s, int error, const char *what) {
        controller_log(&s->controller->log, LOG_LEVEL_ERROR, EVENT_RULES_PROBLEM,
                       "%s failed (%s), trying again in %u s", what, error_text(error),
                       CONTROLLER_RETRY_MS / 1000u);
        s->controller->due.retry_usec =
                s->now_usec + CONTROLLER_RETRY_MS * CONTROLLER_USEC_PER_MSEC;
}

/* Nothing could be decided. Tell every guest, and try again later. A check that is overdue until
 * then would only wake the loop. */
static int settle_fail(Settle *s, int error, const char *what) {
        Controller *controller = s->controller;

        settle_retry(s, error, what);
        controller->due.all_usec = controller->verify.due_usec = SESSION_NO_DEADLINE;
        for (size_t i = 0; i < s->scope.n; i++) {
                WireServiceResult *results;
                uint32_t n;

                if (!s->scope.inputs[i].state)
                        continue;
                n = s->scope.inputs[i].state->n_services;
                results = calloc(n + 1u, sizeof(*results));
                for (uint32_t k = 0; results && k < n; k++) {
                        results[k].state = WIRE_SERVICE_ACTIVE;
                        result_worsen(&results[k], WIRE_SERVICE_BLOCKED, WIRE_REASON_WRITE_FAILED,
                                      "%s failed (%s); it is tried again automatically", what,
                                      error_text(error));
                }
                if (results)
                        settle_answer(s, s->scope.guests[i], results);
        }
        return error;
}

static void settle_outcome(Settle *s, const ReconcilePlan *plan, const ApplyOutcome *o) {
        Controller *controller = s->controller;
        bool waits = false;

        if (o->activated)
                waits = forwarder_note(controller, o, s->now_usec);
        if (o->error)
                settle_retry(s, o->error, "changing port forwardings");
        else if (o->activation)
                controller->due.retry_usec =
                        s->now_usec + CONTROLLER_RETRY_MS * CONTROLLER_USEC_PER_MSEC;
        if (waits)
                controller->due.retry_usec = controller->last_run.silent_usec +
                                             CONTROLLER_PATIENCE_MS * CONTROLLER_USEC_PER_MSEC;
        controller->due.activation |= o->postponed;
        controller->due.slice = plan->n_left > 0;
        controller->due.partial = controller->due.slice && s->scope.partial;
        controller->due.rest = controller->due.slice && !s->scope.partial && s->scope.requested;
        controller->due.run = (controller->due.slice && !s->scope.requested) ||
                              (o->again && !o->error) ||
                              (s->scope.partial && o->activation); /* none of the others works */
        controller->last_run.error = o->error ? o->error : o->activation;
        controller->last_run.unfinished = o->error != 0 || o->kept;
}

/* Changes of a guest with many in one slice. One that is alone delays nobody, and each slice would
 * cost it a plan for all that it asks for. After a failure everything is tried at once, and then
 * not before the retry. Otherwise what has failed, or is kept, would be in each slice again. */
static size_t settle_slice_most(const Controller *controller) {
        bool alone = !controller->connections || !controller->connections->next;

        return alone || controller->last_run.unfinished ? SIZE_MAX
                                                        : controller->options.slice_changes;
}

static int settle_slice(Settle *s, ReconcilePlan *plan) {
        Controller *controller = s->controller;
        unsigned waited[CONTROLLER_GUESTS_MAX + 1];
        size_t max = settle_slice_most(controller);
        int r;

        for (size_t i = 0; i < s->scope.n; i++)
                waited[i] = s->scope.guests[i]->waited;
        waited[s->scope.n] = controller->others_waited;
        r = slice_take(plan, slice_size(plan, max), waited);
        for (size_t i = 0; i < s->scope.n; i++)
                s->scope.guests[i]->waited = waited[i];
        controller->others_waited = waited[s->scope.n];
        return r;
}

/* Who listens, as far as it matters now. */
static void settle_verify(Settle *s, ReconcilePlan *plan, const ApplyOutcome *o) {
        Controller *controller = s->controller;
        int error = controller->last_run.activation_error;

        if ((o->activated && o->activation == 0) || o->relayed)
                verify_restart(&controller->verify);
        controller->verify.without_portproxy = error != 0;
        if (error)
                forwarder_block(controller, plan, s->now_usec);
        s->looks_later = !checks_verify(controller, plan, s->scope.guests, s->scope.asked && !error,
                                        s->now_usec);
        controller->verify.relay_changed |= o->relayed; /* for the checks of the next run */
}

/* They only permit more. So without them everything else goes on, what closes above all. */
static void settle_read_adoptions(Settle *s) {
        const RuleHost *host = &s->controller->host.rules;
        int r = host->adoptions_read(host->userdata, &s->adoptions);

        if (r < 0) {
                rule_table_done(&s->adoptions);
                settle_retry(s, r, "reading which rules may be taken over");
        }
        rule_table_sort(&s->adoptions);
}

static int settle_run(Settle *s) {
        Controller *controller = s->controller;
        ReconcileInput input = {
                .guests = s->scope.inputs,
                .n_guests = s->scope.n,
                .policy = &controller->options.policy,
                .ledger = s->scope.partial ? &s->scope.ledger : &controller->ledger,
                .rules = &controller->view.present,
                .adoptions = &s->adoptions,
                .hostnet = &controller->hostnet,
                .means = controller->options.means,
                .partial = s->scope.partial,
        };
        ReconcilePlan plan = {0};
        ApplyOutcome outcome = {0};
        int r;

        settle_read_adoptions(s);
        r = reconcile(&input, &plan);
        if (r == 0)
                r = settle_slice(s, &plan);
        if (r == 0) {
                checks_log_drift(controller, &plan);
                r = apply(&controller->host.rules, &controller->view, &controller->ledger, &plan,
                          forwarder_activation(controller, &plan), &outcome);
        }
        if (r < 0) {
                reconcile_plan_done(&plan);
                return settle_fail(s, r, "deciding on the port forwardings");
        }
        forwarder_want_relay(controller);
        settle_outcome(s, &plan, &outcome);
        settle_verify(s, &plan, &outcome);
        checks_firewall(controller, &plan);
        checks_reach(controller, &plan);
        controller->generation++;
        controller->n_decided += plan.n_decided;
        controller->last_run.applied_usec = s->now_usec;
        controller->last_run.apply_usec = settle_took(s, s->started);
        for (size_t i = 0; i < s->scope.n; i++) {
                if (plan.results[i]) {
                        s->scope.guests[i]->is_checked = plan.checking[i];
                        s->scope.guests[i]->waits = plan.waiting[i];
                        /* who is answered without a look was seen in the last one */
                        s->scope.guests[i]->is_seen = !plan.unsettled[i];
                        settle_answer(s, s->scope.guests[i], plan.results[i]);
                        plan.results[i] = NULL;
                }
        }
        reconcile_plan_done(&plan);
        return outcome.error ? outcome.error : outcome.activation;
}

/* When to run for all after a run that was not, or that left the look who listens for later. */
static uint64_t settle_later(const Controller *controller, uint64_t now_usec) {
        uint64_t pause = controller->last_run.all_took_usec * (uint64_t) SCOPE_ALL_SHARE;

        if (pause > SCOPE_ALL_MOST_USEC)
                pause = SCOPE_ALL_MOST_USEC;
        return now_usec + (pause > SCOPE_ALL_USEC ? pause : SCOPE_ALL_USEC);
}

int settle(Controller *controller, uint64_t now_usec) {
        Settle s = {
                .controller = controller,
                .started = controller->host.now(controller->host.userdata),
                .now_usec = now_usec,
        };
        int r;

        scope_choose(&s.scope, controller);
        controller->last_run.looked = false;
        controller->due.run = controller->due.partial = controller->due.rest = false;
        if (!s.scope.partial)
                controller->due.retry_usec = SESSION_NO_DEADLINE;
        r = settle_run(&s);
        if (!s.scope.partial && !s.looks_later)
                controller->due.all_usec = SESSION_NO_DEADLINE;
        else if (controller->due.all_usec == SESSION_NO_DEADLINE)
                controller->due.all_usec = settle_later(controller, now_usec);
        s.scope.looked = controller->last_run.looked;
        if (!s.scope.partial)
                controller->last_run.all_took_usec = settle_took(&s, s.started);
        share_charge(&s.scope, settle_took(&s, s.started), now_usec);
        rule_view_update(&controller->view, now_usec); /* now that no plan points into it */
        rule_table_done(&s.adoptions);
        scope_done(&s.scope);
        return r;
}

void settle_unread(Controller *controller, int error, uint64_t now_usec) {
        Settle s = {.controller = controller,
                    .started = controller->host.now(controller->host.userdata),
                    .now_usec = now_usec};

        scope_all(&s.scope, controller);
        controller->due.run = controller->due.partial = controller->due.rest = false;
        (void) settle_fail(&s, error, "reading the port forwardings");
}
