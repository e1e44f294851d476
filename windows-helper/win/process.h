/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Whether the process that a file names is still the one that wrote it.
 */

#include "windows-helper/win/win.h"

#include <stdbool.h>

/* Whether @pid is another process of this program that has not ended. The number in a file that a
 * crash has left may be that of any program now. It needs no right to open the process (fact
 * 9.2.11). */
bool process_is_helper(DWORD pid);
