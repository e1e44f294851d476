/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which of the unverified facts of docs/windows-facts.md hold on this machine, as the self-test or
 * the helper itself has seen: for each one the value with its number, "holds" or "does not hold".
 */

#include "windows-helper/store/paths.h"
#include "windows-helper/win/registry.h"

#include <stdbool.h>

#define FACT_STORE_PATH PATHS_KEY_SETTINGS L"\\Facts"

/* Remember what was seen of fact @id. A value that is as it should be is not written again. Errors
 * do not matter here. */
void fact_store_note(const char *id, bool holds);

/* The same for what the helper sees by the way: that a fact holds is remembered only if it did not
 * before. */
void fact_store_seen(const char *id, bool holds);

/* Call @fn for each fact that does not hold. Return: 0, the value with which @fn ended it, or
 * negative errno (logged). */
int fact_store_each_failed(int (*fn)(void *userdata, const char *id), void *userdata);
