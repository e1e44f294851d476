/* SPDX-License-Identifier: MIT */
#pragma once

/* Internal to wslbridgectl: a program that is run and waited for. */

#include <stddef.h>

#define CTL_RUN_LIMIT_MSEC 5000

/**
 * ctl_run() - run a program, found by $PATH, without input
 * @argv: NULL-terminated
 * @ret_output: what it writes to standard output, cut to @size - 1 bytes and terminated
 *
 * Its errors are not shown. After CTL_RUN_LIMIT_MSEC it is killed.
 *
 * Return: its exit status; -ETIME; another negative errno when it could not be run or has crashed.
 */
int ctl_run(const char *const argv[], char *ret_output, size_t size);
