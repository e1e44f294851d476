/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Marker lines, in which a script of ours answers from a distro: "wslbridge-setup: KEY=VALUE". All
 * other lines are of others; they are shown and never understood. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

#define SETUP_MARKER    "wslbridge-setup: "
#define SETUP_VALUE_MAX 256 /* bytes with the NUL; a longer value counts as none */

/**
 * setup_answer() - the value of the last marker line with a key
 * @text: what came, decoded; the last line counts only with its line feed
 *
 * Return: whether there is one. *ret_value is "" if not.
 */
bool setup_answer(const char *text, const char *key, char ret_value[SETUP_VALUE_MAX]);

/* Whether the last marker line with @key has exactly @value. */
bool setup_answer_is(const char *text, const char *key, const char *value);
