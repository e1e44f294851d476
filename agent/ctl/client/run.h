/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: runs a program and waits for it.
 */

#include <stddef.h>

#define CTL_RUN_LIMIT_MSEC 5000

/**
 * ctl_run() - run a program that is found in $PATH, without input
 * @argv: NULL-terminated
 * @ret_output: its standard output, cut to @size - 1 bytes and NUL-terminated
 *
 * Its standard error is discarded. It is killed after CTL_RUN_LIMIT_MSEC, and left behind if it
 * does not end then.
 *
 * Return: its exit status, -ETIME when it was killed, or another negative errno when it could not
 * be run or has crashed.
 */
int ctl_run(const char *const argv[], char *ret_output, size_t size);
