/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Whether the process's token makes it an administrator.
 */

#include <stdbool.h>

/* Return: whether this process has administrator rights now, not only after User Account Control
 * has asked. */
bool rights_administrator(void);

/* The same for a command that needs them. If they are missing, an error that names @command tells
 * the user what to do. */
bool rights_demand(const char *command);
