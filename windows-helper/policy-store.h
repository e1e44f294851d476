/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Policy from the registry: what Group Policy or an MDM sets (SOFTWARE\Policies\wslbridge), over
 * what this machine's administrator sets (SOFTWARE\wslbridge\Policy), over the defaults.
 */

#include "windows-helper/core/policy.h"

#define POLICY_STORE_MANAGED L"SOFTWARE\\Policies\\wslbridge"
#define POLICY_STORE_LOCAL   L"SOFTWARE\\wslbridge\\Policy"

#define POLICY_PROBLEMS_MAX 16

typedef struct PolicyProblems {
        char texts[POLICY_PROBLEMS_MAX][WIRE_TEXT_MAX + 1]; /* each names key and value */
        size_t n;
} PolicyProblems;

/* Read both keys. What can't be read is in @ret_problems and closes what it bounds. Return: 0, or
 * negative errno when a key can't be read at all (logged): then nothing is returned. */
int policy_store_read(Policy *ret_policy, PolicyProblems *ret_problems);
