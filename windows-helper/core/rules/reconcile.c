/* SPDX-License-Identifier: MIT */

/*
 * Decides who gets each endpoint, and by which change. wanted.c has collected who asks for what.
 * This goes once through three lists that are sorted by listen endpoint (wanted endpoints, ledger
 * entries, values found) and decides each endpoint on its own:
 *
 *   there is a foreign value      nobody gets the endpoint; our value and the entry are removed
 *   wanted, and free or ours      one guest gets it: write, record, or nothing
 *   not wanted                    our value is removed, unless its owner may still come back
 *
 * A value is ours if its text is exactly what we would write for the entry's current or next. Any
 * other value is foreign.
 *
 * A guest that is reached directly gets the endpoint without a value. What was there for a
 * forwarding is removed first, and the entry that says who holds the endpoint follows in the next
 * run.
 *
 * When a value of ours was not found, it may be there all the same: the table is not read in one
 * piece, and others may put the value back. So an entry whose value is missing keeps proving it
 * until apply has looked again.
 */

#include "windows-helper/core/rules/reconcile.h"

#include "windows-helper/core/base/result.h"
#include "windows-helper/core/rules/adoption.h"
#include "windows-helper/core/rules/conflict-text.h"
#include "windows-helper/core/rules/named-rules.h"
#include "windows-helper/core/rules/planner-endpoint-private.h"
#include "windows-helper/core/rules/reconcile-plan-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct Planner {
        const ReconcileInput *input;
        const Wanted *wanted;
        size_t n_wanted;
        bool any_in_grace;
        ReconcilePlan *plan;
} Planner;

static ReconcileChange *planner_change(Planner *p, ReconcileAction action, const LedgerEntry *entry,
                                       const Wanted *wanted) {
        ReconcileChange *c = &p->plan->changes[p->plan->n_changes++];

        *c = (ReconcileChange){
                .action = action,
                .entry = *entry,
                .guest = wanted ? wanted->guest : SIZE_MAX,
                .service = wanted ? wanted->service : 0,
        };
        return c;
}

static WireServiceResult *planner_result(Planner *p, const Wanted *wanted) {
        return &p->plan->results[wanted->guest][wanted->service];
}

static const WireService *planner_service(const Planner *p, const Wanted *wanted) {
        return &p->input->guests[wanted->guest].state->services[wanted->service];
}

static void planner_remove(Planner *p, const PlannerEndpoint *e, const Wanted *wanted) {
        LedgerEntry entry = *e->entry;

        if (e->foreign && !planner_endpoint_is_held(e)) {
                /* Do not look again. A value is read by its name, and the registry would find
                 * the foreign value where only the case differs (fd00::1, FD00::1). */
                planner_change(p, RECONCILE_FORGET, &entry, NULL)->foreign = e->foreign;
                return;
        }
        if (planner_endpoint_found(e) && !planner_endpoint_is_open(e)) {
                entry.current = e->has_current ? e->entry->current : e->entry->next;
                entry.next = (RuleTarget){0};
        }
        planner_change(p, RECONCILE_REMOVE, &entry, wanted);
}

/* Somebody asks for the endpoint, and the foreign value may be replaced, but it cannot become ours.
 * That value is deleted now, and ours is written in the next run. This removes one value at a time;
 * there can be one for each spelling of the endpoint. */
static void planner_adopt(Planner *p, const PlannerEndpoint *e) {
        LedgerEntry entry = {.listen = e->listen};

        planner_change(p, RECONCILE_ADOPT, &entry, e->wanted)->foreign = e->foreign;
        for (size_t i = 0; i < e->n_wanted; i++) {
                result_worsen(planner_result(p, &e->wanted[i]), WIRE_SERVICE_PENDING,
                              WIRE_REASON_NONE, "an older rule is being taken over first");
        }
}

