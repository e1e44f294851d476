/* SPDX-License-Identifier: MIT */

/*
 * One run: read the values, reconcile, apply, and tell every agent whose services are not what it
 * was told last. Also the log of those changes.
 */

#include "windows-helper/core/base/result.h"
#include "windows-helper/core/controller/controller-private.h"
#include "windows-helper/core/rules/apply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Services with a line of their own in the log, per agent and run; a new address for 10,000 of
 * them is one change, not 10,000. */
#define SETTLE_LOG_LINES_MAX CONTROLLER_LOG_LINES_MAX

/* How far the list of services told last is searched for a name: lists keep their order, and what
 * moves further than that is logged as if it was new. */
#define SETTLE_TOLD_WINDOW 16

typedef struct Settle {
        Controller *controller;
        Guest *agents[CONTROLLER_GUESTS_MAX]; /* by index of the input */
        ReconcileAgent inputs[CONTROLLER_GUESTS_MAX];
        size_t n;
        RuleTable rules, adoptions;
        uint64_t started, now_usec;
} Settle;

static void settle_log_guest(Settle *s, Guest *agent) {
        const WireAddress *a =
                agent->state.v4.addr.family != IP_FAMILY_NONE ? &agent->state.v4 : &agent->state.v6;
        char name[CONTROLLER_NAME_MAX], guest[GUEST_TEXT_MAX], why[WIRE_TEXT_MAX + 1];
        LogLevel level = LOG_LEVEL_NOTICE;
        EventId event = EVENT_ADDRESS;

        ip_format(&a->addr, guest);
        if (!hostnet_judge(&s->controller->hostnet, &a->addr, &a->gateway, agent->wsl, why)) {
                event = a->addr.family == IP_FAMILY_NONE ? EVENT_NO_ADDRESS : EVENT_OFF_LINK;
                level = LOG_LEVEL_WARNING;
        }
        if (strcmp(guest, agent->told_guest) == 0 && agent->told_event == event)
                return;
        memcpy(agent->told_guest, guest, sizeof(guest));
        agent->told_event = event;
        controller_owner_name(agent->owner, name);
        controller_log(s->controller, level, event,
                       "%s: guest address is %s (networking mode %s), services: %u%s%s", name,
                       guest, wire_mode_name(agent->state.mode), (unsigned) agent->state.n_services,
                       event == EVENT_OFF_LINK ? "; nothing is forwarded to it: it " : "",
                       event == EVENT_OFF_LINK ? why : "");
}

static bool settle_same(const WireServiceResult *a, const WireServiceResult *b) {
        return a->state == b->state && a->reason == b->reason &&
               strcmp(a->text ? a->text : "", b->text ? b->text : "") == 0;
}

/* What was told last about service @name; @cursor moves along both lists. */
static const WireServiceResult *settle_told(const Guest *agent, const char *name,
                                            uint32_t *cursor) {
        for (uint32_t i = *cursor; i < agent->n_told && i - *cursor < SETTLE_TOLD_WINDOW; i++) {
                if (strcmp(agent->told[i].text, name) == 0) {
                        *cursor = i + 1;
                        return &agent->results[i];
                }
        }
        return NULL;
}

static void settle_log_services(Settle *s, const Guest *agent, const WireServiceResult *results) {
        uint32_t cursor = 0, n_changed = 0, n_active = 0;
        char name[CONTROLLER_NAME_MAX];

        controller_owner_name(agent->owner, name);
        for (uint32_t i = 0; i < agent->state.n_services; i++) {
                const WireServiceResult *now = &results[i], *told;

                n_active += now->state == WIRE_SERVICE_ACTIVE;
                told = settle_told(agent, agent->state.services[i].name, &cursor);
                if ((told && settle_same(told, now)) || n_changed++ >= SETTLE_LOG_LINES_MAX)
                        continue;
                controller_log(s->controller,
                               now->state == WIRE_SERVICE_ACTIVE ? LOG_LEVEL_NOTICE
                                                                 : LOG_LEVEL_WARNING,
                               now->state == WIRE_SERVICE_ACTIVE ? EVENT_SERVICE_STATE
                                                                 : EVENT_SERVICE_PROBLEM,
                               "%s: service '%s' is %s%s%s", name, agent->state.services[i].name,
                               wire_service_state_name(now->state), now->text ? ": " : "",
                               now->text ? now->text : "");
        }
        if (n_changed > SETTLE_LOG_LINES_MAX) {
                controller_log(s->controller, LOG_LEVEL_NOTICE, EVENT_SERVICE_STATE,
                               "%s: services changed besides these: %u; active: %u of %u", name,
                               (unsigned) (n_changed - SETTLE_LOG_LINES_MAX), (unsigned) n_active,
                               (unsigned) agent->state.n_services);
        }
}

