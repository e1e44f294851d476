/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * 'wslbridge-agent --check', and the part of 'wslbridgectl check' that is the same.
 */

#include "agent/config/config.h"

/**
 * config_check() - show all problems of the configuration below @root
 *
 * Problems go to standard error, one per line, as "file:line: key: message". When there are none, a
 * summary goes to standard output.
 *
 * Return: the exit status of the program, 0 when there is no problem, otherwise 1.
 */
int config_check(const char *root);

void config_check_problems(const Config *config); /* to standard error */
void config_check_summary(const Config *config);