static void planner_foreign(Planner *p, const PlannerEndpoint *e) {
        char text[WIRE_TEXT_MAX + 1];

        if (!e->entry && /* without an entry somebody wants it */
            adoption_is_asked(p->input->adoptions, e->foreign)) {
                planner_adopt(p, e);
                return;
        }
        if (e->entry)
                planner_remove(p, e, NULL);
        conflict_text(e->foreign, text);
        for (size_t i = 0; i < e->n_wanted; i++)
                result_worsen(planner_result(p, &e->wanted[i]), WIRE_SERVICE_CONFLICT,
                              WIRE_REASON_FOREIGN_RULE, "%s", text);
}

/* Who gets the endpoint: its owner by the ledger, otherwise the guest that arrived first. */
static const Wanted *planner_winner(const Planner *p, const PlannerEndpoint *e) {
        for (size_t i = 0; e->entry && e->n_wanted > 1 && i < e->n_wanted; i++) {
                const ReconcileGuest *guest = &p->input->guests[e->wanted[i].guest];

                if (strcmp(guest->owner, e->entry->owner) == 0)
                        return &e->wanted[i];
        }
        return e->n_wanted > 0 ? &e->wanted[0] : NULL;
}

static void planner_lose(Planner *p, const PlannerEndpoint *e, const Wanted *loser,
                         const char *owner, const char *service) {
        const char *distro = strchr(owner, '/');
        char listen[IP_ENDPOINT_TEXT_MAX];

        ip_endpoint_format(&e->listen, listen);
        result_worsen(planner_result(p, loser), WIRE_SERVICE_CONFLICT, WIRE_REASON_OTHER_AGENT,
                      "%s: held by service '%s' of %s (agent %.*s)", listen, service,
                      distro ? distro + 1 : owner, distro ? (int) (distro - owner) : 0, owner);
}

static void planner_losers(Planner *p, const PlannerEndpoint *e, const Wanted *winner) {
        const char *owner = p->input->guests[winner->guest].owner;
        const char *service = planner_service(p, winner)->name;
        char listen[IP_ENDPOINT_TEXT_MAX];

        for (size_t i = 0; i < e->n_wanted; i++) {
                const Wanted *loser = &e->wanted[i];

                if (loser == winner)
                        continue;
                if (loser->guest != winner->guest) {
                        planner_lose(p, e, loser, owner, service);
                        continue;
                }
                ip_endpoint_format(&e->listen, listen);
                result_worsen(planner_result(p, loser), WIRE_SERVICE_INVALID, WIRE_REASON_DUPLICATE,
                              "%s: asked for twice, service '%s' has it; remove one of the two",
                              listen, service);
        }
}

static void planner_name(const Planner *p, const Wanted *winner, LedgerEntry *entry) {
        strcpy(entry->owner, p->input->guests[winner->guest].owner);
        strcpy(entry->service, planner_service(p, winner)->name);
}

static void planner_hold(Planner *p, const PlannerEndpoint *e, const Wanted *winner) {
        ReconcilePlan *plan = p->plan;

        plan->endpoints[plan->n_endpoints++] = (ReconcileEndpoint){
                e->listen, winner->target, winner->guest, winner->service, winner->reach, false};
}

static bool planner_same_holder(const LedgerEntry *a, const LedgerEntry *b) {
        return strcmp(a->owner, b->owner) == 0 && strcmp(a->service, b->service) == 0;
}

/* Whatever has the port for the old forwarding is told to let go of it before the new one comes. */
static void planner_make_room(Planner *p, const PlannerEndpoint *e, const Wanted *winner,
                              const RuleValue *adopted, const char *text) {
        ReconcileChange *change;

        planner_remove(p, e, winner);
        change = &p->plan->changes[p->plan->n_changes - 1];
        planner_name(p, winner, &change->entry); /* an adopted value has no owner yet */
        change->foreign = adopted;
        change->holds = true;
        planner_hold(p, e, winner);
        p->plan->endpoints[p->plan->n_endpoints - 1].moves = true;
        result_worsen(planner_result(p, winner), WIRE_SERVICE_PENDING, WIRE_REASON_NONE, "%s",
                      text);
}

