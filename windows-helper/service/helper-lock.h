/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * At most one helper runs. Two would each treat the other's changes as foreign.
 */

#include "windows-helper/win/win.h"

/* Take the lock, which the process holds until @ret_lock is closed. Return: 0; -EBUSY when another
 * helper runs; or another negative errno (logged). */
int helper_lock_take(HANDLE *ret_lock);
