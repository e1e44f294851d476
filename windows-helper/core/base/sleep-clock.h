/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Tells from two clocks that the machine has slept. One of them counts the time in sleep and the
 * other does not, so their distance grows with each sleep. No event is needed: in Modern Standby
 * Windows reports none to services (facts 9.1.2, 9.3.9).
 */

#include <stdint.h>

/* A program that wakes up so much too late has slept with its machine. */
#define SLEEP_CLOCK_LATE_USEC UINT64_C(60000000)

/* Shorter sleeps are added up. It is far above the granularity of the clocks (16 ms). */
#define SLEEP_CLOCK_MIN_USEC UINT64_C(2000000)

typedef struct SleepClock {
        uint64_t ahead_usec; /* distance of the clocks when they were last compared, plus 1; 0:
                                never */
} SleepClock;

/**
 * sleep_clock_advance() - compare the clocks
 * @biased_usec: the clock that counts sleep
 * @unbiased_usec: the clock that does not; both only grow
 *
 * Return: microseconds of sleep since the last call that returned some; 0 when they are fewer than
 * SLEEP_CLOCK_MIN_USEC.
 */
uint64_t sleep_clock_advance(SleepClock *c, uint64_t biased_usec, uint64_t unbiased_usec);

/* The second way, by one clock: the program wanted to wake at @due_usec at the latest. If both
 * clocks run on in Modern Standby, only this tells (fact 9.3.9). Return: microseconds that it is
 * late; 0 when they are fewer than @limit_usec. */
uint64_t sleep_clock_late(uint64_t due_usec, uint64_t now_usec, uint64_t limit_usec);
