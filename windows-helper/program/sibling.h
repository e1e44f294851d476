/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Starting another of our programs.
 */

#include "windows-helper/core/install/programs.h"
#include "windows-helper/store/paths.h"

/**
 * sibling_run() - run a program of ours, and wait for its end
 * @exe: its whole path; it is never searched for
 * @arguments: the end of its command line
 * @ret_code: its exit code
 *
 * It has our standard streams and our console. Ctrl-C is for it alone: this process waits.
 *
 * Return: 0; -ENOENT when there is no such file (not logged); or another negative errno (logged).
 */
int sibling_run(const wchar_t *exe, const wchar_t *arguments, DWORD *ret_code);

/* Run the self-test that lies beside this program. Return: 0; or negative errno (logged). */
int sibling_selftest(const wchar_t *arguments, DWORD *ret_code);

/* If a self-test was killed, have the installed one (or the one beside this program) take back what
 * is left of it. */
void sibling_selftest_clean(void);
