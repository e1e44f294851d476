/* SPDX-License-Identifier: MIT */

/*
 * Values that listen on names, against the endpoints of a plan.
 */

#include "windows-helper/core/rules/named-rules.h"

#include "windows-helper/core/base/result.h"

#include <stdlib.h>
#include <string.h>

bool named_rule_port(const RuleValue *value, uint16_t *ret_port) {
        const char *slash = value->parsed ? NULL : strrchr(value->name, '/');
        unsigned long port = 0;
        char *end = NULL;

        if (slash && slash > value->name && slash[1] >= '0' && slash[1] <= '9')
                port = strtoul(slash + 1, &end, 10);
        if (!end || *end != '\0' || port < 1 || port > UINT16_MAX)
                return false;
        *ret_port = (uint16_t) port;
        return true;
}

static void named_rule_note(const ReconcilePlan *plan, const RuleValue *v, uint16_t port) {
        for (size_t i = 0; i < plan->n_endpoints; i++) {
                const ReconcileEndpoint *e = &plan->endpoints[i];
                WireServiceResult *result = &plan->results[e->guest][e->service];
                char text[WIRE_TEXT_MAX + 1];

                if (e->listen.port != port || e->listen.udp ||
                    result->state != WIRE_SERVICE_ACTIVE ||
                    (result->reason != WIRE_REASON_NONE && result->reason != WIRE_REASON_DIRECT))
                        continue;
                result_text(text,
                            "a port forwarding that wslbridge did not make may be in the way on "
                            "port %u, because it listens on a name (%s %s = %s)",
                            (unsigned) port, rule_family_name(v->family), v->name,
                            v->data ? v->data : "not a string");
                result_note(result, WIRE_REASON_FOREIGN_RULE, text);
        }
}

/* Such values come last in the sorted table, and hardly anybody has one. */
void named_rules_note(const ReconcilePlan *plan) {
        const RuleTable *t = plan->input->rules;
        uint16_t port;

        for (size_t i = t->n_values; i > 0 && !t->values[i - 1].parsed; i--)
                if (!rule_family_is_relay(t->values[i - 1].family) &&
                    named_rule_port(&t->values[i - 1], &port))
                        named_rule_note(plan, &t->values[i - 1], port);
}
