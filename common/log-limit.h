/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * LogLimit: how many log lines somebody else may cause. One object for each who can cause them, so
 * that nobody silences another. Pure: the caller brings the time, from any monotonic clock.
 */

#include <stdbool.h>
#include <stdint.h>

/* After a burst, one more line is allowed each time this many microseconds have passed. */
#define LOG_LIMIT_REFILL_USEC UINT64_C(6000000)

typedef struct LogLimit {
        uint64_t since_usec; /* the time up to which .n is right */
        unsigned n;          /* lines that the burst has left to get back */
        unsigned left_out;   /* since the last line that was written */
} LogLimit;

#define LOG_LIMIT_NULL ((LogLimit){0})

/**
 * log_limit_take() - ask whether a line may be written
 * @burst: lines that may be written at once
 * @ret_left_out: set if it may: how many lines were left out before this one; the count starts anew
 *
 * Return: true if it may; otherwise it counts as left out.
 */
bool log_limit_take(LogLimit *l, unsigned burst, uint64_t now_usec, unsigned *ret_left_out);

/* When there is room for a line that only tells how many were left out, if no other line takes it
 * first. UINT64_MAX: none was left out. */
uint64_t log_limit_deadline(const LogLimit *l);

/**
 * log_limit_flush() - ask for that line
 *
 * Return: how many lines it has to tell of; the count starts anew. 0 before the deadline.
 */
unsigned log_limit_flush(LogLimit *l, uint64_t now_usec);
