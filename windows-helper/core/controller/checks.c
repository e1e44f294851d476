/* SPDX-License-Identifier: MIT */

/*
 * What surrounds a run: what others did to our values before it, whether its rules are in force
 * after it, and the firewall rules that go with them.
 */

#include "windows-helper/core/controller/controller-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What others did to values of ours since the last run. */
void settle_log_drift(Controller *b, const ReconcilePlan *plan) {
        size_t n_restored = 0, n_taken = 0;
        char ours[RULE_TEXT_MAX], listen[IP_ENDPOINT_TEXT_MAX];

        for (size_t i = 0; i < plan->n_changes; i++) {
                const ReconcileChange *c = &plan->changes[i];

                n_restored += c->restores;
                if (c->action == RECONCILE_ADOPT) {
                        controller_log(b, LOG_LEVEL_NOTICE, EVENT_ADOPTED,
                                       "taking over %s %s = %s, as an administrator asked",
                                       rule_family_name(c->foreign->family), c->foreign->name,
                                       c->foreign->data);
                }
                if (c->action != RECONCILE_FORGET || n_taken++ >= CONTROLLER_LOG_LINES_MAX)
                        continue;
                rule_endpoint_format(&c->entry.next, ours);
                ip_endpoint_format(&c->entry.listen, listen);
                controller_log(
                        b, LOG_LEVEL_WARNING, EVENT_RULE_TAKEN,
                        "%s: somebody changed the port forwarding from %s to %s; it is theirs "
                        "from now on",
                        listen, ours, c->foreign->data ? c->foreign->data : "not a string");
        }
        if (n_restored > 0) {
                controller_log(b, LOG_LEVEL_NOTICE, EVENT_RULE_RESTORED,
                               "port forwardings that somebody deleted and that are put back: %zu",
                               n_restored);
        }
}

void settle_verify(Controller *b, ReconcilePlan *plan, uint64_t now_usec) {
        bool tell = false;
        int r = verify(&b->verify, &b->host.ports, plan, now_usec, &tell);

        if (r < 0) {
                controller_log(b, LOG_LEVEL_WARNING, EVENT_RULES_PROBLEM,
                               "cannot see which ports are listened on (%s), ignoring",
                               strerror(-r));
        }
        if (tell)
                b->activate_due = b->dirty = true;
}

/* An endpoint that is not ours to use, or that nobody can reach, is not opened: the rule would let
 * people in to whoever has the port. */
static int firewall_collect(const ReconcilePlan *plan, FirewallRules *rules) {
        for (size_t i = 0; i < plan->n_endpoints; i++) {
                const ReconcileEndpoint *e = &plan->endpoints[i];
                const WireState *state = plan->input->agents[e->agent].state;
                const WireService *s = &state->services[e->service];
                uint8_t known = plan->results[e->agent][e->service].state;
                FirewallRule rule = {.listen = e->listen, .profiles = s->profiles};
                int r;

                if (s->profiles == 0 ||
                    (known != WIRE_SERVICE_ACTIVE && known != WIRE_SERVICE_PENDING))
                        continue;
                memcpy(rule.service, s->name, sizeof(rule.service));
                rule.remote = firewall_remote_text(state, s);
                r = rule.remote ? firewall_rules_add(rules, &rule) : -ENOMEM;
                free(rule.remote);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* What is there for agents that may come back stays as it is. */
static int firewall_keep(const ReconcileInput *input, FirewallRules *rules) {
        for (size_t i = 0; i < input->ledger->n_entries; i++) {
                const LedgerEntry *e = &input->ledger->entries[i];

                for (size_t k = 0; k < input->n_agents; k++) {
                        FirewallRule rule = {.listen = e->listen, .remote = (char[]){""}};
                        int r = 0;

                        if (input->agents[k].hold && strcmp(input->agents[k].owner, e->owner) == 0)
                                r = firewall_rules_add(rules, &rule);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

/* Services that open something, while the firewall does not do as it is told. */
static void firewall_blame(Controller *b, ReconcilePlan *plan) {
        for (size_t i = 0; b->firewall_problem[0] && i < plan->n_endpoints; i++) {
                const ReconcileEndpoint *e = &plan->endpoints[i];
                WireServiceResult *result = &plan->results[e->agent][e->service];

                if (plan->input->agents[e->agent].state->services[e->service].profiles == 0 ||
                    result->state != WIRE_SERVICE_ACTIVE)
                        continue;
                if (b->firewall_failed)
                        result_worsen(result, WIRE_SERVICE_BLOCKED, WIRE_REASON_FIREWALL, "%s",
                                      b->firewall_problem);
                else
                        result_note(result, WIRE_REASON_FIREWALL, b->firewall_problem);
        }
}

void settle_firewall(Controller *b, ReconcilePlan *plan) {
        FirewallRules rules = FIREWALL_RULES_NULL;
        FirewallChange *changes = NULL;
        size_t n = 0;
        int r;

        r = firewall_collect(plan, &rules);
        if (r == 0)
                r = firewall_keep(plan->input, &rules);
        if (r == 0) {
                firewall_rules_sort(&rules);
                r = firewall_diff(&b->firewall, &rules, &changes, &n);
        }
        free(changes);
        if (r == 0 && (n > 0 || rules.n != b->firewall.n || !b->firewall_told)) {
                b->host.firewall(b->host.userdata, &rules);
                firewall_rules_done(&b->firewall);
                b->firewall = rules;
                b->firewall_told = true;
        } else {
                firewall_rules_done(&rules);
        }
        firewall_blame(b, plan);
}
