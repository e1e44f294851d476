/* SPDX-License-Identifier: MIT */

/* Carries out a plan. See apply.h for the order of the phases, and ledger.h for why it is safe. */

#include "windows-helper/core/rules/apply.h"
#include "windows-helper/core/base/error-text.h"
#include "windows-helper/core/base/result.h"
#include "windows-helper/core/rules/conflict-text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Longer than a value of ours, so that a foreign value that was cut cannot look like one. */
#define APPLY_DATA_MAX 256

typedef enum ApplyStatus {
        APPLY_OK,
        APPLY_FAILED,  /* a host function failed: the entry stays and proves both values */
        APPLY_FOREIGN, /* somebody changed the value since it was read: the entry is removed */
} ApplyStatus;

typedef struct Apply {
        const RuleHost *host;
        RuleView *view;
        Ledger *ledger;
        ReconcilePlan *plan;
        uint8_t *status;             /* ApplyStatus of each change */
        const LedgerEntry **entries; /* room for the entries that are new in the ledger */
        ApplyActivation activation;
        unsigned forwarders;    /* bits: the plan is about values of them */
        bool portproxy_changed; /* since the last activation; the relay notices changes itself */
        ApplyOutcome outcome;
} Apply;

static void apply_worsen(Apply *a, const ReconcileChange *c, WireServiceState state,
                         WireReason reason, const char *what) {
        char listen[IP_ENDPOINT_TEXT_MAX];

        if (c->guest != SIZE_MAX && a->plan->results[c->guest]) {
                ip_endpoint_format(&c->entry.listen, listen);
                result_worsen(&a->plan->results[c->guest][c->service], state, reason, "%s: %s",
                              listen, what);
        }
}

static void apply_note_error(Apply *a, int r) {
        if (r < 0 && a->outcome.error == 0) /* the first one counts */
                a->outcome.error = r;
}

static void apply_fail(Apply *a, size_t i, int error, const char *what) {
        char text[WIRE_TEXT_MAX + 1];

        a->status[i] = APPLY_FAILED;
        rule_view_distrust(a->view);
        apply_note_error(a, error);
        result_text(text, "%s failed (%s); it is tried again automatically", what,
                    error_text(error));
        apply_worsen(a, &a->plan->changes[i], WIRE_SERVICE_BLOCKED, WIRE_REASON_WRITE_FAILED, text);
}

/* A flush before the first change has failed with @r: no change is made; but what only deletes a
 * value of ours if not @removals. */
static void apply_fail_all(Apply *a, int r, const char *what, bool removals) {
        for (size_t i = 0; r < 0 && i < a->plan->n_changes; i++)
                if (removals || a->plan->changes[i].action != RECONCILE_REMOVE ||
                    a->plan->changes[i].foreign)
                        apply_fail(a, i, r, what);
}

/* The tables are in different hives, so each has a flush of its own. */
static int apply_flush_values(const Apply *a) {
        int r = 0;

        for (int relay = 0; r == 0 && relay < 2; relay++)
                if (a->forwarders & RULE_FORWARDER(relay))
                        r = a->host->rules_flush(a->host->userdata, relay);
        return r;
}

/* Before phase 1. The ledger may be about to stop proving a value because of what was found in the
 * table. Then what was found must still be there after a power cut. */
static void apply_trust_values(Apply *a) {
        bool drops = false;

        for (size_t i = 0; i < a->plan->n_changes; i++) {
                const ReconcileChange *c = &a->plan->changes[i];
                const LedgerEntry *known = ledger_find(a->ledger, &c->entry.listen);

                a->forwarders |= ledger_entry_forwarders(&c->entry);
                if (known)
                        a->forwarders |= ledger_entry_forwarders(known);
                if (c->foreign)
                        a->forwarders |= RULE_FORWARDER(rule_family_is_relay(c->foreign->family));
                drops |= known && ledger_entry_drops_proof(known, &c->entry);
        }
        if (drops)
                apply_fail_all(a, apply_flush_values(a), "saving the port forwardings", true);
}

