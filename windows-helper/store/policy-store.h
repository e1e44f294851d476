/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The policy in the registry. Values that Group Policy or an MDM sets (SOFTWARE\Policies\wslbridge)
 * win over those that the administrator of this machine sets (SOFTWARE\wslbridge\Policy), and these
 * win over the defaults.
 */

#include "windows-helper/core/policy/policy.h"

#define POLICY_STORE_MANAGED L"SOFTWARE\\Policies\\wslbridge"
#define POLICY_STORE_LOCAL   L"SOFTWARE\\wslbridge\\Policy"

/* Read both keys. A value that cannot be read denies everything that it governs, and is named among
 * the problems of @ret_origin. Return: 0; or negative errno (logged) when a key cannot be read at
 * all, with neither result set. */
int policy_store_read(Policy *ret_policy, PolicyOrigin *ret_origin);
