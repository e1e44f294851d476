/* SPDX-License-Identifier: MIT */

/*
 * Chooses the changes of the next slice.
 */

#include "windows-helper/core/rules/slice.h"

#include "windows-helper/core/base/result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What comes first within a guest with many changes. */
typedef enum SliceOrder {
        SLICE_RULE_CHANGES, /* it is in force with an old target, or somebody deleted it */
        SLICE_RULE_GOES,
        SLICE_RULE_COMES,
        _SLICE_ORDER_END,
} SliceOrder;

typedef struct Slice {
        ReconcilePlan *plan;
        size_t n;         /* accounts: the guests, and one for all other owners */
        uint32_t *owners; /* owned; the account of each change */
        bool *now;        /* owned; whether the change is in the slice */
} Slice;

static SliceOrder slice_order(const ReconcileChange *c) {
        if (c->action != RECONCILE_WRITE)
                return SLICE_RULE_GOES;
        return rule_target_is_set(&c->entry.current) ? SLICE_RULE_CHANGES : SLICE_RULE_COMES;
}

/* For whom a change is made. Neighbours in the plan often have the same owner: try @guess first. */
static uint32_t slice_owner(const ReconcileInput *input, const ReconcileChange *c, uint32_t guess) {
        if (c->guest != SIZE_MAX)
                return (uint32_t) c->guest;
        if (guess < input->n_guests && strcmp(input->guests[guess].owner, c->entry.owner) == 0)
                return guess;
        for (uint32_t i = 0; i < input->n_guests; i++)
                if (strcmp(input->guests[i].owner, c->entry.owner) == 0)
                        return i;
        return (uint32_t) input->n_guests;
}

static void slice_count(Slice *s) {
        for (size_t i = 0; i < s->plan->n_changes; i++) {
                s->owners[i] = slice_owner(s->plan->input, &s->plan->changes[i],
                                           i > 0 ? s->owners[i - 1] : 0);
                s->plan->left[s->owners[i]]++;
        }
}

/* Of those with more than @few changes, the one whose turn it is; or s->n. */
static size_t slice_next_big(const Slice *s, size_t few, const unsigned *waited) {
        const size_t *left = s->plan->left;
        size_t best = s->n;

        for (size_t i = 0; i < s->n; i++)
                if (left[i] > few && (best == s->n || waited[i] > waited[best] ||
                                      (waited[i] == waited[best] && left[i] < left[best])))
                        best = i;
        return best;
}

/* Take up to @max changes of the account @owner, which has more. */
static void slice_take_big(Slice *s, size_t owner, size_t max) {
        for (int order = 0; order < _SLICE_ORDER_END; order++) {
                for (size_t i = 0; i < s->plan->n_changes && max > 0; i++) {
                        if (s->owners[i] != owner ||
                            (int) slice_order(&s->plan->changes[i]) != order)
                                continue;
                        s->now[i] = true;
                        max--;
                }
        }
}

static void slice_choose(Slice *s, size_t max, const unsigned *waited) {
        size_t few = s->plan->n_changes <= max ? SIZE_MAX : max / SLICE_FEW_DIVIDE;
        size_t big = slice_next_big(s, few, waited);
        bool any = false;

        for (size_t i = 0; i < s->plan->n_changes; i++) {
                s->now[i] = s->plan->left[s->owners[i]] <= few;
                any |= s->now[i];
        }
        if (big < s->n && (!any || waited[big] > 0))
                slice_take_big(s, big, max);
}

void slice_drop_results(ReconcilePlan *plan, size_t guest) {
        const WireState *state = plan->input->guests[guest].state;

        result_list_free(plan->results[guest], state ? state->n_services : 0);
        plan->results[guest] = NULL;
}

/* Keep the chosen changes, in their order, and count what is left. */
static void slice_cut(Slice *s, unsigned *waited) {
        ReconcilePlan *p = s->plan;
        size_t n = 0;

        for (size_t i = 0; i < s->n; i++)
                waited[i] = p->left[i] > 0 ? waited[i] + 1 : 0;
        for (size_t i = 0; i < p->n_changes; i++) {
                if (!s->now[i])
                        continue;
                waited[s->owners[i]] = 0;
                p->completes |= --p->left[s->owners[i]] == 0;
                p->changes[n++] = p->changes[i];
        }
        p->n_left = p->n_changes - n;
        p->n_changes = n;
        p->completes |= p->n_left == 0;
        for (size_t i = 0; i < p->n_guests; i++)
                if (p->left[i] > 0)
                        slice_drop_results(p, i);
}

size_t slice_size(const ReconcilePlan *plan, size_t most) {
        size_t n = (plan->n_decided + SLICE_DIVIDE - 1) / SLICE_DIVIDE;

        if (most == SIZE_MAX)
                return most;
        if (n < SLICE_CHANGES_LEAST)
                n = SLICE_CHANGES_LEAST;
        return n < most ? n : most;
}

int slice_take(ReconcilePlan *plan, size_t max, unsigned *waited) {
        Slice s = {
                .plan = plan,
                .n = plan->n_guests + 1,
                .owners = malloc((plan->n_changes + 1) * sizeof(*s.owners)),
                .now = malloc((plan->n_changes + 1) * sizeof(*s.now)),
        };
        int r = -ENOMEM;

        plan->left = calloc(s.n, sizeof(*plan->left));
        if (s.owners && s.now && plan->left) {
                slice_count(&s);
                slice_choose(&s, max, waited);
                slice_cut(&s, waited);
                r = 0;
        }
        free(s.owners);
        free(s.now);
        return r;
}
