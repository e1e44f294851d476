/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The names that a report must not show: of this machine, its users and their distros.
 */

#include "windows-helper/core/selftest/mask.h"

void names_collect(Mask *mask);
