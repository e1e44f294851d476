/* SPDX-License-Identifier: MIT */
#pragma once

/* 'wslbridge-agent --check' and 'wslbridgectl check', which are one. */

/**
 * config_check() - tell all problems of the configuration below @root
 *
 * Problems go to standard error, one a line, as "file:line: key: message"; without any, a summary
 * goes to standard output.
 *
 * Return: exit status of the program, 0 for no problem, else 1.
 */
int config_check(const char *root);
