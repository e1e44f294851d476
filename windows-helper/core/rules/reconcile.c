/* SPDX-License-Identifier: MIT */

/*
 * The second half of reconcile(): one walk over three lists sorted by listen endpoint (wanted
 * endpoints, ledger entries, values found), which decides each endpoint on its own:
 *
 *   a value that the ledger does not prove ours   nobody gets the endpoint, ours goes, entry goes
 *   wanted, and free or ours                      one agent gets it: write, record, or nothing
 *   not wanted                                    ours goes, unless its owner may still come back
 *
 * "Ours" is a value whose text is exactly what the entry's current or next would be written as.
 *
 * That a value of ours was not found is no proof that it is not there: the table is not read in one
 * piece, and others may put it back. So an entry whose value is missing keeps proving it until
 * apply has looked again.
 */

#include "windows-helper/core/rules/reconcile.h"

#include "windows-helper/core/base/result.h"
#include "windows-helper/core/rules/wanted.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct Walk {
        const ReconcileInput *input;
        const Wanted *wanted;
        size_t n_wanted, n_rules;
        ReconcilePlan *plan;
        size_t n_removals;
} Walk;

/* Everything that is known about one listen endpoint. */
typedef struct Site {
        IpEndpoint listen;
        const Wanted *wanted;
        size_t n_wanted;
        const LedgerEntry *entry;
        const RuleValue *values;
        size_t n_values;
        /* derived */
        const RuleValue *foreign;   /* the first one */
        bool has_current, has_next; /* a value of ours as the entry's current or next */
} Site;

static bool walk_is_removal(ReconcileAction action) {
        return action == RECONCILE_REMOVE || action == RECONCILE_FORGET;
}

static ReconcileChange *walk_change(Walk *w, ReconcileAction action, const LedgerEntry *entry,
                                    const Wanted *wanted) {
        ReconcileChange *c = &w->plan->changes[w->plan->n_changes++];

        *c = (ReconcileChange){
                .action = action,
                .entry = *entry,
                .agent = wanted ? wanted->agent : SIZE_MAX,
                .service = wanted ? wanted->service : 0,
        };
        w->n_removals += walk_is_removal(action);
        return c;
}

static WireServiceResult *walk_result(Walk *w, const Wanted *wanted) {
        return &w->plan->results[wanted->agent][wanted->service];
}

static const WireService *walk_service(const Walk *w, const Wanted *wanted) {
        return &w->input->agents[wanted->agent].state->services[wanted->service];
}

static const ReconcileAgent *walk_agent_by_owner(const Walk *w, const char *owner) {
        for (size_t i = 0; i < w->input->n_agents; i++)
                if (strcmp(w->input->agents[i].owner, owner) == 0)
                        return &w->input->agents[i];
        return NULL;
}

static void site_sort_values(Site *s) {
        for (size_t i = 0; i < s->n_values; i++) {
                const RuleValue *v = &s->values[i];

                if (s->entry && rule_value_is(v, &s->entry->current))
                        s->has_current = true;
                else if (s->entry && rule_value_is(v, &s->entry->next))
                        s->has_next = true;
                else if (!s->foreign)
                        s->foreign = v;
        }
}

static bool site_found(const Site *s) {
        return s->has_current || s->has_next;
}

/* Either value may be there, so the entry cannot spare its proof of one: both are found, which
 * takes somebody who puts the old one back when the targets have keys of their own (v4tov4,
 * v4tov6); or neither is, in the midst of a change. */
static bool site_is_open(const Site *s) {
        const LedgerEntry *e = s->entry;

        if (site_found(s))
                return s->has_current && s->has_next;
        return e->current.addr.family != IP_FAMILY_NONE && e->next.addr.family != IP_FAMILY_NONE &&
               ip_endpoint_compare(&e->current, &e->next) != 0;
}

static void walk_remove(Walk *w, const Site *s, const Wanted *wanted) {
        LedgerEntry e = *s->entry;

        if (s->foreign && !site_found(s)) {
                /* No second look: it goes by the name, and the registry takes the foreign one for
                 * ours when only capitals differ (fd00::1, FD00::1). */
                walk_change(w, RECONCILE_FORGET, &e, NULL)->foreign = s->foreign;
                return;
        }
        if (site_found(s) && !site_is_open(s)) {
                e.current = s->has_current ? s->entry->current : s->entry->next;
                e.next = (IpEndpoint){0};
        }
        walk_change(w, RECONCILE_REMOVE, &e, wanted);
}

/* True when the administrator asked us to take over exactly this value. */
static bool walk_is_adopted(const Walk *w, const RuleValue *v) {
        const RuleTable *t = w->input->adoptions;

        for (size_t i = 0; i < t->n_values; i++) {
                const RuleValue *a = &t->values[i];

                if (a->family == v->family && a->data && v->data && strcmp(a->name, v->name) == 0 &&
                    strcmp(a->data, v->data) == 0)
                        return true;
        }
        return false;
}