/* Phases 1 and 2. */
static void apply_intents(Apply *a) {
        ReconcilePlan *p = a->plan;
        size_t n_new = 0, n_puts = 0;
        int r;

        for (size_t i = 0; i < p->n_changes; i++) {
                const LedgerEntry *e = &p->changes[i].entry;
                LedgerEntry *known = ledger_find(a->ledger, &e->listen);

                if (a->status[i] != APPLY_OK || p->changes[i].action == RECONCILE_ADOPT)
                        continue;
                n_puts++;
                r = a->host->ledger_put(a->host->userdata, e);
                if (r < 0)
                        apply_fail(a, i, r, "writing the ledger");
                else if (known)
                        *known = *e;
                else if (p->changes[i].action == RECONCILE_REMOVE) /* of an adopted value; rare */
                        (void) ledger_put(a->ledger, e);           /* there is room */
                else
                        a->entries[n_new++] = e; /* sorted, because writes come by endpoint */
        }
        ledger_merge(a->ledger, a->entries, n_new);
        r = n_puts > 0 ? a->host->ledger_flush(a->host->userdata) : 0;
        /* What closes a port does not wait for room on the disk: what is there proves it, too. */
        apply_note_error(a, r);
        apply_fail_all(a, r, "saving the ledger", false);
}

/* Compare the value of the entry in the family of @target with the text of @target.
 * Return: 0 same, -ENOENT absent, -EEXIST anything else, or the host's error. */
static int apply_check(Apply *a, const LedgerEntry *e, const RuleTarget *target,
                       char ret_found[APPLY_DATA_MAX]) {
        char name[RULE_TEXT_MAX], expected[RULE_DATA_MAX];
        int r;

        rule_name_format(&e->listen, e->star, name);
        ret_found[0] = '\0';
        r = a->host->rule_get(a->host->userdata, rule_family(&e->listen, target), name, ret_found,
                              APPLY_DATA_MAX);
        if (r < 0)
                return r;
        rule_target_format(target, expected);
        return strcmp(expected, ret_found) == 0 ? 0 : -EEXIST;
}

static void apply_note_change(Apply *a, RuleFamily family) {
        if (rule_family_is_relay(family))
                a->outcome.relayed = true;
        else
                a->portproxy_changed = true;
}

/* Delete the value of @target if it is there and unchanged. Return: as apply_check(), but 0 also
 * when there was none. */
static int apply_delete(Apply *a, const LedgerEntry *e, const RuleTarget *target,
                        char ret_found[APPLY_DATA_MAX]) {
        RuleFamily family = rule_family(&e->listen, target);
        char name[RULE_TEXT_MAX];
        int r = apply_check(a, e, target, ret_found);
        bool found = r == 0;

        rule_name_format(&e->listen, e->star, name);
        if (found)
                r = a->host->rule_delete(a->host->userdata, family, name);
        if (r < 0 && r != -ENOENT)
                return r;
        a->outcome.n_deleted += found;
        if (found)
                apply_note_change(a, family);
        rule_view_note(a->view, family, name, NULL, found ? -1 : 0);
        return 0;
}

static int apply_write(Apply *a, const LedgerEntry *e, char ret_found[APPLY_DATA_MAX]) {
        bool had = rule_target_is_set(&e->current), found;
        RuleFamily family = rule_family(&e->listen, &e->next);
        char name[RULE_TEXT_MAX], data[RULE_DATA_MAX];
        int r;

        if (had && rule_family(&e->listen, &e->current) != family) {
                /* The target moves to another key. Delete the old value first, so that there are
                 * never two of ours and the entry can prove each. */
                r = apply_delete(a, e, &e->current, ret_found);
                if (r < 0)
                        return r;
                had = false;
        }
        r = apply_check(a, e, had ? &e->current : &e->next, ret_found);
        if (r == 0 && !had)
                return -EEXIST; /* it was not there when we decided, so we did not write it */
        if (r < 0 && r != -ENOENT)
                return r;
        found = r == 0;
        rule_name_format(&e->listen, e->star, name);
        rule_target_format(&e->next, data);
        r = a->host->rule_set(a->host->userdata, family, name, data);
        if (r < 0)
                return r;
        rule_view_note(a->view, family, name, data, found ? 0 : 1);
        a->outcome.n_written++;
        apply_note_change(a, family);
        return 0;
}

