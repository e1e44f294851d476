/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to agent/config: the two values that hold addresses, 'listen' and 'remote'. Pure.
 */

#include "agent/config/values.h"

/**
 * config_parse_listen() - read "PORT", "ADDRESS:PORT" or "[ADDRESS]:PORT"; the port may be a range
 * @ret_listen: its connect_port is the port itself
 *
 * Return: true, or false when a problem was added.
 */
bool config_parse_listen(const ConfigValue *value, WireListen *ret_listen);

/* Read one "ADDRESS" or "ADDRESS/BITS" in @text. Return: true, or false when a problem was added.
 */
bool config_parse_prefix(const ConfigValue *value, const char *text, WirePrefix *ret_prefix);