static bool settle_changed(const Guest *agent, const WireServiceResult *results) {
        if (agent->n_told != agent->state.n_services)
                return true;
        for (uint32_t i = 0; i < agent->n_told; i++)
                if (!settle_same(&agent->results[i], &results[i]) ||
                    strcmp(agent->told[i].text, agent->state.services[i].name) != 0)
                        return true;
        return false;
}

/* Remember @results, taken over, as what is known of the agent's services. */
static void settle_remember(Guest *agent, WireServiceResult *results) {
        uint32_t n = agent->state.n_services;
        GuestServiceName *told = malloc((n + 1u) * sizeof(*told));

        result_list_free(agent->results, agent->n_told);
        free(agent->told);
        agent->told = told;
        agent->results = results;
        agent->n_told = n;
        if (!told) { /* without memory the next run just takes everything for new */
                result_list_free(results, n);
                agent->results = NULL;
                agent->n_told = 0;
                return;
        }
        for (uint32_t i = 0; i < n; i++)
                memcpy(told[i].text, agent->state.services[i].name, sizeof(told[i].text));
}

/* Saturated. */
static uint32_t settle_took(const Settle *s) {
        uint64_t took = s->controller->host.now(s->controller->host.userdata) - s->started;

        return took < UINT32_MAX ? (uint32_t) took : UINT32_MAX;
}

static void settle_answer(Settle *s, Guest *agent, WireServiceResult *results) {
        bool changed = settle_changed(agent, results);

        settle_log_guest(s, agent);
        if (agent->connection && agent->connection->has_asked && (changed || agent->answer_due)) {
                WireResult message = {
                        .sequence = agent->state.sequence,
                        .apply_usec = settle_took(s),
                        .services = results,
                        .n_services = agent->state.n_services,
                };

                connection_result(agent->connection, &message, s->now_usec);
        }
        agent->answer_due = false;
        if (changed) {
                settle_log_services(s, agent, results);
                settle_remember(agent, results);
        } else {
                result_list_free(results, agent->state.n_services);
        }
}

/* Nothing could be decided: say so to everybody, and try again. */
static int settle_fail(Settle *s, int error, const char *what) {
        Controller *b = s->controller;

        controller_log(b, LOG_LEVEL_ERROR, EVENT_RULES_PROBLEM,
                       "%s failed (%s), trying again in %u s", what, strerror(-error),
                       CONTROLLER_RETRY_MS / 1000u);
        b->retry_usec = s->now_usec + CONTROLLER_RETRY_MS * CONTROLLER_USEC_PER_MSEC;
        for (size_t i = 0; i < s->n; i++) {
                WireServiceResult *results;
                uint32_t n;

                if (!s->inputs[i].state)
                        continue;
                n = s->inputs[i].state->n_services;
                results = calloc(n + 1u, sizeof(*results));
                for (uint32_t k = 0; results && k < n; k++) {
                        results[k].state = WIRE_SERVICE_ACTIVE;
                        result_worsen(&results[k], WIRE_SERVICE_BLOCKED, WIRE_REASON_WRITE_FAILED,
                                      "%s failed (%s); tried again by itself", what,
                                      strerror(-error));
                }
                if (results)
                        settle_answer(s, s->agents[i], results);
        }
        return error;
}

static void settle_inputs(Settle *s) {
        for (size_t i = 0; i < s->controller->agents.n; i++) {
                Guest *a = s->controller->agents.items[i];

                if (a->hold || a->has_state) {
                        s->agents[s->n] = a;
                        s->inputs[s->n++] = (ReconcileAgent){
                                .owner = a->owner,
                                .state = a->hold ? NULL : &a->state,
                                .since = a->since,
                                .hold = a->hold,
                                .wsl = a->wsl,
                        };
                }
        }
}

static const char *settle_activation_advice(int error) {
        switch (-error) {
        case ENOENT:
                return "the service IP Helper (iphlpsvc) does not exist on this Windows";
        case ESRCH:
                return "the service IP Helper (iphlpsvc) is not running; start it: sc start "
                       "iphlpsvc";
        case EPERM:
                return "the service IP Helper (iphlpsvc) is disabled; allow it: sc config iphlpsvc "
                       "start= auto, then sc start iphlpsvc";
        case ETIMEDOUT:
                return "the service IP Helper (iphlpsvc) does not answer; restart it, or Windows";
        default:
                return "the service IP Helper (iphlpsvc) does not take new settings; restart it";
        }
}

