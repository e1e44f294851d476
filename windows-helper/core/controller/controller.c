/* SPDX-License-Identifier: MIT */

/*
 * The controller from its start to its end, its timers, and what its owner reports. The owner calls
 * it; it never acts on its own (see controller.h).
 */

#include "windows-helper/core/base/result.h"
#include "windows-helper/core/controller/controller-private.h"
#include "windows-helper/core/controller/forwarder-private.h"
#include "windows-helper/core/controller/scope-private.h"
#include "windows-helper/core/rules/slice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* When a run leaves something for another one (two values of ours, see reconcile.c; a look, see
 * checks_verify()), the next run follows at once. More than this many in a row would be a mistake,
 * so then the slow retry takes over. */
#define CONTROLLER_RUNS_MAX 3

void controller_options_init(ControllerOptions *options) {
        *options = (ControllerOptions){
                .heartbeat_ms = WIRE_HEARTBEAT_MS,
                .handshake_ms = WIRE_HANDSHAKE_MS,
                .goodbye_ms = CONTROLLER_GOODBYE_MS,
                .recovery_ms = CONTROLLER_RECOVERY_MS,
                .software = "wslbridge-helper",
                .slice_changes = SLICE_CHANGES,
                .view_portion = RULE_VIEW_PORTION,
        };
        policy_init(&options->policy);
}

/* Find out where the guests in the ledger were seen last, and whether they are still paired. */
static void controller_recall_guests(Controller *controller, uint64_t now_usec) {
        const IdentityHost *h = &controller->host.identities;

        for (size_t i = 0; i < controller->guests.n; i++) {
                Guest *guest = controller->guests.items[i];

                /* Only a VM that was known for sure was recorded. */
                if (h->guest_vm(h->userdata, guest->owner, &guest->peer.vm) < 0)
                        guest->peer.vm = VM_ID_NULL;
                guest->peer.listed = true;
        }
        admission_review_claims(controller, now_usec);
}

int controller_new(Controller **ret_controller, const ControllerOptions *options,
                   const ControllerHost *host, uint64_t now_usec) {
        Controller *controller = calloc(1, sizeof(*controller));
        int r;

        if (!controller)
                return -ENOMEM;
        controller->host = *host;
        controller->log.host = &controller->host;
        controller->options = *options;
        controller->due.retry_usec = controller->due.all_usec = SESSION_NO_DEADLINE;
        controller->due.keys_usec = SESSION_NO_DEADLINE;
        controller->verify = VERIFY_INIT;
        controller->hostnet.unchecked = options->unchecked_hostnet;
        r = host->rules.ledger_load(host->rules.userdata, &controller->ledger);
        if (r == 0) {
                r = guests_recover(&controller->guests, &controller->ledger,
                                   now_usec + options->recovery_ms * CONTROLLER_USEC_PER_MSEC);
        }
        if (r < 0) {
                controller_free(controller);
                return r;
        }
        controller_recall_guests(controller, now_usec);
        /* Firewall rules that the last run left behind are not in the ledger. A run finds them. */
        controller->due.run = true;
        if (controller->ledger.n_entries > 0) {
                /* The helper did not end properly. It may have been killed after it changed a value
                 * and before it activated the change. */
                controller_log(
                        &controller->log, LOG_LEVEL_NOTICE, EVENT_RECOVERED,
                        "port forwardings left from the last run: %zu; kept for %u s so that their "
                        "agents can come back",
                        controller->ledger.n_entries, (unsigned) (options->recovery_ms / 1000));
                controller->due.activation = true;
        }
        *ret_controller = controller;
        return 0;
}

Controller *controller_free(Controller *controller) {
        if (controller) {
                for (PeerConnection *c = controller->connections, *next; c; c = next) {
                        next = c->next;
                        connection_free(c);
                }
                guests_done(&controller->guests);
                rule_view_done(&controller->view);
                verify_done(&controller->verify);
                ledger_done(&controller->ledger);
                firewall_rules_done(&controller->firewall.rules);
                free(controller);
        }
        return NULL;
}

int controller_connect(Controller *controller, void *handle, const Peer *peer, uint64_t now_usec,
                       PeerConnection **ret_connection) {
        PeerConnection *oldest;
        Peer known = *peer;
        bool room;
        int r;

        (void) peer_compare(&known, &controller->vms);
        room = places_for_handshake(controller, peer_vm(&known), &oldest);

        if (oldest) {
                connection_refuse(oldest, WIRE_REFUSAL_BUSY,
                                  "too many newer connections are about to start a session",
                                  now_usec);
        }
        r = connection_new(controller, handle, &known, now_usec, ret_connection);
        if (r == 0 && !room) {
                connection_refuse(*ret_connection, WIRE_REFUSAL_BUSY,
                                  "too many connections are about to start a session", now_usec);
        }
        return r;
}

