/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What 'doctor' found: for each thing looked at what was seen and what to do, worst first.
 */

#include "common/buffer.h"
#include "windows-helper/core/base/result.h"

typedef enum FindingRank {                  /* worst first */
                           FINDING_BROKEN,  /* no port can work */
                           FINDING_PROBLEM, /* something that was asked for does not work */
                           FINDING_HINT,    /* may be as it should be */
                           FINDING_UNSEEN,  /* could not be looked at */
                           FINDING_GOOD,
                           _FINDING_RANK_END,
} FindingRank;

typedef struct Finding {
        FindingRank rank;
        const char *id; /* of the check, for programs; static */
        char seen[WIRE_TEXT_MAX + 1];
        char advice[WIRE_TEXT_MAX + 1]; /* "": there is nothing to do */
} Finding;

typedef struct Findings {
        Finding *items; /* owned */
        size_t n, size;
        int error; /* -ENOMEM: not all are there */
} Findings;

#define FINDINGS_NULL ((Findings){0})

void findings_done(Findings *f);

/* @advice: NULL for nothing. What cannot be kept for want of memory sets .error. */
RESULT_PRINTF(5, 6)
void findings_add(Findings *f, FindingRank rank, const char *id, const char *advice,
                  const char *seen, ...);

/* Worst first; of the same rank in the order in which they were added. */
void findings_sort(Findings *f);

/* Is there anything worse than a hint? */
bool findings_are_bad(const Findings *f);

const char *finding_rank_name(FindingRank rank); /* "broken", … */

/* For people, fit to @width columns (0: not at all); and as JSON: {"schema": 1, "findings": [{rank,
 * id, seen, advice}]}. Return: 0 or -ENOMEM. */
int findings_text(const Findings *f, Buffer *out, size_t width);
int findings_json(const Findings *f, Buffer *out);
