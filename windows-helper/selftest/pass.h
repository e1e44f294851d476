/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One pass of the self-test: all steps, one after the other.
 */

#include "common/buffer.h"
#include "windows-helper/selftest/tools/step.h"

/* Called after each step, with the lines from @from on. */
typedef void (*PassFn)(const SelftestLines *lines, size_t from);

/**
 * pass_run() - run the steps and append what they say
 * @fn: may be NULL
 * @left: appended with what could not be taken back
 *
 * What a step has changed is taken back at its end, also when it hangs.
 *
 * Return: false when it was stopped.
 */
bool pass_run(const StepOptions *options, SelftestLines *lines, PassFn fn, Buffer *left);

/* How long a pass may take at most, in milliseconds; 0: it has no steps. */
uint32_t pass_limit(const StepOptions *options);
