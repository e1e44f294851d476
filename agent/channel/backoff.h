/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Backoff: how long to wait before the next try. Pure: the caller brings the random number and
 * keeps the time.
 */

#include "agent/util/cleanup.h"

#include <stdint.h>

#define BACKOFF_MIN_USEC (250 * USEC_PER_MSEC)
#define BACKOFF_MAX_USEC (30 * USEC_PER_SEC)

typedef struct Backoff {
        unsigned n_tries; /* since the last reset */
} Backoff;

#define BACKOFF_NULL ((Backoff){0})

/**
 * backoff_next() - delay before the next try, doubling from BACKOFF_MIN_USEC to BACKOFF_MAX_USEC
 * @random: any value; takes up to a quarter off the delay, so that guests which lost the same
 *          helper do not all come back in the same instant
 */
uint64_t backoff_next(Backoff *b, uint32_t random);

/* The longest delay, for a failure that lasts until somebody does something about it. It has the
 * same jitter. */
uint64_t backoff_longest(uint32_t random);

/* The next delay is the shortest again. */
static inline void backoff_reset(Backoff *b) {
        b->n_tries = 0;
}
