/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The PortProxy values as the helper knows them. Reading all of them takes long when there are
 * thousands, so this happens only after somebody may have changed one, and in portions between
 * other work. Meanwhile decisions are made on the values as they were. That is safe, because
 * apply() reads each value again before it changes it.
 *
 * Our own changes are noted here. They wake the registry's notification like those of others, and
 * the reading that follows finds nothing new.
 */

#include "windows-helper/core/rules/rule-host.h"

#define RULE_VIEW_PORTION 256 /* values read at once: a few milliseconds */

typedef struct RuleView {
        RuleTable present; /* sorted */
        bool known;        /* .present was read, and no change of ours has an unknown outcome */
        bool stale;        /* somebody may have changed a value: read again */
        RuleTable noted;   /* our changes that .present does not contain yet */
        /* the reading under way */
        bool is_reading;
        RuleCursor cursor;
        RuleTable reading;
        RuleTable overlay; /* sorted; our changes since it began */
} RuleView;

#define RULE_VIEW_NULL ((RuleView){0})

void rule_view_done(RuleView *v);

/* Somebody may have changed a value. */
void rule_view_changed(RuleView *v);

/* A change of ours had an unknown outcome, or met a value that nobody expected. Nothing may be
 * decided before everything is read again. */
void rule_view_distrust(RuleView *v);

/* True when a portion is to be read. */
bool rule_view_is_due(const RuleView *v);

/**
 * rule_view_read() - read a portion, if one is due
 * @n: how many values
 * @ret_changed: the reading is complete, and its values are not those of .present before
 *
 * Return: 0, or negative errno. Then nothing is known, and nothing is due until
 * rule_view_changed().
 */
int rule_view_read(RuleView *v, const RuleHost *host, size_t n, bool *ret_changed);

/* We have written @data, or deleted the value (NULL). .present stays as it is until
 * rule_view_update(), because a plan may point into it. */
void rule_view_note(RuleView *v, RuleFamily family, const char *name, const char *data);
void rule_view_update(RuleView *v);
