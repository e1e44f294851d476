/* SPDX-License-Identifier: MIT */

/*
 * The distance of two clocks.
 */

#include "windows-helper/core/base/sleep-clock.h"

uint64_t sleep_clock_advance(SleepClock *c, uint64_t biased_usec, uint64_t unbiased_usec) {
        /* The clocks tick at different moments, so the one that counts more may be behind at first.
         */
        uint64_t ahead = (biased_usec > unbiased_usec ? biased_usec - unbiased_usec : 0) + 1;
        uint64_t slept = 0;

        if (c->ahead_usec == 0) {
                c->ahead_usec = ahead;
        } else if (ahead >= c->ahead_usec + SLEEP_CLOCK_MIN_USEC) {
                slept = ahead - c->ahead_usec;
                c->ahead_usec = ahead;
        }
        return slept;
}

uint64_t sleep_clock_late(uint64_t due_usec, uint64_t now_usec, uint64_t limit_usec) {
        return now_usec > due_usec && now_usec - due_usec >= limit_usec ? now_usec - due_usec : 0;
}