/* A value that is neither target is foreign and stays. The entry is removed in any case. */
static int apply_remove(Apply *a, const LedgerEntry *e, char ret_found[APPLY_DATA_MAX]) {
        const RuleTarget *targets[] = {&e->current, &e->next};

        for (size_t i = 0; i < 2; i++) {
                int r = rule_target_is_set(targets[i]) ? apply_delete(a, e, targets[i], ret_found)
                                                       : 0;

                if (r < 0 && r != -EEXIST)
                        return r;
                if (r == -EEXIST)
                        rule_view_distrust(a->view);
        }
        return 0;
}

/* Delete a foreign value that may be replaced, if it still reads the same. It needs no ledger
 * entry: the proof is that an administrator named exactly this value. That request is forgotten
 * only after the value has gone from the disk, too. */
static int apply_adopt(Apply *a, const RuleValue *v, char ret_found[APPLY_DATA_MAX]) {
        int r = a->host->rule_get(a->host->userdata, v->family, v->name, ret_found, APPLY_DATA_MAX);
        bool found = r == 0;

        if (r < 0 && r != -ENOENT)
                return r;
        if (found && strcmp(ret_found, v->data) != 0)
                return -EEXIST;
        if (found)
                r = a->host->rule_delete(a->host->userdata, v->family, v->name);
        if (r < 0 && r != -ENOENT)
                return r;
        rule_view_note(a->view, v->family, v->name, NULL, found ? -1 : 0);
        a->outcome.n_deleted++;
        a->outcome.n_adopted++;
        apply_note_change(a, v->family);
        a->outcome.again = true;
        return 0;
}

static void apply_tell(Apply *a) {
        a->outcome.activation = a->host->activate(a->host->userdata);
        a->outcome.activated = true;
        a->portproxy_changed = false;
}

/* Whether iphlpsvc may still have the port that the relay gets now. Its value went in an earlier
 * plan, so only an activation that was due before this one can be missing. */
static bool apply_must_tell(const Apply *a, const ReconcileChange *c) {
        return (a->activation == APPLY_OVERDUE || a->activation == APPLY_ACTIVATE) &&
               !a->outcome.activated && c->was_held && rule_target_is_relay(&c->entry.next);
}

/* Phase 3. */
static void apply_values(Apply *a) {
        char found[APPLY_DATA_MAX], text[WIRE_TEXT_MAX + 1];

        if (a->plan->n_changes > 0)
                rule_view_begin(a->view, a->host);
        for (size_t i = 0; i < a->plan->n_changes; i++) {
                const ReconcileChange *c = &a->plan->changes[i];
                int r = 0;

                if (a->status[i] != APPLY_OK)
                        continue;
                if (apply_must_tell(a, c))
                        apply_tell(a);
                if (c->action == RECONCILE_WRITE) {
                        r = apply_write(a, &c->entry, found);
                } else if (c->action == RECONCILE_REMOVE) {
                        r = apply_remove(a, &c->entry, found);
                        a->outcome.again |= c->guest != SIZE_MAX;
                } else if (c->action == RECONCILE_ADOPT) {
                        r = apply_adopt(a, c->foreign, found);
                }
                if (r == -EEXIST) {
                        a->status[i] = APPLY_FOREIGN;
                        rule_view_distrust(a->view);
                        conflict_text_new(&c->entry.listen, found, text);
                        apply_worsen(a, c, WIRE_SERVICE_CONFLICT, WIRE_REASON_FOREIGN_RULE, text);
                } else if (r < 0) {
                        apply_fail(a, i, r, "changing the port forwarding");
                }
        }
        rule_view_end(a->view, a->host);
}

/* Phases 4 and 5. Return: 0, or the error of the flush. Then the entries stay as they are and prove
 * both values. */
