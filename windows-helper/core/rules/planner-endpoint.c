/* SPDX-License-Identifier: MIT */

/*
 * Whose the values of an endpoint are.
 */

#include "windows-helper/core/rules/planner-endpoint-private.h"

void planner_endpoint_sort_values(PlannerEndpoint *e) {
        for (size_t i = 0; i < e->n_values; i++) {
                const RuleValue *v = &e->values[i];

                if (e->entry && rule_value_is(v, &e->entry->current, e->entry->star))
                        e->has_current = true;
                else if (e->entry && rule_value_is(v, &e->entry->next, e->entry->star))
                        e->has_next = true;
                else if (!e->foreign)
                        e->foreign = v;
        }
}

bool planner_endpoint_found(const PlannerEndpoint *e) {
        return e->has_current || e->has_next;
}

bool planner_endpoint_is_held(const PlannerEndpoint *e) {
        return planner_endpoint_found(e) || (e->entry && e->entry->direct);
}

bool planner_endpoint_is_open(const PlannerEndpoint *e) {
        const LedgerEntry *entry = e->entry;

        if (planner_endpoint_found(e))
                return e->has_current && e->has_next;
        return rule_target_is_set(&entry->current) && rule_target_is_set(&entry->next) &&
               !rule_target_equal(&entry->current, &entry->next);
}
