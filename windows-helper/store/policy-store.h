/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Policy from the registry: what Group Policy or an MDM sets (SOFTWARE\Policies\wslbridge), over
 * what this machine's administrator sets (SOFTWARE\wslbridge\Policy), over the defaults.
 */

#include "windows-helper/core/policy/policy.h"

#define POLICY_STORE_MANAGED L"SOFTWARE\\Policies\\wslbridge"
#define POLICY_STORE_LOCAL   L"SOFTWARE\\wslbridge\\Policy"

/* Read both keys. What cannot be read is among the problems of @ret_origin and closes what it
 * bounds. Return: 0, or negative errno when a key cannot be read at all (logged): then nothing is
 * returned. */
int policy_store_read(Policy *ret_policy, PolicyOrigin *ret_origin);
