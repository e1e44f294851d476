/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: settings of WSL that the doctor looks for, in the .wslconfig of Windows
 * and in /etc/wsl.conf. Pure.
 */

#include "agent/ctl/doctor/guest-evidence.h"

#define WSLCONFIG_SIZE_MAX (64 * 1024)

/* @text: the whole file, NUL-terminated. Return: IDLE_STAYS when the time-out of distros is
 * negative, else IDLE_STOPS, which is WSL's default (fact 7.1.2). */
IdleStop wslconfig_idle(const char *text);

/* @text: what 'wslinfo --wsl-version' has printed. Return: whether that WSL is older than those of
 * which we know that they have instanceIdleTimeout (fact 7.1.2); false also when it is no version.
 */
bool wslconfig_is_before_idle(const char *text);

/* @text: as for wslconfig_idle(). Return: whether it turns the firewall of WSL off, or asks for
 * networking mode mirrored. Both read it as WSL does (facts 7.2.1, 7.2.3). */
bool wslconfig_firewall_off(const char *text);
bool wslconfig_mirrored(const char *text);

/* @text: all of /etc/wsl.conf, NUL-terminated. Reads it as WSL does (facts 7.1.4, 7.2.1).
 * @ret_line: the line at which WSL stops reading, beginning with 1; 0 when it reads all */
WslSystemd wslconf_systemd(const char *text, unsigned *ret_line);
