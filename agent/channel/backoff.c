/* SPDX-License-Identifier: MIT */

/* Exponential delays with jitter; see backoff.h. */

#include "agent/channel/backoff.h"

static uint64_t backoff_jitter(uint64_t usec, uint32_t random) {
        return usec - usec / 4 * random / UINT32_MAX;
}

uint64_t backoff_next(Backoff *b, uint32_t random) {
        uint64_t usec = BACKOFF_MIN_USEC;

        for (unsigned i = 0; i < b->n_tries && usec < BACKOFF_MAX_USEC; i++)
                usec *= 2;
        if (usec >= BACKOFF_MAX_USEC)
                usec = BACKOFF_MAX_USEC; /* n_tries stays, so that it cannot overflow */
        else
                b->n_tries++;
        return backoff_jitter(usec, random);
}

uint64_t backoff_longest(uint32_t random) {
        return backoff_jitter(BACKOFF_MAX_USEC, random);
}