static int apply_activate(Apply *a) {
        bool changed = a->portproxy_changed;
        ApplyActivation activation = a->activation;
        int r;

        /* What was deleted for an adoption comes back in the next run, under our name. iphlpsvc
         * sees both at once, so it goes on listening meanwhile. */
        if (activation == APPLY_CHANGES && a->outcome.n_adopted > 0)
                activation = APPLY_LATER;
        a->outcome.postponed = changed && activation <= APPLY_OVERDUE;
        if ((activation == APPLY_ACTIVATE && (changed || !a->outcome.activated)) ||
            (changed && activation == APPLY_CHANGES))
                apply_tell(a);
        r = apply_flush_values(a); /* also when others had deleted the values before us */
        apply_note_error(a, r);
        return r;
}

/* True when iphlpsvc seems to run and still uses values that are gone. If it does not run, it reads
 * the values when it starts. */
static bool apply_is_ignored(const Apply *a) {
        int r = a->outcome.activation;

        return r < 0 && r != -ENOENT && r != -ESRCH && r != -EPERM;
}

/* The value has gone, and its guest holds the endpoint without one. */
static int apply_hold(Apply *a, LedgerEntry *e) {
        LedgerEntry held = ledger_entry_held(e);
        int r = a->host->ledger_put(a->host->userdata, &held);

        if (r == 0)
                *e = held;
        return r;
}

/* Phase 6. It is not flushed: a power cut loses only the end of a change, and the entry from phase
 * 1 still proves the value. A removal ends when iphlpsvc knows of it: until then the entry makes
 * the next helper activate. (One that makes room is followed by a write, which leaves one, too.) */
static void apply_commit(Apply *a) {
        bool remind = a->outcome.postponed, any_void = false;

        for (size_t i = 0; i < a->plan->n_changes; i++) {
                const ReconcileChange *c = &a->plan->changes[i];
                bool tells = c->action == RECONCILE_REMOVE &&
                             ledger_entry_forwarders(&c->entry) & RULE_FORWARDER_PORTPROXY;
                bool stays = tells && c->guest == SIZE_MAX && apply_is_ignored(a);
                LedgerEntry *e;
                int r;

                a->outcome.kept |= stays;
                if (a->status[i] == APPLY_OK && c->foreign && c->action != RECONCILE_FORGET) {
                        r = a->host->adoption_remove(a->host->userdata, c->foreign->family,
                                                     c->foreign->name);
                        apply_note_error(a, r);
                }
                if (a->status[i] == APPLY_FAILED || c->action == RECONCILE_ADOPT || stays ||
                    (c->action == RECONCILE_RECORD && a->status[i] == APPLY_OK))
                        continue;
                if (remind && tells) {
                        remind = false;
                        continue;
                }
                e = ledger_find(a->ledger, &c->entry.listen);
                if (a->status[i] == APPLY_OK && c->holds) {
                        r = apply_hold(a, e);
                } else if (a->status[i] == APPLY_FOREIGN || c->action == RECONCILE_REMOVE ||
                           c->action == RECONCILE_FORGET) {
                        r = a->host->ledger_remove(a->host->userdata, &c->entry.listen);
                        if (r == 0) {
                                ledger_entry_void(e);
                                any_void = true;
                        }
                } else {
                        e->current = e->next;
                        r = a->host->ledger_put(a->host->userdata, e);
                }
                apply_note_error(a, r);
        }
        if (any_void)
                ledger_compact(a->ledger);
}

int apply(const RuleHost *host, RuleView *view, Ledger *ledger, ReconcilePlan *plan,
          ApplyActivation activation, ApplyOutcome *ret_outcome) {
        Apply a = {host, view, ledger, plan, .activation = activation};
        int r = ledger_reserve(ledger, plan->n_changes);

        if (r < 0)
                return r;
        a.status = calloc(plan->n_changes + 1, sizeof(*a.status));
        a.entries = malloc((plan->n_changes + 1) * sizeof(*a.entries));
        r = a.status && a.entries ? 0 : -ENOMEM;
        if (r == 0) {
                apply_trust_values(&a);
                apply_intents(&a);
                apply_values(&a);
                if (apply_activate(&a) == 0)
                        apply_commit(&a);
                *ret_outcome = a.outcome;
        }
        free(a.status);
        free(a.entries);
        return r;
}