/* The endpoint of @s is asked for, and the value in the way may be replaced: it goes now, ours is
 * written in the next run. One at a time; there are at most as many as spellings. */
static void walk_adopt(Walk *w, const Site *s) {
        LedgerEntry e = {.listen = s->listen};

        walk_change(w, RECONCILE_ADOPT, &e, s->wanted)->foreign = s->foreign;
        for (size_t i = 0; i < s->n_wanted; i++) {
                result_worsen(walk_result(w, &s->wanted[i]), WIRE_SERVICE_PENDING, WIRE_REASON_NONE,
                              "an older rule is being taken over first");
        }
}

static void walk_foreign(Walk *w, const Site *s) {
        const RuleValue *v = s->foreign;
        char listen[IP_ENDPOINT_TEXT_MAX];

        if (!s->entry && s->n_wanted > 0 && walk_is_adopted(w, v)) {
                walk_adopt(w, s);
                return;
        }
        if (s->entry)
                walk_remove(w, s, NULL);
        ip_endpoint_format(&s->listen, listen);
        for (size_t i = 0; i < s->n_wanted; i++) {
                result_worsen(walk_result(w, &s->wanted[i]), WIRE_SERVICE_CONFLICT,
                              WIRE_REASON_FOREIGN_RULE,
                              "%s: there is a port forwarding that wslbridge did not make (%s %s = "
                              "%s); delete it, take it over (wslbridge-helper adopt), or listen "
                              "elsewhere",
                              listen, rule_family_name(v->family), v->name,
                              v->data ? v->data : "not a string");
        }
}

/* The one who gets the endpoint: its owner by the ledger, else who came first. */
static const Wanted *walk_winner(const Walk *w, const Site *s) {
        for (size_t i = 0; s->entry && i < s->n_wanted; i++) {
                const ReconcileAgent *a = &w->input->agents[s->wanted[i].agent];

                if (strcmp(a->owner, s->entry->owner) == 0)
                        return &s->wanted[i];
        }
        return s->n_wanted > 0 ? &s->wanted[0] : NULL;
}

static void walk_lose(Walk *w, const Site *s, const Wanted *loser, const char *owner,
                      const char *service) {
        const char *distro = strchr(owner, '/');
        char listen[IP_ENDPOINT_TEXT_MAX];

        ip_endpoint_format(&s->listen, listen);
        result_worsen(walk_result(w, loser), WIRE_SERVICE_CONFLICT, WIRE_REASON_OTHER_AGENT,
                      "%s: held by service '%s' of %s (agent %.*s)", listen, service,
                      distro ? distro + 1 : owner, distro ? (int) (distro - owner) : 0, owner);
}

static void walk_losers(Walk *w, const Site *s, const Wanted *winner) {
        const char *owner = w->input->agents[winner->agent].owner;
        const char *service = walk_service(w, winner)->name;
        char listen[IP_ENDPOINT_TEXT_MAX];

        for (size_t i = 0; i < s->n_wanted; i++) {
                const Wanted *loser = &s->wanted[i];

                if (loser == winner)
                        continue;
                if (loser->agent != winner->agent) {
                        walk_lose(w, s, loser, owner, service);
                        continue;
                }
                ip_endpoint_format(&s->listen, listen);
                result_worsen(walk_result(w, loser), WIRE_SERVICE_INVALID, WIRE_REASON_DUPLICATE,
                              "%s: asked for twice, service '%s' has it; remove one of the two",
                              listen, service);
        }
}

static void walk_grant(Walk *w, const Site *s, const Wanted *winner) {
        const LedgerEntry *old = s->entry;
        ReconcilePlan *p = w->plan;
        LedgerEntry e = {.listen = s->listen, .next = winner->connect};

        if (old && site_is_open(s)) {
                /* The entry cannot prove a third value; clear up first, write in the next run. */
                walk_remove(w, s, winner);
                result_worsen(walk_result(w, winner), WIRE_SERVICE_PENDING, WIRE_REASON_NONE,
                              "an older rule is being removed first");
                return;
        }
        strcpy(e.owner, w->input->agents[winner->agent].owner);
        strcpy(e.service, walk_service(w, winner)->name);
        if (old) {
                e.current = s->has_next || old->current.addr.family == IP_FAMILY_NONE
                                    ? old->next
                                    : old->current;
        }
        p->endpoints[p->n_endpoints++] =
                (ReconcileEndpoint){s->listen, winner->connect, winner->agent, winner->service};
        if (!old || !site_found(s) || ip_endpoint_compare(&e.current, &e.next) != 0)
                walk_change(w, RECONCILE_WRITE, &e, winner)->restores =
                        old && ip_endpoint_compare(&old->current, &old->next) == 0 &&
                        !site_found(s);
        else if (ip_endpoint_compare(&old->current, &old->next) != 0 ||
                 strcmp(old->owner, e.owner) != 0 || strcmp(old->service, e.service) != 0)
                walk_change(w, RECONCILE_RECORD, &e, winner);
}

