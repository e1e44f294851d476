/* SPDX-License-Identifier: MIT */

/*
 * Keeps the table of values up to date: complete readings in portions, and our own changes.
 *
 * Changes of ours during a reading shift the values that it has yet to read, so it may miss some
 * that were there all the time. That is why a value that was known and not found is looked for by
 * its name at the end. After changes of others during a reading it is repeated.
 */

#include "windows-helper/core/rules/rule-view.h"

#include <errno.h>
#include <stdlib.h>

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
        v->hinted = true;
}

void rule_view_distrust(RuleView *v) {
        v->known = false;
        v->stale = true;
        rule_view_stop_reading(v); /* it began before the change with the unknown outcome */
}

uint64_t rule_view_deadline(const RuleView *v) {
        if (v->hinted || v->stale || v->is_reading)
                return 0;
        return v->again_usec ? v->again_usec : UINT64_MAX;
}

static bool rule_stamp_equal(const RuleStamp *a, const RuleStamp *b) {
        for (int i = 0; i < _RULE_FAMILY_END; i++)
                if (a->written[i] != b->written[i] || a->n_values[i] != b->n_values[i])
                        return false;
        return true;
}

/* When to read once more because of something that happens now. */
static uint64_t rule_view_later(const RuleView *v, uint64_t now_usec) {
        uint64_t pause = v->took_usec * RULE_VIEW_SHARE;

        return now_usec + (pause > RULE_VIEW_AGAIN_USEC ? pause : RULE_VIEW_AGAIN_USEC);
}

/* The stamp is now another one. */
static void rule_view_moved(RuleView *v, const RuleStamp *stamp, uint64_t now_usec) {
        v->stamp = *stamp;
        v->moved = true;
        if (v->again_usec == 0)
                v->again_usec = rule_view_later(v, now_usec);
}

/* Nothing is known any more, and nothing is due. */
static int rule_view_fail(RuleView *v, int error) {
        rule_view_stop_reading(v);
        v->known = v->stale = v->hinted = false;
        v->again_usec = 0;
        return error;
}

int rule_view_check(RuleView *v, const RuleHost *host) {
        RuleStamp stamp;
        int r;

        if (!v->known) {
                v->stale |= !v->is_reading;
                return 0;
        }
        r = host->rules_stamp(host->userdata, &stamp);
        if (r < 0)
                return rule_view_fail(v, r);
        if (!rule_stamp_equal(&stamp, &v->stamp))
                rule_view_distrust(v);
        return 0;
}

/* A notification that is not due to a change of ours, and still the stamp is the known one: perhaps
 * the key's time is too coarse. Read, at leisure. */
static int rule_view_follow_hint(RuleView *v, const RuleHost *host) {
        v->hinted = false;
        v->stale |= !v->echo;
        v->echo = false;
        return rule_view_check(v, host);
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

/* All portions are read, and the stamp is the one that the reading began with, apart from changes
 * of ours. */
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
        v->tries = 0;
        rule_view_stop_reading(v);
        return 0;
}

/* Others have changed values during the reading, so it may have missed some. After
 * RULE_VIEW_TRIES of them, take what was read, and read it once more later. */
static int rule_view_finish(RuleView *v, const RuleHost *host, uint64_t now_usec,
                            bool *ret_changed) {
        RuleStamp stamp;
        int r = host->rules_stamp(host->userdata, &stamp);

        if (r < 0)
                return r;
        if (!rule_stamp_equal(&stamp, &v->stamp)) {
                rule_view_moved(v, &stamp, now_usec);
                if (++v->tries < RULE_VIEW_TRIES) {
                        rule_view_distrust(v);
                        return 0;
                }
        }
        v->took_usec = now_usec - v->began_usec;
        return rule_view_complete(v, host, ret_changed);
}

