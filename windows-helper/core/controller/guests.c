/* SPDX-License-Identifier: MIT */

/* See agents.h. At most CONTROLLER_GUESTS_MAX of them, so looking through all is cheap. */

#include "windows-helper/core/controller/guests.h"

#include "windows-helper/core/base/result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void agent_free(Guest *agent) {
        wire_state_done(&agent->state);
        result_list_free(agent->results, agent->n_told);
        free(agent->told);
        free(agent);
}

Guest *guests_find(const Guests *a, const char *owner) {
        for (size_t i = 0; i < a->n; i++)
                if (strcmp(a->items[i]->owner, owner) == 0)
                        return a->items[i];
        return NULL;
}

int guests_add(Guests *a, const char *owner, Guest **ret_agent) {
        size_t n = strlen(owner);
        Guest *agent;

        if (a->n == CONTROLLER_GUESTS_MAX)
                return -ENOSPC;
        agent = calloc(1, sizeof(*agent));
        if (!agent)
                return -ENOMEM;
        memcpy(agent->owner, owner, n + 1);
        agent->since = ++a->arrivals;
        agent->expires = GUEST_NO_EXPIRY;
        a->items[a->n++] = agent;
        *ret_agent = agent;
        return 0;
}

void guests_remove(Guests *a, Guest *agent) {
        for (size_t i = 0; i < a->n; i++) {
                if (a->items[i] == agent) {
                        memmove(&a->items[i], &a->items[i + 1],
                                (a->n - i - 1) * sizeof(a->items[0]));
                        a->n--;
                        agent_free(agent);
                        return;
                }
        }
}

int guests_recover(Guests *a, const Ledger *ledger, uint64_t expires) {
        const Guest *last = NULL;

        for (size_t i = 0; i < ledger->n_entries; i++) {
                const char *owner = ledger->entries[i].owner;
                Guest *agent;
                int r;

                if ((last && strcmp(last->owner, owner) == 0) || guests_find(a, owner))
                        continue;
                r = guests_add(a, owner, &agent);
                if (r == -ENOSPC)
                        return 0;
                if (r < 0)
                        return r;
                agent->hold = true;
                agent->expires = expires;
                last = agent;
        }
        return 0;
}

void guests_claim(Guests *a, Guest *agent, WireState *state) {
        wire_state_done(&agent->state);
        agent->state = *state;
        *state = WIRE_STATE_NULL;
        agent->state_serial = ++a->states;
        agent->has_state = true;
        agent->hold = false;
        agent->expires = GUEST_NO_EXPIRY;
        agent->answer_due = true;
}

bool guests_expire(Guests *a, uint64_t now_usec) {
        bool dropped = false;

        for (size_t i = a->n; i > 0; i--) {
                Guest *agent = a->items[i - 1];

                if (agent->expires <= now_usec) {
                        dropped |= agent->hold || agent->has_state;
                        wire_state_done(&agent->state);
                        agent->state = WIRE_STATE_NULL;
                        agent->has_state = agent->hold = agent->answer_due = false;
                        agent->expires = GUEST_NO_EXPIRY;
                }
                if (!agent->connection && !agent->hold && !agent->has_state)
                        guests_remove(a, agent);
        }
        return dropped;
}

uint64_t guests_deadline(const Guests *a) {
        uint64_t deadline = GUEST_NO_EXPIRY;

        for (size_t i = 0; i < a->n; i++)
                if (a->items[i]->expires < deadline)
                        deadline = a->items[i]->expires;
        return deadline;
}

void guests_done(Guests *a) {
        for (size_t i = 0; i < a->n; i++)
                agent_free(a->items[i]);
        *a = GUESTS_NULL;
}