/* True when the endpoint's owner is not back yet and its value is in force. */
static bool walk_held(const Walk *w, const Site *s) {
        const ReconcileAgent *a;

        if (!s->entry || !site_found(s))
                return false;
        a = walk_agent_by_owner(w, s->entry->owner);
        return a && a->hold;
}

static void walk_site(Walk *w, Site *s) {
        const Wanted *winner;

        site_sort_values(s);
        if (s->foreign) {
                walk_foreign(w, s);
                return;
        }
        if (walk_held(w, s)) {
                for (size_t i = 0; i < s->n_wanted; i++)
                        walk_lose(w, s, &s->wanted[i], s->entry->owner, s->entry->service);
                return;
        }
        winner = walk_winner(w, s);
        if (winner) {
                walk_grant(w, s, winner);
                walk_losers(w, s, winner);
        } else if (s->entry) {
                walk_remove(w, s, NULL);
        }
}

static void walk_all(Walk *w) {
        const Ledger *l = w->input->ledger;
        const RuleTable *t = w->input->rules;
        size_t i = 0, k = 0, v = 0;

        while (i < w->n_wanted || k < l->n_entries) {
                Site s = {0};

                if (i < w->n_wanted &&
                    (k == l->n_entries ||
                     ip_endpoint_compare(&w->wanted[i].listen, &l->entries[k].listen) <= 0))
                        s.listen = w->wanted[i].listen;
                else
                        s.listen = l->entries[k].listen;
                for (s.wanted = w->wanted + i;
                     i < w->n_wanted && ip_endpoint_compare(&w->wanted[i].listen, &s.listen) == 0;
                     i++)
                        s.n_wanted++;
                if (k < l->n_entries && ip_endpoint_compare(&l->entries[k].listen, &s.listen) == 0)
                        s.entry = &l->entries[k++];
                while (v < w->n_rules && ip_endpoint_compare(&t->values[v].listen, &s.listen) < 0)
                        v++; /* a value that nobody asks for and nobody claims */
                for (s.values = t->values + v;
                     v < w->n_rules && ip_endpoint_compare(&t->values[v].listen, &s.listen) == 0;
                     v++)
                        s.n_values++;
                walk_site(w, &s);
        }
}

/* Removals first, each kind still by endpoint. */
static int walk_order(Walk *w) {
        ReconcilePlan *p = w->plan;
        size_t to[2] = {0, w->n_removals};
        ReconcileChange *ordered;

        if (w->n_removals == 0 || w->n_removals == p->n_changes)
                return 0;
        ordered = malloc(p->n_changes * sizeof(*ordered));
        if (!ordered)
                return -ENOMEM;
        for (size_t i = 0; i < p->n_changes; i++) {
                bool removal = walk_is_removal(p->changes[i].action);

                ordered[to[removal ? 0 : 1]++] = p->changes[i];
        }
        free(p->changes);
        p->changes = ordered;
        return 0;
}

int reconcile(const ReconcileInput *input, ReconcilePlan *ret_plan) {
        ReconcilePlan plan = {.input = input, .n_agents = input->n_agents};
        Walk walk = {.input = input, .plan = &plan};
        Wanted *wanted = NULL;
        int r = -ENOMEM;

        plan.results = calloc(input->n_agents + 1, sizeof(*plan.results));
        for (size_t i = 0; plan.results && i < input->n_agents; i++) {
                const ReconcileAgent *a = &input->agents[i];

                if (!a->hold && a->state) {
                        plan.results[i] = calloc(a->state->n_services + 1u, sizeof(**plan.results));
                        if (!plan.results[i])
                                goto fail;
                }
        }
        if (!plan.results)
                goto fail;
        r = wanted_collect(input, plan.results, &wanted, &walk.n_wanted);
        if (r < 0)
                goto fail;
        walk.wanted = wanted;
        while (walk.n_rules < input->rules->n_values && input->rules->values[walk.n_rules].parsed)
                walk.n_rules++;
        /* At most one change per endpoint that is wanted or in the ledger. */
        plan.changes =
                malloc((walk.n_wanted + input->ledger->n_entries + 1) * sizeof(*plan.changes));
        plan.endpoints = malloc((walk.n_wanted + 1) * sizeof(*plan.endpoints));
        r = plan.changes && plan.endpoints ? 0 : -ENOMEM;
        if (r == 0) {
                walk_all(&walk);
                r = walk_order(&walk);
        }
        if (r < 0)
                goto fail;
        free(wanted);
        *ret_plan = plan;
        return 0;

fail:
        free(wanted);
        reconcile_plan_done(&plan);
        return r;
}

void reconcile_plan_done(ReconcilePlan *plan) {
        for (size_t i = 0; plan->results && i < plan->n_agents; i++) {
                const ReconcileAgent *a = &plan->input->agents[i];

                result_list_free(plan->results[i], a->state ? a->state->n_services : 0);
        }
        free(plan->results);
        free(plan->changes);
        free(plan->endpoints);
        *plan = (ReconcilePlan){0};
}
