/* SPDX-License-Identifier: MIT */

/*
 * What surrounds a run: what others did to our values before it, whether its rules are in force
 * after it, and the firewall rules that belong to them.
 */

#include "windows-helper/core/base/error-text.h"
#include "windows-helper/core/controller/controller-private.h"
#include "windows-helper/core/firewall/apply.h"
#include "windows-helper/core/rules/slice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* For how long at most nobody looks who listens while a guest has changes left: for half a second,
 * or for so many times as long as the last look took. With thousands of listeners that can be
 * seconds. */
#define CHECKS_LATER_USEC UINT64_C(500000)
#define CHECKS_REST       9

/* A check that is due waits so long at most while there are answers that need none. When it is due
 * is another thing; see share_may_look(). */
#define CHECKS_WAIT_USEC UINT64_C(500000)

/* Nobody is answered only after a look if the last one took longer. What has just been opened is
 * pending then. */
#define CHECKS_SLOW_USEC UINT64_C(50000)

void checks_log_drift(Controller *controller, const ReconcilePlan *plan) {
        size_t n_restored = 0, n_taken = 0;
        char ours[RULE_DATA_MAX], listen[IP_ENDPOINT_TEXT_MAX];

        for (size_t i = 0; i < plan->n_changes; i++) {
                const ReconcileChange *c = &plan->changes[i];

                n_restored += c->restores;
                if (c->foreign && c->action != RECONCILE_FORGET) {
                        controller_log(&controller->log, LOG_LEVEL_NOTICE, EVENT_ADOPTED,
                                       "taking over %s %s = %s, as requested by an administrator",
                                       rule_family_name(c->foreign->family), c->foreign->name,
                                       c->foreign->data);
                }
                if (c->action != RECONCILE_FORGET || n_taken++ >= CONTROLLER_LOG_LINES_MAX)
                        continue;
                rule_target_format(&c->entry.next, ours);
                ip_endpoint_format(&c->entry.listen, listen);
                controller_log(
                        &controller->log, LOG_LEVEL_WARNING, EVENT_RULE_TAKEN,
                        "%s: somebody changed the port forwarding from %s to %s; wslbridge does "
                        "not touch it any more",
                        listen, ours,
                        c->foreign && c->foreign->data ? c->foreign->data : "not a string");
        }
        if (n_restored > 0) {
                controller_log(&controller->log, LOG_LEVEL_NOTICE, EVENT_RULE_RESTORED,
                               "restored port forwardings that somebody had deleted: %zu",
                               n_restored);
        }
}

void checks_forget(Controller *controller) {
        verify_forget_late(&controller->verify);
        for (size_t i = 0; i < controller->guests.n; i++)
                controller->guests.items[i]->is_seen = false;
}

/* Nobody has looked at the endpoints whose ports are opened by @plan. */
static void checks_expect(Controller *controller, const ReconcilePlan *plan) {
        IpEndpoint *opened = malloc((plan->n_changes + 1) * sizeof(*opened));
        size_t n = 0;
        int r = -ENOMEM;

        for (size_t i = 0; opened && i < plan->n_changes; i++) {
                const ReconcileChange *c = &plan->changes[i];

                if ((c->action == RECONCILE_WRITE || c->action == RECONCILE_RECORD) && !c->stays)
                        opened[n++] = c->entry.listen; /* sorted, because writes are */
        }
        if (opened)
                r = verify_expect(&controller->verify, opened, n);
        if (r < 0) /* somebody looks at everything instead */
                checks_forget(controller);
        free(opened);
}

/* Whether @guest's ports are known. In another networking mode other things matter. */
static bool checks_know(const Guest *guest) {
        return guest->is_seen && guest->logged_mode == guest->state.mode;
}

bool checks_are_urgent(const Controller *controller, uint64_t now_usec) {
        uint64_t due_usec = controller->verify.due_usec;

        return due_usec <= now_usec && now_usec - due_usec >= CHECKS_WAIT_USEC;
}

/* Somebody has to look in the next run. If other answers go on to come first, that is urgent some
 * time. */
static void checks_are_left(Controller *controller, uint64_t now_usec) {
        controller->due.partial = true;
        if (controller->verify.due_usec > now_usec) {
                controller->verify.due_usec = now_usec;
                controller->verify.due_for_waiting = true;
        }
}

/* Whether there are answers that need no look: enough is known about those who asked. They do not
 * wait for a look that others need who asked: that is made in the next run. If a check is due, it
 * comes after the answers, unless it is urgent. @ret_whom: by index of the plan, who is answered */