/* While iphlpsvc does not follow, no value is in force. */
static void settle_block(Settle *s, ReconcilePlan *plan) {
        const char *advice = settle_activation_advice(s->controller->activation_error);

        for (size_t i = 0; i < plan->n_agents; i++) {
                for (uint32_t k = 0; plan->results[i] && k < s->inputs[i].state->n_services; k++) {
                        if (plan->results[i][k].state == WIRE_SERVICE_ACTIVE) {
                                result_worsen(&plan->results[i][k], WIRE_SERVICE_BLOCKED,
                                              WIRE_REASON_IPHLPSVC, "%s (%s)", advice,
                                              strerror(-s->controller->activation_error));
                        }
                }
        }
}

static void settle_outcome(Settle *s, const ApplyOutcome *o) {
        Controller *b = s->controller;

        if (o->activated) {
                if (o->activation != b->activation_error) {
                        controller_log(b, o->activation ? LOG_LEVEL_ERROR : LOG_LEVEL_NOTICE,
                                       o->activation ? EVENT_FORWARDER_PROBLEM : EVENT_FORWARDER_UP,
                                       "%s",
                                       o->activation ? settle_activation_advice(o->activation)
                                                     : "iphlpsvc takes our settings again");
                }
                b->activation_error = o->activation;
                b->activate_due = o->activation != 0;
                controller_log(b, LOG_LEVEL_DEBUG, EVENT_NONE, "%zu values written, %zu deleted",
                               o->n_written, o->n_deleted);
        }
        if (o->error) {
                controller_log(b, LOG_LEVEL_ERROR, EVENT_RULES_PROBLEM,
                               "changing port forwardings failed (%s), trying again in %u s",
                               strerror(-o->error), CONTROLLER_RETRY_MS / 1000u);
        }
        if (o->error || b->activate_due)
                b->retry_usec = s->now_usec + CONTROLLER_RETRY_MS * CONTROLLER_USEC_PER_MSEC;
        b->dirty = o->again && !o->error;
}

static int settle_run(Settle *s) {
        Controller *b = s->controller;
        ReconcileInput input = {
                .agents = s->inputs,
                .n_agents = s->n,
                .policy = &b->options.policy,
                .ledger = &b->ledger,
                .rules = &s->rules,
                .adoptions = &s->adoptions,
                .hostnet = &b->hostnet,
        };
        ReconcilePlan plan = {0};
        ApplyOutcome outcome = {0};
        int r;

        r = b->host.rules.rules_read(b->host.rules.userdata, &s->rules);
        if (r < 0)
                return settle_fail(s, r, "reading the port forwardings");
        rule_table_sort(&s->rules);
        r = b->host.rules.adoptions_read(b->host.rules.userdata, &s->adoptions);
        if (r == 0)
                r = reconcile(&input, &plan);
        if (r == 0) {
                settle_log_drift(b, &plan);
                r = apply(&b->host.rules, &b->ledger, &plan, b->activate_due, &outcome);
        }
        if (r < 0) {
                reconcile_plan_done(&plan);
                return settle_fail(s, r, "deciding on the port forwardings");
        }
        settle_outcome(s, &outcome);
        if (outcome.activated)
                verify_restart(&b->verify);
        if (b->activation_error)
                settle_block(s, &plan);
        else
                settle_verify(b, &plan, s->now_usec);
        settle_firewall(b, &plan);
        b->generation++;
        b->applied_usec = s->now_usec;
        b->apply_usec = settle_took(s);
        for (size_t i = 0; i < s->n; i++) {
                if (plan.results[i]) {
                        settle_answer(s, s->agents[i], plan.results[i]);
                        plan.results[i] = NULL;
                }
        }
        reconcile_plan_done(&plan);
        return outcome.error ? outcome.error : outcome.activation;
}

int controller_settle(Controller *b, uint64_t now_usec) {
        Settle s = {
                .controller = b,
                .started = b->host.now(b->host.userdata),
                .now_usec = now_usec,
        };
        int r;

        b->dirty = false;
        b->retry_usec = SESSION_NO_DEADLINE;
        settle_inputs(&s);
        r = settle_run(&s);
        rule_table_done(&s.rules);
        rule_table_done(&s.adoptions);
        return r;
}
