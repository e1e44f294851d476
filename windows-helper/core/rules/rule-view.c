/* SPDX-License-Identifier: MIT */

/*
 * Keeps the table of values up to date: complete readings in portions, and our own changes.
 *
 * Changes of ours during a reading shift the values that it has yet to read, so it may miss some
 * that were there all the time. That is why a value that was known and not found is looked for by
 * its name at the end. Changes of others during a reading are notified, and it is repeated.
 */

#include "windows-helper/core/rules/rule-view.h"

#include <errno.h>

#define RULE_VIEW_DATA_MAX 256 /* longer than any value of ours */

static void rule_view_stop_reading(RuleView *v) {
        v->is_reading = false;
        v->cursor = (RuleCursor){0};
        rule_table_done(&v->reading);
        rule_table_done(&v->overlay);
}

void rule_view_done(RuleView *v) {
        rule_view_stop_reading(v);
        rule_table_done(&v->present);
        rule_table_done(&v->noted);
        *v = RULE_VIEW_NULL;
}

void rule_view_changed(RuleView *v) {
        v->stale = true;
}

void rule_view_distrust(RuleView *v) {
        v->known = false;
        v->stale = true;
        rule_view_stop_reading(v); /* it began before the change with the unknown outcome */
}

bool rule_view_is_due(const RuleView *v) {
        return v->stale || v->is_reading;
}

/* Add the values that were known, that the reading did not find, and that are there. */
static int rule_view_confirm(RuleView *v, const RuleHost *host) {
        RuleTable missing = RULE_TABLE_NULL;
        char data[RULE_VIEW_DATA_MAX];
        int r = rule_table_missing(&v->reading, &v->present, &missing);

        for (size_t i = 0; r == 0 && i < missing.n_values; i++) {
                const RuleValue *m = &missing.values[i];

                r = host->rule_get(host->userdata, m->family, m->name, data, sizeof(data));
                if (r == 0)
                        r = rule_table_add(&v->reading, m->family, m->name, data[0] ? data : NULL);
                else if (r == -ENOENT)
                        r = 0;
        }
        rule_table_done(&missing);
        rule_table_sort(&v->reading);
        return r;
}

static int rule_view_complete(RuleView *v, const RuleHost *host, bool *ret_changed) {
        int r = 0;

        rule_table_sort(&v->reading);
        if (v->overlay.n_values > 0)
                r = rule_view_confirm(v, host);
        if (r == 0)
                r = rule_table_merge(&v->reading, &v->overlay, /* keep_gone= */ false);
        if (r < 0)
                return r;
        *ret_changed = !rule_table_equal(&v->present, &v->reading);
        rule_table_done(&v->present);
        v->present = v->reading;
        v->reading = RULE_TABLE_NULL;
        v->known = true;
        rule_view_stop_reading(v);
        return 0;
}

int rule_view_read(RuleView *v, const RuleHost *host, size_t n, bool *ret_changed) {
        int r;

        *ret_changed = false;
        if (!rule_view_is_due(v))
                return 0;
        if (!v->is_reading) {
                v->is_reading = true;
                v->stale = false;
        }
        r = host->rules_read(host->userdata, &v->cursor, n, &v->reading);
        if (r == 0)
                r = rule_view_complete(v, host, ret_changed);
        if (r < 0) {
                rule_view_stop_reading(v);
                v->known = v->stale = false;
                return r;
        }
        return 0;
}

void rule_view_note(RuleView *v, RuleFamily family, const char *name, const char *data) {
        if (rule_table_add(&v->noted, family, name, data) < 0)
                rule_view_distrust(v);
        else
                v->noted.values[v->noted.n_values - 1].gone = !data;
}

static int rule_view_copy(const RuleTable *from, RuleTable *to) {
        for (size_t i = 0; i < from->n_values; i++) {
                const RuleValue *v = &from->values[i];

                if (rule_table_add(to, v->family, v->name, v->data) < 0)
                        return -ENOMEM;
                to->values[to->n_values - 1].gone = v->gone;
        }
        return 0;
}

void rule_view_update(RuleView *v) {
        RuleTable copy = RULE_TABLE_NULL;
        int r = 0;

        rule_table_sort(&v->noted);
        if (v->is_reading) {
                r = rule_view_copy(&v->noted, &copy);
                if (r == 0)
                        r = rule_table_merge(&v->overlay, &copy, /* keep_gone= */ true);
                rule_table_done(&copy);
        }
        if (r == 0 && v->noted.n_values > 0)
                r = rule_table_merge(&v->present, &v->noted, /* keep_gone= */ false);
        rule_table_done(&v->noted);
        if (r < 0)
                rule_view_distrust(v);
}
