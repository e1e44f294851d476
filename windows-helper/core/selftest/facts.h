/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The facts of docs/windows-facts.md that nobody could verify, and what the self-test concludes
 * about each from what it has seen. Pure.
 */

#include "windows-helper/core/selftest/lines.h"

typedef enum FactVerdict { FACT_NOT_SEEN, FACT_HOLDS, FACT_FAILS, _FACT_VERDICT_END } FactVerdict;

typedef struct UnverifiedFact {
        const char *id;        /* its number in the document */
        const char *statement; /* one sentence */
        const char *instead;   /* what the helper does where it does not hold; one sentence */
} UnverifiedFact;

extern const UnverifiedFact unverified_facts[];
extern const size_t n_unverified_facts;

/* The fact with number @id, or NULL. */
const UnverifiedFact *unverified_fact(const char *id);

/* Conclude from @lines. One observation that contradicts the fact counts more than any number that
 * agree. @ret_why: the line that decided, or NULL. */
FactVerdict fact_judge(const UnverifiedFact *fact, const SelftestLines *lines,
                       const SelftestLine **ret_why);

const char *fact_verdict_name(FactVerdict verdict); /* "holds", "does not hold", "not seen" */
int fact_verdict_parse(const char *name, FactVerdict *ret_verdict); /* 0 or -EINVAL */
