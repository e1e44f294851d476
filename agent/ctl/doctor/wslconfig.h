/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: the two settings of a .wslconfig that keep an idle WSL running. Pure.
 */

#include "agent/ctl/doctor/guest-evidence.h"

#define WSLCONFIG_SIZE_MAX (64 * 1024)

/* @text: the whole file, NUL-terminated. Return: IDLE_STAYS when both timeouts are negative, else
 * IDLE_STOPS, which is WSL's default (fact 7.1.2). */
IdleStop wslconfig_idle(const char *text);
