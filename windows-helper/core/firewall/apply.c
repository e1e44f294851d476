/* SPDX-License-Identifier: MIT */

/*
 * Brings Windows Firewall to the wanted rules, slice by slice. See apply.h in this folder.
 */

#include "windows-helper/core/firewall/apply.h"
#include "windows-helper/core/base/error-text.h"

#include "windows-helper/core/base/result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void firewall_apply_init(FirewallApply *f, const FirewallStore *store) {
        *f = (FirewallApply){
                .store = *store, .due_usec = FIREWALL_IDLE, .refresh_usec = FIREWALL_IDLE};
}

void firewall_apply_done(FirewallApply *f) {
        firewall_rules_done(&f->present);
        firewall_rules_done(&f->wanted);
}

static int firewall_copy(FirewallRules *to, const FirewallRules *from) {
        for (size_t i = 0; i < from->n; i++) {
                int r = firewall_rules_add(to, &from->items[i]);

                if (r < 0)
                        return r;
        }
        return 0;
}

int firewall_apply_want(FirewallApply *f, const FirewallRules *wanted) {
        FirewallRules copy = FIREWALL_RULES_NULL;
        int r = firewall_copy(&copy, wanted);

        if (r < 0) {
                firewall_rules_done(&copy);
                return r;
        }
        for (size_t i = 0; i < copy.n; i++) { /* until the next pass */
                const FirewallRule *old =
                        firewall_rules_find(&f->wanted, f->wanted.n, &copy.items[i].listen);

                copy.items[i].blamed = old ? old->blamed : 0;
                if (old && firewall_rule_same(&copy.items[i], old))
                        copy.items[i].refused = old->refused; /* until all rules are listed */
        }
        firewall_rules_done(&f->wanted);
        f->wanted = copy;
        f->due_usec = 0;
        return 0;
}

void firewall_apply_refresh(FirewallApply *f) {
        f->known = false;
        f->due_usec = 0;
}

void firewall_apply_hint(FirewallApply *f, uint64_t now_usec) {
        uint64_t soon = now_usec + FIREWALL_RETRY_USEC;

        if (!f->known) /* the next pass lists them, or nobody has said yet what is wanted */
                return;
        if (f->refresh_usec > soon)
                f->refresh_usec = soon;
        if (f->due_usec > soon)
                f->due_usec = soon;
}

/* The change was made. Make the same one in .present, whose first @n_sorted rules are in order. */
static int firewall_follow(FirewallApply *f, size_t n_sorted, const FirewallChange *c,
                           size_t *n_removed) {
        FirewallRule *p = firewall_rules_find(&f->present, n_sorted, &c->rule->listen);

        if (!p) /* it is new */
                return firewall_rules_add(&f->present, c->rule);
        if (c->action == FIREWALL_REMOVE) { /* only marked: changes point into it */
                p->profiles = 0;
                (*n_removed)++;
                return 0;
        }
        return firewall_rule_copy(p, c->rule);
}

/* Windows refused the change. Leave that rule alone until all rules are listed again. Otherwise a
 * firewall that needs a whole slice to refuse would never get to the other rules. */
static void firewall_leave(FirewallApply *f, size_t n_sorted, const FirewallChange *c, int error) {
        FirewallRule *p = c->action == FIREWALL_REMOVE
                                  ? firewall_rules_find(&f->present, n_sorted, &c->rule->listen)
                                  : firewall_rules_find(&f->wanted, f->wanted.n, &c->rule->listen);

        p->refused = error;
}

static int firewall_list(FirewallApply *f, uint64_t now_usec) {
        int r;

        firewall_rules_done(&f->present);
        for (size_t i = 0; i < f->wanted.n; i++)
                f->wanted.items[i].refused = 0;
        r = f->store.list(f->store.userdata, &f->present);
        if (r < 0)
                return r;
        firewall_rules_sort(&f->present);
        f->known = true;
        f->refresh_usec = now_usec + FIREWALL_REFRESH_USEC;
        return 0;
}

static void firewall_drop_removed(FirewallRules *r) {
        size_t n = 0;

        for (size_t i = 0; i < r->n; i++)
                if (r->items[i].profiles != 0)
                        r->items[n++] = r->items[i];
                else
                        free(r->items[i].remote);
        r->n = n;
}

