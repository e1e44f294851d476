/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Whether the machine has slept, by three signs, because none comes after each kind of sleep: two
 * clocks have moved apart, a turn of the loop has ended far too late, or Windows says so. Services
 * get no event of Modern Standby (fact 9.1.2), and both clocks may run on in it (fact 9.3.9).
 */

#include "windows-helper/core/base/sleep-clock.h"
#include "windows-helper/win/loop.h"

typedef struct SleepWatch {
        SleepClock clock;
        uint64_t due_usec;  /* the loop is to turn again by then; 0 at first */
        bool resumed;       /* Windows says that the machine has slept */
        bool told;          /* a sleep was told of … */
        uint64_t told_usec; /* … at this time */
        LoopOp op;
} SleepWatch;

/* Ask Windows to say so. One object of a process may do this. It stays where it is until
 * sleep_watch_end(). */
void sleep_watch_start(SleepWatch *w, Loop *loop);
void sleep_watch_end(void);

/* Before each turn of the loop. Return: @deadline_usec. */
uint64_t sleep_watch_until(SleepWatch *w, uint64_t deadline_usec);

/* After each turn: whether the machine has slept since the last call (logged). */
bool sleep_watch_slept(SleepWatch *w, uint64_t now_usec);
