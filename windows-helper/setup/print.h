/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * 'setup --print': what to type for a guest that wsl.exe does not reach.
 */

/* Print it. Return: EXIT_SUCCESS. */
int print_hyperv(void);