/* A value under the endpoint would take the port away from the guest. */
static void planner_grant_direct(Planner *p, const PlannerEndpoint *e, const Wanted *winner,
                                 const RuleValue *adopted) {
        LedgerEntry entry = {.listen = e->listen, .direct = true};

        if (e->entry && !e->entry->direct) {
                planner_make_room(p, e, winner, adopted,
                                  "an older port forwarding is being removed first");
                return;
        }
        planner_name(p, winner, &entry);
        planner_hold(p, e, winner);
        if (!e->entry || !planner_same_holder(e->entry, &entry))
                planner_change(p, RECONCILE_RECORD, &entry, winner);
}

/* True when the value of another forwarder than @wanted needs may be there. */
static bool planner_changes_forwarder(const PlannerEndpoint *e, const Wanted *wanted) {
        return ledger_entry_forwarders(e->entry) & ~rule_target_forwarder(&wanted->target);
}

static void planner_grant(Planner *p, const PlannerEndpoint *e, const Wanted *winner,
                          const RuleValue *adopted) {
        const LedgerEntry *old = e->entry;
        ReconcileChange *change = NULL;
        bool same;
        LedgerEntry entry = {.listen = e->listen, .next = winner->target};

        if (old && planner_changes_forwarder(e, winner)) {
                planner_make_room(p, e, winner, adopted,
                                  "the port moves to another forwarder of this host");
                return;
        }
        if (old && planner_endpoint_is_open(e)) {
                /* The entry cannot prove a third value: remove now, write in the next run. */
                planner_remove(p, e, winner);
                result_worsen(planner_result(p, winner), WIRE_SERVICE_PENDING, WIRE_REASON_NONE,
                              "an older rule is being removed first");
                return;
        }
        planner_name(p, winner, &entry);
        entry.star = old && old->star;
        if (old)
                entry.current = e->has_next || !rule_target_is_set(&old->current) ? old->next
                                                                                  : old->current;
        planner_hold(p, e, winner);
        same = old && !old->direct && rule_target_equal(&old->current, &old->next);
        if (!old || !planner_endpoint_found(e) || !rule_target_equal(&entry.current, &entry.next)) {
                change = planner_change(p, RECONCILE_WRITE, &entry, winner);
                change->was_held = old && old->direct;
                change->restores = same && !planner_endpoint_found(e);
        } else if (!same || !planner_same_holder(old, &entry)) {
                change = planner_change(p, RECONCILE_RECORD, &entry, winner);
        }
        if (!change)
                return;
        change->foreign = adopted;
        change->stays =
                old && planner_endpoint_found(e) && strcmp(old->owner, entry.owner) == 0 &&
                rule_family(&e->listen, &entry.current) == rule_family(&e->listen, &entry.next);
}

/* True when the endpoint's owner is in its grace period and holds it. */
static bool planner_is_kept(const Planner *p, const PlannerEndpoint *e) {
        for (size_t i = 0; p->any_in_grace && planner_endpoint_is_held(e) && i < p->input->n_guests;
             i++)
                if (strcmp(p->input->guests[i].owner, e->entry->owner) == 0)
                        return p->input->guests[i].in_grace;
        return false;
}

/* A value that may be adopted and can become ours counts as ours from now on, so it is written over
 * and never missing. Return: the value whose request is used up; NULL: none. */
static const RuleValue *planner_takes_over(const Planner *p, PlannerEndpoint *e) {
        if (e->n_wanted == 0 || e->n_values != 1 ||
            !adoption_proof(p->input->adoptions, e->values, &e->adopted))
                return NULL;
        if (e->foreign && !e->entry) {
                e->entry = &e->adopted;
                e->has_current = true;
                e->foreign = NULL;
        }
        return e->foreign ? NULL : e->values;
}

