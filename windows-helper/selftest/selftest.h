/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The self-test: looks at this Windows as an administrator and as a service, and leaves nothing
 * behind (docs/selftest.md).
 */

#include "windows-helper/core/selftest/report.h"
#include "windows-helper/selftest/pass.h"

/**
 * selftest_run() - run both passes
 * @fn: called after each step
 * @ret_report: filled in also when it was stopped; the caller releases it
 *
 * Return: 0; -EBUSY when another self-test runs (logged); or another negative errno (logged).
 */
int selftest_run(const StepOptions *options, PassFn fn, SelftestReport *ret_report);

/**
 * selftest_clean() - take back what a self-test that was killed has left
 * @ret_n: how many changes were taken back
 * @left: appended with a line for each that is there yet
 *
 * Return: 0, also if something is left; or negative errno, as above.
 */
int selftest_clean(unsigned *ret_n, Buffer *left);
