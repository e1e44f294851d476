/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a doctor found, in the guest and on the host alike: the ranks, the order, the text for
 * people and the JSON for programs (docs/doctor.md).
 */

#include "common/buffer.h"

/* Worst first. */
typedef enum FindingRank {
        FINDING_BROKEN,  /* nothing can work */
        FINDING_PROBLEM, /* something that was asked for does not work */
        FINDING_HINT,    /* may be as it should be */
        FINDING_UNSEEN,  /* could not be looked at */
        FINDING_GOOD,    /* looked at, and in order */
        _FINDING_RANK_END,
} FindingRank;

typedef struct Finding {
        FindingRank rank;
        const char *id; /* one of the list of ids; borrowed from it */
        size_t order;   /* its place in that list */
        Buffer subject; /* what it is about, such as a service; empty: the whole machine */
        Buffer seen;    /* what was seen: a sentence, which may have lines after it */
        Buffer advice;  /* what to do: sentences, and lines to be copied; empty: nothing */
} Finding;

typedef struct Findings {
        const char *const *ids; /* all there can be, causes before effects; NULL-terminated,
                                   borrowed */
        Finding *items;         /* owned */
        size_t n, size;
        Finding scratch; /* filled instead when there is no memory */
        bool oom;        /* not all are there */
} Findings;

#define FINDINGS_NULL(ids_) ((Findings){.ids = (ids_)})

void findings_done(Findings *f);

/**
 * findings_add() - begin a finding
 * @id: from the list
 * @subject: copied; NULL = the whole machine
 *
 * Return: the new finding, never NULL; the caller fills .seen and .advice before it adds another.
 */
Finding *findings_add(Findings *f, FindingRank rank, const char *id, const char *subject);

/* When all are added: sort them, worst rank first and causes before effects, make their texts
 * harmless on a terminal, and collect .oom. */
void findings_finish(Findings *f);

/* Whether there is anything worse than a hint. */
bool findings_are_bad(const Findings *f);

const char *finding_rank_name(FindingRank rank); /* "broken", … */

/**
 * finding_why_text() - why a forwarder carries a service, in the words that both doctors use
 * @why: as it stands in a status.json ("protocol")
 *
 * Return: what goes behind "relay, ", with the key of a drop-in; @why itself when it is another
 * word, as that of a newer helper.
 */
const char *finding_why_text(const char *why);

/**
 * findings_text() - append the findings for people
 * @width: columns of the window, 0 = nothing is broken
 * @colours: what begins the colour of each rank and, last, what ends it; NULL = no colours
 *
 * Out of memory sets @out's .oom.
 */
void findings_text(const Findings *f, size_t width, const char *const *colours, Buffer *out);

/* Append the findings for programs; docs/doctor.md has the schema. @program: its name. Out of
 * memory sets @out's .oom. */
void findings_json(const Findings *f, const char *program, Buffer *out);
