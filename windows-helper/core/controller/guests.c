/* SPDX-License-Identifier: MIT */

/* See agents.h. At most BRIDGE_AGENTS_MAX of them, so looking through all is cheap. */

#include "windows-helper/core/controller/guests.h"

#include "windows-helper/core/base/result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void agent_free(Agent *agent) {
        wire_state_done(&agent->state);
        result_list_free(agent->results, agent->n_told);
        free(agent->told);
        free(agent);
}

Agent *agents_find(const Agents *a, const char *owner) {
        for (size_t i = 0; i < a->n; i++)
                if (strcmp(a->items[i]->owner, owner) == 0)
                        return a->items[i];
        return NULL;
}

int agents_add(Agents *a, const char *owner, Agent **ret_agent) {
        size_t n = strlen(owner);
        Agent *agent;

        if (a->n == BRIDGE_AGENTS_MAX)
                return -ENOSPC;
        agent = calloc(1, sizeof(*agent));
        if (!agent)
                return -ENOMEM;
        memcpy(agent->owner, owner, n + 1);
        agent->since = ++a->arrivals;
        agent->expires = AGENT_NO_EXPIRY;
        a->items[a->n++] = agent;
        *ret_agent = agent;
        return 0;
}

void agents_remove(Agents *a, Agent *agent) {
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

int agents_recover(Agents *a, const Ledger *ledger, uint64_t expires) {
        const Agent *last = NULL;

        for (size_t i = 0; i < ledger->n_entries; i++) {
                const char *owner = ledger->entries[i].owner;
                Agent *agent;
                int r;

                if ((last && strcmp(last->owner, owner) == 0) || agents_find(a, owner))
                        continue;
                r = agents_add(a, owner, &agent);
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

void agents_claim(Agents *a, Agent *agent, WireState *state) {
        wire_state_done(&agent->state);
        agent->state = *state;
        *state = WIRE_STATE_NULL;
        agent->state_serial = ++a->states;
        agent->has_state = true;
        agent->hold = false;
        agent->expires = AGENT_NO_EXPIRY;
        agent->answer_due = true;
}

bool agents_expire(Agents *a, uint64_t now_usec) {
        bool dropped = false;

        for (size_t i = a->n; i > 0; i--) {
                Agent *agent = a->items[i - 1];

                if (agent->expires <= now_usec) {
                        dropped |= agent->hold || agent->has_state;
                        wire_state_done(&agent->state);
                        agent->state = WIRE_STATE_NULL;
                        agent->has_state = agent->hold = agent->answer_due = false;
                        agent->expires = AGENT_NO_EXPIRY;
                }
                if (!agent->connection && !agent->hold && !agent->has_state)
                        agents_remove(a, agent);
        }
        return dropped;
}

uint64_t agents_deadline(const Agents *a) {
        uint64_t deadline = AGENT_NO_EXPIRY;

        for (size_t i = 0; i < a->n; i++)
                if (a->items[i]->expires < deadline)
                        deadline = a->items[i]->expires;
        return deadline;
}

void agents_done(Agents *a) {
        for (size_t i = 0; i < a->n; i++)
                agent_free(a->items[i]);
        *a = AGENTS_NULL;
}
