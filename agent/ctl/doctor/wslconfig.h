/* SPDX-License-Identifier: MIT */
#pragma once

/* Internal to wslbridgectl: the two settings of a .wslconfig that keep an idle WSL running. Pure.
 */

#include "agent/ctl/doctor/guest-checks.h"

#define WSLCONFIG_SIZE_MAX (64 * 1024)

/* @text: the whole file, with its NUL. Return: IDLE_STAYS when both timeouts are negative, else
 * IDLE_STOPS: that is what WSL does without a word. */
IdleStop wslconfig_idle(const char *text);
