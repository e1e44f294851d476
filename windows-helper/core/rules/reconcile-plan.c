/* SPDX-License-Identifier: MIT */

/*
 * A plan as an object: the order of its changes, and its end.
 */

#include "windows-helper/core/base/result.h"
#include "windows-helper/core/rules/reconcile-plan-private.h"

#include <errno.h>
#include <stdlib.h>

static bool plan_is_removal(const ReconcileChange *c) {
        return c->action == RECONCILE_REMOVE || c->action == RECONCILE_FORGET;
}

int reconcile_plan_order(ReconcilePlan *plan) {
        size_t to[2] = {0, 0};
        ReconcileChange *ordered;

        for (size_t i = 0; i < plan->n_changes; i++)
                to[1] += plan_is_removal(&plan->changes[i]);
        if (to[1] == 0 || to[1] == plan->n_changes)
                return 0;
        ordered = malloc(plan->n_changes * sizeof(*ordered));
        if (!ordered)
                return -ENOMEM;
        for (size_t i = 0; i < plan->n_changes; i++)
                ordered[to[plan_is_removal(&plan->changes[i]) ? 0 : 1]++] = plan->changes[i];
        free(plan->changes);
        plan->changes = ordered;
        return 0;
}

void reconcile_plan_done(ReconcilePlan *plan) {
        for (size_t i = 0; plan->results && i < plan->n_guests; i++) {
                const ReconcileGuest *guest = &plan->input->guests[i];

                result_list_free(plan->results[i], guest->state ? guest->state->n_services : 0);
        }
        free(plan->results);
        free(plan->changes);
        free(plan->endpoints);
        free(plan->left);
        free(plan->checking);
        free(plan->waiting);
        free(plan->unsettled);
        *plan = (ReconcilePlan){0};
}