void controller_disconnect(PeerConnection *c, uint64_t now_usec) {
        PeerConnection **p = &c->controller->connections;

        c->closing = true; /* the transport is gone, so there is nothing left to close */
        connection_leave(c, now_usec);
        while (*p != c)
                p = &(*p)->next;
        *p = c->next;
        connection_free(c);
}

void controller_rules_changed(Controller *controller) {
        rule_view_changed(&controller->view);
}

void controller_adoptions_changed(Controller *controller) {
        controller->due.run = true;
}

/* The VM of a guest is known, or known better: record it, and judge its address again, because
 * other networks may count for it. */
static void controller_on_vm_learnt(Controller *controller, const Guest *guest) {
        if (guest->connection)
                identity_note(&guest->connection->identity, &controller->host, &controller->log,
                              &guest->peer, true);
        controller->due.run = true;
        controller->generation++;
}

void controller_set_vms(Controller *controller, const VmList *vms, uint64_t now_usec) {
        controller->vms = *vms;
        for (PeerConnection *c = controller->connections; c; c = c->next)
                if (peer_compare(&c->peer, vms) == PEER_GONE)
                        connection_bye(c, WIRE_BYE_NOT_ADMITTED, "the VM has gone", now_usec);
        for (size_t i = 0; i < controller->guests.n; i++) {
                Guest *guest = controller->guests.items[i];
                PeerNews news = peer_compare(&guest->peer, vms);

                if (news == PEER_GONE)
                        guest->expires = now_usec;
                else if (news == PEER_LEARNT)
                        controller_on_vm_learnt(controller, guest);
        }
}

bool controller_is_connected(const Controller *controller, const VmId *vm) {
        for (const PeerConnection *c = controller->connections; c; c = c->next)
                if (vm_id_is_null(vm) ? c->peer.any : !c->peer.any && vm_id_equal(&c->peer.vm, vm))
                        return true;
        return false;
}

void controller_set_policy(Controller *controller, const Policy *policy, uint64_t now_usec) {
        controller->options.policy = *policy;
        admission_review(controller, now_usec);
        controller->due.run = true;
}

void controller_set_hostnet(Controller *controller, const Hostnet *hostnet) {
        controller->hostnet = *hostnet;
        controller->due.run = true;
}

void controller_forwarder_changed(Controller *controller) {
        checks_forget(controller);
        forwarder_changed(controller);
}

void controller_relay_changed(Controller *controller) {
        checks_forget(controller);
        verify_restart(&controller->verify);
        controller->due.run = true;
}

void controller_keys_changed(Controller *controller, uint64_t now_usec) {
        controller->due.keys_usec = SESSION_NO_DEADLINE;
        for (PeerConnection *c = controller->connections; c; c = c->next)
                connection_check_key(c, now_usec);
        admission_review_claims(controller, now_usec);
}

void controller_set_firewall_problem(Controller *controller, const char *text,
                                     const FirewallRules *whose) {
        controller->firewall.whose = whose;
        result_text(controller->firewall_problem, "%s", text);
        controller->due.run = true;
}

void controller_set_firewall_sight(Controller *controller, const FirewallSight *sight) {
        controller->firewall_sight = sight;
        controller->due.run = true;
}

void controller_summary(const Controller *controller, ControllerSummary *ret_summary) {
        *ret_summary = (ControllerSummary){
                .applied_usec = controller->last_run.applied_usec,
                .apply_usec = controller->last_run.apply_usec,
                .activation_error = controller->last_run.activation_error,
                .unpaired = controller->unpaired.owners,
                .n_unpaired = controller->unpaired.n,
                .generation = controller->generation,
                .n_decided = controller->n_decided,
                .n_endpoints = controller->ledger.n_entries,
        };
}

static bool controller_must_run(const ControllerDue *due) {
        return due->run || due->partial || due->rest;
}

/* Read @n more of the values, if somebody has changed them or a run needs to know them.
 * Return: 0 or the error, with which the run has ended. */
static int controller_read(Controller *controller, size_t n, uint64_t now_usec) {
        const RuleHost *host = &controller->host.rules;
        bool changed = false;
        int r = 0;

        if (controller_must_run(&controller->due))
                r = rule_view_check(&controller->view, host);
        if (r == 0)
                r = rule_view_read(&controller->view, host, n, now_usec, &changed);
        if (r < 0)
                settle_unread(controller, r, now_usec);
        else if (changed)
                controller->due.run = true;
        return r;
}

static void controller_look_at_clock(Controller *controller, uint64_t now_usec) {
        ControllerDue *due = &controller->due;

        if (due->keys_usec <= now_usec)
                controller_keys_changed(controller, now_usec);
        controller->generation += unpaired_peers_expire(&controller->unpaired, now_usec);
        if (guests_expire(&controller->guests, now_usec) || due->retry_usec <= now_usec ||
            due->all_usec <= now_usec)
                due->run = true;
        share_wake(controller, now_usec);
        if (controller->verify.due_usec > now_usec)
                return;
        if (controller->verify.due_for_waiting)
                due->partial |= share_may_look(controller, now_usec);
        /* It is for all, so those with news come first, unless that has gone on for a while. */
        else if (!due->partial || checks_are_urgent(controller, now_usec))
                due->run = true;
}

