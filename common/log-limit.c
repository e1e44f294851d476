/* SPDX-License-Identifier: MIT */

/*
 * A bucket of lines, which fills up again with time.
 */

#include "common/log-limit.h"

bool log_limit_take(LogLimit *l, unsigned burst, uint64_t now_usec, unsigned *ret_left_out) {
        uint64_t back = (now_usec - l->since_usec) / LOG_LIMIT_REFILL_USEC;

        if (back >= l->n) {
                l->n = 0;
                l->since_usec = now_usec;
        } else {
                l->n -= (unsigned) back;
                l->since_usec += back * LOG_LIMIT_REFILL_USEC;
        }
        if (l->n >= burst) {
                l->left_out++;
                return false;
        }
        l->n++;
        *ret_left_out = l->left_out;
        l->left_out = 0;
        return true;
}

uint64_t log_limit_deadline(const LogLimit *l) {
        return l->left_out > 0 ? l->since_usec + LOG_LIMIT_REFILL_USEC : UINT64_MAX;
}

unsigned log_limit_flush(LogLimit *l, uint64_t now_usec) {
        unsigned left_out = l->left_out;

        if (now_usec < log_limit_deadline(l))
                return 0;
        l->since_usec += LOG_LIMIT_REFILL_USEC; /* .n stays, because this line takes the place */
        l->left_out = 0;
        return left_out;
}