/* Return: 1 when there is more to do, 0, or negative errno. */
static int firewall_slice(FirewallApply *f, uint64_t now_usec) {
        uint64_t end = f->store.now(f->store.userdata) + FIREWALL_SLICE_USEC;
        FirewallChange *changes = NULL;
        size_t n = 0, i = 0, n_removed = 0, n_sorted;
        int r = f->known ? 0 : firewall_list(f, now_usec);

        n_sorted = f->present.n;
        if (r == 0)
                r = firewall_diff(&f->present, &f->wanted, &changes, &n);
        /* Additions make .present longer, which moves the rules that removals point to. So removals
         * come first. At least one change is made: listing alone may take longer than a slice. */
        for (; r == 0 && i < n && (i == 0 || f->store.now(f->store.userdata) < end); i++) {
                FirewallChange c = changes[i];
                int error = f->store.change(f->store.userdata, &c);

                if (error == 0)
                        r = firewall_follow(f, n_sorted, &c, &n_removed);
                else if (error == -ESRCH)
                        r = error;
                else
                        firewall_leave(f, n_sorted, &c, error);
        }
        free(changes);
        if (n_removed > 0)
                firewall_drop_removed(&f->present);
        firewall_rules_sort(&f->present);
        if (r < 0)
                f->known = false; /* list what is there before the next try */
        return r < 0 ? r : i < n;
}

/* A pass over all rules has ended. Return: whether other rules are refused than before it. */
static bool firewall_blame(FirewallApply *f) {
        bool changed = false;

        for (size_t i = 0; i < f->wanted.n; i++) {
                FirewallRule *w = &f->wanted.items[i];

                changed |= w->blamed != w->refused;
                w->blamed = w->refused;
        }
        return changed;
}

void firewall_refusal_text(const FirewallRule *rule, int error, char ret_text[WIRE_TEXT_MAX + 1]) {
        char name[FIREWALL_NAME_MAX] = "";

        if (rule)
                firewall_rule_name(&rule->listen, name);
        result_text(ret_text,
                    "Windows Firewall does not accept %s%s%s (%s); make sure that the services "
                    "MpsSvc and BFE are running. It is tried again automatically",
                    rule ? "the rule '" : "our rules", name, rule ? "'" : "", error_text(error));
}

static const FirewallRule *firewall_first_refused(const FirewallRules *r) {
        for (size_t i = 0; i < r->n; i++)
                if (r->items[i].refused)
                        return &r->items[i];
        return NULL;
}

/* @error: how the last pass has ended. Return: whether it was by rules that are refused. */
static bool firewall_describe(const FirewallApply *f, int error, char ret_text[WIRE_TEXT_MAX + 1]) {
        const FirewallRule *wanted = firewall_first_refused(&f->wanted);
        const FirewallRule *present = firewall_first_refused(&f->present);
        char name[FIREWALL_NAME_MAX];

        ret_text[0] = '\0';
        if (error < 0) {
                firewall_refusal_text(NULL, error, ret_text);
        } else if (wanted) {
                firewall_refusal_text(wanted, wanted->refused, ret_text);
        } else if (present) {
                firewall_rule_name(&present->listen, name);
                result_text(ret_text,
                            "Windows Firewall does not remove the rule '%s' (%s), so its port "
                            "stays open; it is tried again automatically",
                            name, error_text(present->refused));
        }
        return error == 0 && (wanted || present);
}

bool firewall_apply_tick(FirewallApply *f, uint64_t now_usec) {
        char problem[WIRE_TEXT_MAX + 1];
        bool changed, was_single = f->single;
        int r;

        if (now_usec < f->due_usec)
                return false;
        if (now_usec >= f->refresh_usec)
                f->known = false;
        r = firewall_slice(f, now_usec);
        if (r > 0) /* the rest is still due */
                return false;
        f->store.rest(f->store.userdata);
        f->single = firewall_describe(f, r, problem);
        if (f->single && f->refresh_usec > now_usec + FIREWALL_RETRY_USEC)
                f->refresh_usec = now_usec + FIREWALL_RETRY_USEC;
        if (r < 0)
                f->due_usec = now_usec + FIREWALL_RETRY_USEC;
        else
                f->due_usec = f->single || f->present.n > 0 ? f->refresh_usec : FIREWALL_IDLE;
        changed = firewall_blame(f);
        changed = changed || f->single != was_single || strcmp(problem, f->problem) != 0;
        memcpy(f->problem, problem, sizeof(problem));
        return changed;
}