static int rule_view_begin_reading(RuleView *v, const RuleHost *host, uint64_t now_usec) {
        RuleStamp stamp;
        int r = host->rules_stamp(host->userdata, &stamp);

        if (r < 0)
                return r;
        v->is_reading = true;
        v->began_usec = now_usec;
        v->stale = false;
        v->again_usec = v->moved ? rule_view_later(v, now_usec) : 0;
        v->moved = false;
        if (!v->known || !rule_stamp_equal(&stamp, &v->stamp)) {
                v->known = false;
                rule_view_moved(v, &stamp, now_usec);
        }
        return 0;
}

int rule_view_read(RuleView *v, const RuleHost *host, size_t n, uint64_t now_usec,
                   bool *ret_changed) {
        int r = 0;

        *ret_changed = false;
        if (v->hinted)
                r = rule_view_follow_hint(v, host);
        if (r < 0)
                return r;
        if (v->again_usec > 0 && v->again_usec <= now_usec)
                v->stale = true;
        if (!v->stale && !v->is_reading)
                return 0;
        if (!v->is_reading)
                r = rule_view_begin_reading(v, host, now_usec);
        if (r == 0)
                r = host->rules_read(host->userdata, &v->cursor, n, &v->reading);
        if (r == 0)
                r = rule_view_finish(v, host, now_usec, ret_changed);
        return r < 0 ? rule_view_fail(v, r) : 0;
}

/* A failure, or another stamp than before the decision: the notes go on, but do not count. */
void rule_view_begin(RuleView *v, const RuleHost *host) {
        RuleStamp stamp;

        if (v->known &&
            (host->rules_stamp(host->userdata, &stamp) < 0 || !rule_stamp_equal(&stamp, &v->stamp)))
                rule_view_distrust(v);
}

void rule_view_note(RuleView *v, RuleFamily family, const char *name, const char *data, int more) {
        v->stamp.n_values[family] += (uint32_t) more;
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

/* The number of values must be what it should be now, and of the keys that we have not changed the
 * time, too. */
static bool rule_view_expects(const RuleView *v, const RuleStamp *stamp) {
        bool ours[_RULE_FAMILY_END] = {false};

        for (size_t i = 0; i < v->noted.n_values; i++)
                ours[v->noted.values[i].family] = true;
        for (int i = 0; i < _RULE_FAMILY_END; i++)
                if (stamp->n_values[i] != v->stamp.n_values[i] ||
                    (!ours[i] && stamp->written[i] != v->stamp.written[i]))
                        return false;
        return true;
}

void rule_view_end(RuleView *v, const RuleHost *host) {
        RuleStamp stamp;

        if (v->noted.n_values == 0)
                return;
        v->echo = true;
        if (!v->known)
                return;
        if (host->rules_stamp(host->userdata, &stamp) < 0 || !rule_view_expects(v, &stamp)) {
                rule_view_distrust(v);
                return;
        }
        v->stamp = stamp;
        v->moved = true;
}

/* What thousands of values have left is not kept until the next complete reading. */
static void rule_view_fit(RuleTable *t) {
        RuleValue *values;

        if (t->n_values == 0) {
                rule_table_done(t);
        } else if (t->n_values < t->size / 2) {
                values = realloc(t->values, t->n_values * sizeof(*values));
                if (!values) /* it stays as it was */
                        return;
                t->values = values;
                t->size = t->n_values;
        }
}

void rule_view_update(RuleView *v, uint64_t now_usec) {
        RuleTable copy = RULE_TABLE_NULL;
        int r = 0;

        if (v->noted.n_values == 0)
                return;
        if (v->again_usec == 0)
                v->again_usec = rule_view_later(v, now_usec);
        rule_table_sort(&v->noted);
        if (v->is_reading) {
                r = rule_view_copy(&v->noted, &copy);
                if (r == 0)
                        r = rule_table_merge(&v->overlay, &copy, /* keep_gone= */ true);
                rule_table_done(&copy);
        }
        if (r == 0)
                r = rule_table_merge(&v->present, &v->noted, /* keep_gone= */ false);
        rule_view_fit(&v->present);
        rule_table_done(&v->noted);
        if (r < 0)
                rule_view_distrust(v);
}