static bool checks_are_known(Controller *controller, const ReconcilePlan *plan,
                             Guest *const *guests, uint64_t now_usec, bool *ret_whom) {
        bool slow = controller->last_run.look_usec > CHECKS_SLOW_USEC;
        bool due = controller->verify.due_usec <= now_usec, news = false, others = false;

        if (controller->last_run.error || checks_are_urgent(controller, now_usec))
                return false;
        for (size_t i = 0; i < plan->n_guests; i++)
                ret_whom[i] = plan->results[i] && checks_know(guests[i]);
        if (!slow)
                verify_knows(&controller->verify, plan, ret_whom);
        for (size_t i = 0; i < plan->n_guests; i++) {
                bool asks = guest_has_news(guests[i]);

                if (plan->results[i] && !asks && !guests[i]->is_checked && !ret_whom[i])
                        return false; /* the next run would not be for it */
                others |= plan->results[i] && asks && !ret_whom[i];
                news |= ret_whom[i] && asks;
        }
        if (news && others)
                checks_are_left(controller, now_usec);
        return news || (!due && !others);
}

/* Between two slices nobody looks who listens, except for guests whose new STATE needs no changes.
 * But a guest that never comes to its last slice does not keep the others from hearing. */
static bool checks_are_due(const Controller *controller, const ReconcilePlan *plan,
                           Guest *const *guests, uint64_t now_usec) {
        bool again = now_usec >= controller->last_run.look_again_usec, due = plan->completes;

        for (size_t i = 0; i < plan->n_guests; i++)
                due |= (again || guest_has_news(guests[i])) && plan->results[i];
        return due;
}

/* A look was made that took @took_usec. Half of the time at least is left for everything else. */
static void checks_rest(Controller *controller, uint64_t took_usec, uint64_t now_usec) {
        uint64_t rest = took_usec * CHECKS_REST;

        controller->last_run.look_usec = took_usec;
        controller->last_run.look_again_usec =
                now_usec + took_usec + (rest > CHECKS_LATER_USEC ? rest : CHECKS_LATER_USEC);
        if (controller->verify.due_usec < now_usec + 2 * took_usec)
                controller->verify.due_usec = now_usec + 2 * took_usec;
}

bool checks_verify(Controller *controller, ReconcilePlan *plan, Guest *const *guests, bool asked,
                   uint64_t now_usec) {
        const ControllerHost *host = &controller->host;
        uint64_t started = host->now(host->userdata);
        bool due, activate, whom[CONTROLLER_GUESTS_MAX] = {false};
        int r;

        checks_expect(controller, plan);
        due = checks_are_due(controller, plan, guests, now_usec);
        if (!due || (asked && checks_are_known(controller, plan, guests, now_usec, whom))) {
                for (size_t i = 0; i < plan->n_guests; i++)
                        if (!whom[i])
                                slice_drop_results(plan, i);
                verify_recall(&controller->verify, plan, now_usec);
                return !due;
        }
        r = verify(&controller->verify, &host->ports, plan, now_usec, &activate);
        controller->last_run.looked = true;
        checks_rest(controller, host->now(host->userdata) - started, now_usec);
        if (r < 0) {
                controller_log(&controller->log, LOG_LEVEL_WARNING, EVENT_RULES_PROBLEM,
                               "cannot find out which ports are listened on (%s), trying again",
                               error_text(r));
        }
        if (activate)
                controller->due.activation = controller->due.run = true;
        return true;
}

/* What is open now stays as it is; before the first request, whatever the host has there. */
static int firewall_stay(const RequestedFirewall *last, const IpEndpoint *listen,
                         FirewallRules *rules) {
        const FirewallRule any = {.listen = *listen, .remote = (char[]){""}};
        const FirewallRule *found =
                last->requested ? firewall_rules_find(&last->rules, last->rules.n, listen) : &any;

        if (!found)
                return 0;
        return firewall_rules_add(rules, found);
}

/* A program of Windows may have the port of a guest that is reached directly. Before somebody has
 * looked, the port is not opened; but if it is open already, it stays so. @state: of the result */
static bool firewall_is_early(const RequestedFirewall *last, const ReconcileEndpoint *e,
                              uint8_t state) {
        return state == WIRE_SERVICE_PENDING && e->reach != WIRE_REACH_FORWARDED &&
               last->requested && !firewall_rules_find(&last->rules, last->rules.n, &e->listen);
}

/* An endpoint that is not ours, or that nobody can reach, is not opened. The rule would let people
 * in to another program that has the port. No firewall is before the loopback, and Windows refuses
 * a rule for ::1 (fact 5.1.17). */