void controller_dispatch(Controller *controller, uint64_t now_usec) {
        ControllerDue *due = &controller->due;

        for (PeerConnection *c = controller->connections, *next; c; c = next) {
                next = c->next;
                connection_tick(c, now_usec);
        }
        for (PeerConnection *c = controller->connections, *next; c; c = next) {
                next = c->next;
                connection_resume(c, now_usec);
        }
        controller_log_flush(&controller->log, now_usec);
        controller_look_at_clock(controller, now_usec);
        (void) controller_read(controller, controller->options.view_portion, now_usec);
        due->slice = false;
        for (int i = 0; controller_must_run(due) && controller->view.known && !due->slice; i++) {
                if (i == CONTROLLER_RUNS_MAX) {
                        due->run = due->partial = due->rest = false;
                        due->retry_usec = now_usec + CONTROLLER_RETRY_MS * CONTROLLER_USEC_PER_MSEC;
                        break;
                }
                (void) settle(controller, now_usec); /* an error is logged, reported and retried */
        }
}

static uint64_t controller_first(uint64_t a, uint64_t b) {
        return a < b ? a : b;
}

uint64_t controller_deadline(const Controller *controller) {
        const ControllerDue *due = &controller->due;
        uint64_t first = guests_deadline(&controller->guests);

        if (controller_must_run(due))
                return 0;
        first = controller_first(first, rule_view_deadline(&controller->view));
        first = controller_first(first, due->retry_usec);
        first = controller_first(first, due->all_usec);
        first = controller_first(first, due->keys_usec);
        first = controller_first(first, unpaired_peers_deadline(&controller->unpaired));
        first = controller_first(first, share_deadline(controller));
        first = controller_first(first, controller->verify.due_usec);
        first = controller_first(first, controller_log_deadline(&controller->log));
        for (const PeerConnection *c = controller->connections; c; c = c->next) {
                if (c->closing)
                        continue;
                first = controller_first(first, c->slot_deadline);
                first = controller_first(first, helper_session_deadline(c->session));
        }
        return first;
}

void controller_hand_over(Controller *controller, uint64_t now_usec) {
        static const char why[] = "the helper stops";

        /* Those without a place come first, or they would get the place of one that ends. */
        for (PeerConnection *c = controller->connections; c; c = c->next)
                if (!c->guest)
                        connection_bye(c, WIRE_BYE_STOPPING, why, now_usec);
        for (PeerConnection *c = controller->connections; c; c = c->next)
                connection_bye(c, WIRE_BYE_STOPPING, why, now_usec);
}

int controller_stop(Controller *controller, uint64_t now_usec) {
        int r = 0;

        controller_hand_over(controller, now_usec);
        for (size_t i = 0; i < controller->guests.n; i++)
                controller->guests.items[i]->expires = now_usec;
        (void) guests_expire(&controller->guests, now_usec);
        controller->due.run = controller->stopping = true;
        controller->options.slice_changes = SIZE_MAX; /* there is nobody left to be delayed */
        for (int i = 0; i < CONTROLLER_RUNS_MAX && controller->due.run; i++) {
                int r2;

                do { /* at most RULE_VIEW_TRIES times, if others change values meanwhile */
                        r2 = controller_read(controller, SIZE_MAX, now_usec);
                } while (r2 == 0 && !controller->view.known);
                if (r2 == 0)
                        r2 = settle(controller, now_usec);
                r = r ? r : r2;
        }
        /* IP Helper could not be told where it does not run, and then it need not be. */
        return controller->ledger.n_entries == 0 ? 0 : r;
}

void controller_guests(const Controller *controller,
                       void (*fn)(void *userdata, const GuestView *view), void *userdata) {
        for (size_t i = 0; i < controller->guests.n; i++) {
                const Guest *guest = controller->guests.items[i];
                const WireHello *hello =
                        guest->connection ? helper_session_hello(guest->connection->session) : NULL;
                GuestView view = {
                        .owner = guest->owner,
                        .software = hello ? hello->software : "",
                        .connected = guest->connection != NULL,
                        .in_grace = guest->in_grace,
                        .state = guest->has_state ? &guest->state : NULL,
                        .reach = wire_place_reach(guest->state.mode, guest->place),
                        .serial = guest->state_serial,
                        /* not those of an earlier state, which may have fewer services */
                        .results = guest->has_state &&
                                                   guest->n_reported == guest->state.n_services &&
                                                   guest->reported_serial == guest->state_serial
                                           ? guest->results
                                           : NULL,
                        .vm = *peer_vm(&guest->peer),
                        .heard_usec = guest->connection ? helper_session_last_heard(
                                                                  guest->connection->session)
                                                        : 0,
                };

                fn(userdata, &view);
        }
}
