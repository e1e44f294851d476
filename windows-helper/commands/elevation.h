/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/* May this process administer Windows? If not, tell the user in one sentence what to do. */
bool elevation_check(const char *command);
