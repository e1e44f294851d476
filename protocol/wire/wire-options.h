/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The options of a service by name: for the configuration, status.json and the tables for people.
 * The table of state-fields.c has them all.
 */

#include "protocol/wire/wire-types.h"

/* The name of an option, as in a drop-in and in docs/protocol.md. A constant string. */
const char *wire_option_name(WireOption option);

/* The words of its values 0, 1 …; NULL ends them. Constant strings. */
const char *const *wire_option_words(WireOption option);

/* The word of a value, or "unknown". A constant string, never NULL. */
const char *wire_option_word(WireOption option, uint8_t value);

/* The first option with which @s cannot be sent in version 1, or _WIRE_OPTION_END. An option that
 * the host may ignore is not such a one. */
WireOption wire_option_beyond_v1(const WireService *s);
