/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: the settings of a firewall in this guest. Pure.
 */

#include <stdbool.h>

/* @text: all of /etc/ufw/ufw.conf, NUL-terminated. Return: whether ufw is turned on. */
bool firewall_ufw_is_on(const char *text);
