/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Tells when somebody changed a registry key below HKEY_LOCAL_MACHINE, or what is below it.
 * "Somebody" includes ourselves: the kernel cannot say who it was. A key that does not exist is
 * waited for at its nearest ancestor, so nothing is created for the sake of watching.
 */

#include "windows-helper/win/loop.h"

#include <stdbool.h>

typedef struct RegWatch RegWatch;

/**
 * regwatch_new() - start to watch
 * @path: borrowed; below HKEY_LOCAL_MACHINE
 * @fn: called from regwatch_tick(). Changes that come close together are told once; the watch is
 *      armed again before, so what is changed after the callee's reading is told again
 *
 * Return: 0 or negative errno (logged).
 */
int regwatch_new(RegWatch **ret_watch, Loop *loop, const wchar_t *path, void (*fn)(void *userdata),
                 void *userdata);

/* Takes NULL, returns NULL. The loop may hold a packet of ours: it must not turn afterwards. */
RegWatch *regwatch_free(RegWatch *w);

void regwatch_tick(RegWatch *w, uint64_t now_usec);
uint64_t regwatch_deadline(const RegWatch *w);
