/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: looks at something that may never answer, in a process apart. A system
 * call on a drive of Windows has no limit, and a process that waits in one cannot be ended (fact
 * 7.1.8).
 */

#include <stddef.h>

#define APART_LIMIT_MSEC 2000

/* Fills @answer, which is all zero. It must leave nothing else that counts. */
typedef void (*ApartFn)(const void *question, void *answer);

/**
 * apart_run() - call a function in a child process
 * @question: borrowed; anything
 * @ret_answer: @size bytes without pointers; all zero after an error
 *
 * A child that has not answered after APART_LIMIT_MSEC is killed and left behind. It has none of
 * our input and output, so nobody waits for its end.
 *
 * Return: 0, -ETIME when there was no answer, or another negative errno.
 */
int apart_run(ApartFn fn, const void *question, void *ret_answer, size_t size);