static void planner_decide(Planner *p, PlannerEndpoint *e) {
        const RuleValue *adopted;
        const Wanted *winner;

        p->plan->n_decided++;
        planner_endpoint_sort_values(e);
        adopted = planner_takes_over(p, e);
        if (e->foreign) {
                planner_foreign(p, e);
                return;
        }
        if (e->entry && planner_is_kept(p, e)) {
                for (size_t i = 0; i < e->n_wanted; i++)
                        planner_lose(p, e, &e->wanted[i], e->entry->owner, e->entry->service);
                return;
        }
        winner = planner_winner(p, e);
        if (winner) {
                if (winner->reach == WIRE_REACH_FORWARDED)
                        planner_grant(p, e, winner, adopted);
                else
                        planner_grant_direct(p, e, winner, adopted);
                planner_losers(p, e, winner);
        } else if (e->entry) {
                planner_remove(p, e, NULL);
        }
}

static void planner_run(Planner *p) {
        const Ledger *l = p->input->ledger;
        const RuleTable *t = p->input->rules;
        size_t i = 0, k = 0, v = 0;

        while (i < p->n_wanted || k < l->n_entries) {
                PlannerEndpoint e = {0};

                if (i < p->n_wanted &&
                    (k == l->n_entries ||
                     ip_endpoint_compare(&p->wanted[i].listen, &l->entries[k].listen) <= 0))
                        e.listen = p->wanted[i].listen;
                else
                        e.listen = l->entries[k].listen;
                for (e.wanted = p->wanted + i;
                     i < p->n_wanted && ip_endpoint_compare(&p->wanted[i].listen, &e.listen) == 0;
                     i++)
                        e.n_wanted++;
                if (k < l->n_entries && ip_endpoint_compare(&l->entries[k].listen, &e.listen) == 0)
                        e.entry = &l->entries[k++];
                v = rule_table_seek(t, v, &e.listen); /* nobody asks for those in between */
                e.values = t->values + v;
                while (v < t->n_values && rule_value_listens(&t->values[v], &e.listen)) {
                        e.n_values++;
                        v++;
                }
                planner_decide(p, &e);
        }
}

int reconcile(const ReconcileInput *input, ReconcilePlan *ret_plan) {
        ReconcilePlan plan = {.input = input, .n_guests = input->n_guests};
        Planner planner = {.input = input, .plan = &plan};
        Wanted *wanted = NULL;
        int r = -ENOMEM;

        plan.results = calloc(input->n_guests + 1, sizeof(*plan.results));
        plan.checking = calloc(input->n_guests + 1, sizeof(*plan.checking));
        plan.waiting = calloc(input->n_guests + 1, sizeof(*plan.waiting));
        plan.unsettled = calloc(input->n_guests + 1, sizeof(*plan.unsettled));
        for (size_t i = 0; plan.results && i < input->n_guests; i++) {
                const ReconcileGuest *guest = &input->guests[i];

                planner.any_in_grace |= guest->in_grace;
                if (!guest->in_grace && guest->state) {
                        plan.results[i] =
                                calloc(guest->state->n_services + 1u, sizeof(**plan.results));
                        if (!plan.results[i])
                                goto fail;
                }
        }
        if (!plan.results || !plan.checking || !plan.waiting || !plan.unsettled)
                goto fail;
        r = wanted_collect(input, plan.results, &wanted, &planner.n_wanted);
        if (r < 0)
                goto fail;
        planner.wanted = wanted;
        /* There is at most one change for each endpoint that is wanted or in the ledger. */
        plan.changes =
                malloc((planner.n_wanted + input->ledger->n_entries + 1) * sizeof(*plan.changes));
        plan.endpoints = malloc((planner.n_wanted + 1) * sizeof(*plan.endpoints));
        r = plan.changes && plan.endpoints ? 0 : -ENOMEM;
        if (r == 0) {
                planner_run(&planner);
                named_rules_note(&plan);
                r = reconcile_plan_order(&plan);
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
