/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Watches a registry key below HKEY_LOCAL_MACHINE, and all that is below it. Changes of this
 * process are reported too, because the kernel does not say who made them. If the key does not
 * exist, its nearest ancestor is watched until it does, so watching never creates a key.
 */

#include "windows-helper/win/loop.h"

#include <stdbool.h>

typedef struct RegWatch RegWatch;

/**
 * regwatch_new() - start to watch
 * @path: borrowed; below HKEY_LOCAL_MACHINE
 * @fn: called from regwatch_tick(). Changes close together are reported once. The watch is armed
 *      again before the call, so a change after @fn has read the key is reported again
 *
 * Return: 0 or negative errno (logged).
 */
int regwatch_new(RegWatch **ret_watch, Loop *loop, const wchar_t *path, void (*fn)(void *userdata),
                 void *userdata);

/* Takes NULL, returns NULL. The loop may still hold a packet of it, so it must not turn again. */
RegWatch *regwatch_free(RegWatch *w);

/* Report a change when its time has come; to be called at the deadline, which is LOOP_NO_DEADLINE
 * as long as nothing has changed. Both take NULL, a watch that could not be had. */
void regwatch_tick(RegWatch *w, uint64_t now_usec);
uint64_t regwatch_deadline(const RegWatch *w);
