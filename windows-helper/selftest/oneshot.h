/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The passes of services: each has a service that is made for it, with the settings of one of ours
 * that decide what it may do, and is removed afterwards. It writes what it has seen to a file in
 * our data folder.
 */

#include "windows-helper/selftest/pass.h"

/**
 * oneshot_run() - make the service, run it, take its lines, and remove it
 * @options: .pass: SELFTEST_SERVICE or SELFTEST_RELAY
 * @fn: called with the lines
 *
 * What does not work becomes a line.
 */
void oneshot_run(const StepOptions *options, SelftestLines *lines, PassFn fn, Buffer *left);

/* In the process that the service manager has started: be the service of the pass. Return: 0 or
 * negative errno (logged). */
int oneshot_serve(const StepOptions *options);
