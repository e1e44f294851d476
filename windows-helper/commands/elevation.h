/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Commands that need administrator rights say so and stop.
 */

#include <stdbool.h>

/* Return: whether this process has administrator rights. If not, an error that names @command tells
 * the user what to do. */
bool elevation_check(const char *command);