static int firewall_collect(const Controller *controller, const ReconcilePlan *plan,
                            FirewallRules *rules) {
        for (size_t i = 0; i < plan->n_endpoints; i++) {
                const ReconcileEndpoint *e = &plan->endpoints[i];
                const WireState *state = plan->input->guests[e->guest].state;
                const WireService *s = &state->services[e->service];
                const WireServiceResult *results = plan->results[e->guest];
                WireServiceResult unknown = {.state = WIRE_SERVICE_ACTIVE};
                const WireServiceResult *known = results ? &results[e->service] : &unknown;
                FirewallRule rule = {.listen = e->listen, .remote = (char[]){""}};
                int r;

                if (s->profiles == 0 || ip_is_loopback(&e->listen.addr) || e->closed ||
                    !result_may_be_open(known) ||
                    firewall_is_early(&controller->firewall, e, known->state))
                        continue;
                /* Its guest is answered later, or it is on its way, or nobody knows who has it. */
                if (!results || e->moves || plan->unseen) {
                        r = firewall_stay(&controller->firewall, &e->listen, rules);
                        if (r < 0)
                                return r;
                        continue;
                }
                rule.profiles = s->profiles;
                memcpy(rule.service, s->name, sizeof(rule.service));
                rule.remote = firewall_remote_text(state, s);
                r = rule.remote ? firewall_rules_add(rules, &rule) : -ENOMEM;
                free(rule.remote);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Rules for guests that may come back stay as they are. */
static int firewall_keep(const ReconcileInput *input, FirewallRules *rules) {
        for (size_t i = 0; i < input->ledger->n_entries; i++) {
                const LedgerEntry *e = &input->ledger->entries[i];

                for (size_t k = 0; k < input->n_guests; k++) {
                        FirewallRule rule = {.listen = e->listen, .remote = (char[]){""}};
                        int r = 0;

                        if (input->guests[k].in_grace &&
                            strcmp(input->guests[k].owner, e->owner) == 0)
                                r = firewall_rules_add(rules, &rule);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

/* What was requested last for the endpoints in @ledger. */
static int firewall_requested(const Controller *controller, const Ledger *ledger,
                              FirewallRules *rules) {
        const FirewallRules *all = &controller->firewall.rules;
        int r = 0;

        for (size_t i = 0; r == 0 && i < ledger->n_entries; i++) {
                const FirewallRule *found =
                        firewall_rules_find(all, all->n, &ledger->entries[i].listen);

                if (found)
                        r = firewall_rules_add(rules, found);
        }
        return r;
}

/* A run for some guests leaves the rules of the others as they were requested last. */
static int firewall_keep_others(const Controller *controller, const Ledger *ledger,
                                FirewallRules *rules) {
        const FirewallRules *all = &controller->firewall.rules;
        size_t n = rules->n;
        int r = 0;

        for (size_t i = 0; r == 0 && i < all->n; i++)
                if (!ledger_find(ledger, &all->items[i].listen) &&
                    !firewall_rules_find(rules, n, &all->items[i].listen))
                        r = firewall_rules_add(rules, &all->items[i]);
        return r;
}

/* Worsen the results of services that open something while the firewall has a problem: of all, or
 * of those whose rule is refused. One guest's rule is no trouble of others. */
static void firewall_blame(Controller *controller, ReconcilePlan *plan) {
        const FirewallRules *whose = controller->firewall.whose;

        for (size_t i = 0; controller->firewall_problem[0] && i < plan->n_endpoints; i++) {
                const ReconcileEndpoint *e = &plan->endpoints[i];
                const FirewallRule *rule =
                        whose ? firewall_rules_find(whose, whose->n, &e->listen) : NULL;
                WireServiceResult *results = plan->results[e->guest];
                char text[WIRE_TEXT_MAX + 1];

                if (!results || ip_is_loopback(&e->listen.addr) ||
                    (whose && (!rule || !rule->blamed)) ||
                    plan->input->guests[e->guest].state->services[e->service].profiles == 0 ||
                    results[e->service].state != WIRE_SERVICE_ACTIVE)
                        continue;
                if (rule)
                        firewall_refusal_text(rule, rule->blamed, text);
                result_worsen(&results[e->service], WIRE_SERVICE_BLOCKED, WIRE_REASON_FIREWALL,
                              "%s", rule ? text : controller->firewall_problem);
        }
}

/* Whether other rules are wanted now; then make @rules, which are those for @plan, all of them. */
static int firewall_compare(const Controller *controller, const ReconcilePlan *plan,
                            FirewallRules *rules, bool *ret_changed) {
        FirewallRules present = FIREWALL_RULES_NULL;
        FirewallChange *changes = NULL;
        bool partial = plan->input->partial;
        size_t n;
        int r = partial ? firewall_requested(controller, plan->input->ledger, &present) : 0;

        firewall_rules_sort(rules);
        if (r == 0)
                r = firewall_diff(partial ? &present : &controller->firewall.rules, rules, &changes,
                                  &n);
        *ret_changed = r == 0 && (n > 0 || !controller->firewall.requested ||
                                  rules->n != (partial ? present.n : controller->firewall.rules.n));
        free(changes);
        firewall_rules_done(&present);
        if (*ret_changed && partial) {
                r = firewall_keep_others(controller, plan->input->ledger, rules);
                firewall_rules_sort(rules);
        }
        return r;
}

void checks_firewall(Controller *controller, ReconcilePlan *plan) {
        FirewallRules rules = FIREWALL_RULES_NULL;
        bool changed = false;
        int r;

        r = firewall_collect(controller, plan, &rules);
        if (r == 0)
                r = firewall_keep(plan->input, &rules);
        if (r == 0)
                r = firewall_compare(controller, plan, &rules, &changed);
        if (r == 0 && changed) {
                controller->host.firewall(controller->host.userdata, &rules);
                firewall_rules_done(&controller->firewall.rules);
                controller->firewall.rules = rules;
                controller->firewall.requested = true;
        } else {
                firewall_rules_done(&rules);
        }
        firewall_blame(controller, plan);
}
