/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Only one process installs or removes at a time.
 */

#include "windows-helper/win/win.h"

/**
 * lock_take() - become the one that installs or removes
 *
 * Return: 0 with *ret_lock, which is closed to let others; -EBUSY when another process is at it; or
 * another negative errno (all logged). A process that is killed lets others, too.
 */
int lock_take(HANDLE *ret_lock);
