/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Whether the process's token makes it an administrator.
 */

#include <stdbool.h>

/* Return: whether this process has administrator rights now, not only after User Account Control
 * has asked. */
bool rights_administrator(void);
