/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The PortProxy values as the helper knows them. Reading all of them takes long when there are
 * thousands, so this happens only after somebody else has changed one, and in portions between
 * other work.
 *
 * The keys' stamp tells: it is read before every decision, and when the registry notifies of a
 * change. If it is the one that was seen last, the known values are those that are there. If not,
 * nothing is decided before they are read again. Our own changes are noted here, and the stamp
 * after them is the known one, so they cause no reading. (If somebody else changes a value
 * meanwhile, the number of values is not the expected one, or the stamp was another one before.)
 *
 * One change escapes the stamp: another program replaces the data of a value so soon before or
 * after a change of ours that the key's time is the same (fact 4.1.10). A notification that cannot
 * be that of our change tells of it. There may be just one for both, so the values are read once
 * more RULE_VIEW_AGAIN_USEC later, at leisure: decisions do not wait for that. If the stamp has
 * changed before that reading begins, there is another one after the same time. While changes go
 * on, one part in RULE_VIEW_SHARE of the time at most is spent on such readings.
 */

#include "windows-helper/core/rules/rule-host.h"

#define RULE_VIEW_PORTION    256 /* values read at once: a few milliseconds */
#define RULE_VIEW_AGAIN_USEC UINT64_C(10000000)
#define RULE_VIEW_SHARE      50

/* A reading during which others change values is repeated, but not for ever. */
#define RULE_VIEW_TRIES 3

typedef struct RuleView {
        RuleTable present;   /* sorted */
        bool known;          /* .present was read, and no change of ours has an unknown outcome */
        bool hinted;         /* somebody may have changed a value: look at the stamp */
        bool echo;           /* we have changed one, and that is going to be notified */
        bool stale;          /* read again */
        RuleStamp stamp;     /* the one that .present and .noted belong to */
        bool moved;          /* it has become another one since the last reading began */
        uint64_t again_usec; /* read once more then; 0: no need */
        uint64_t began_usec; /* the reading under way, or the last one … */
        uint64_t took_usec;  /* … and how long the last complete one took */
        RuleTable noted;     /* our changes that .present does not contain yet */
        /* the reading under way */
        bool is_reading;
        RuleCursor cursor;
        RuleTable reading;
        RuleTable overlay; /* sorted; our changes since it began */
        unsigned tries;    /* readings in a row that were disturbed */
} RuleView;

#define RULE_VIEW_NULL ((RuleView){0})

void rule_view_done(RuleView *v);

/* Somebody may have changed a value. It may as well have been us. */
void rule_view_changed(RuleView *v);

/* A change of ours had an unknown outcome, or met a value that nobody expected. Nothing may be
 * decided before everything is read again. */
void rule_view_distrust(RuleView *v);

/* When rule_view_read() has something to do: 0 for now, or UINT64_MAX for never. */
uint64_t rule_view_deadline(const RuleView *v);

/* Look at the stamp. If it is not the known one, .known is false afterwards, and a reading is due.
 * Return: 0 or negative errno, as rule_view_read(). */
int rule_view_check(RuleView *v, const RuleHost *host);

/**
 * rule_view_read() - do what is due: look at the stamp, and read a portion
 * @n: how many values
 * @ret_changed: the reading is complete, and its values are not those of .present before
 *
 * Return: 0, or negative errno. Then nothing is known, and nothing is due until
 * rule_view_changed().
 */
int rule_view_read(RuleView *v, const RuleHost *host, size_t n, uint64_t now_usec,
                   bool *ret_changed);

/* The calls around changes of ours, which follow a rule_view_check(): before the first of them;
 * after each one (we have written @data, or deleted the value (NULL), and there are @more values
 * now: 1, 0 or -1); and at once after the last one, so that what others change from then on is seen
 * in the stamp. */
void rule_view_begin(RuleView *v, const RuleHost *host);
void rule_view_note(RuleView *v, RuleFamily family, const char *name, const char *data, int more);

void rule_view_end(RuleView *v, const RuleHost *host);

/* When no plan points into .present any more: bring it up to date. */
void rule_view_update(RuleView *v, uint64_t now_usec);
