/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Marker lines, in which a script of ours answers from a distro: "wslbridge-setup: KEY=VALUE". All
 * other lines are of others; they are shown and never understood. Pure.
 */

#include "common/buffer.h"

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

/* Whether a list has arrived from its first line to its last. Of a long answer only the end is kept
 * (vm/wsl-run.c), so that without the first one others are missing, too. */
bool setup_answer_is_whole(const char *text);

/* Call @fn with the value of each marker line with a key, in their order. */
void setup_answer_each(const char *text, const char *key,
                       void (*fn)(void *userdata, const char *value), void *userdata);

/* Append the bytes that the marker lines with @key have as octal numbers, as od(1) writes them.
 * Return: 0, -EINVAL when something else is there, or -ENOMEM. */
int setup_answer_octal(const char *text, const char *key, Buffer *out);

/* Append lines of octal escapes, from which printf(1) of any shell makes the bytes again. Out of
 * memory sets @out->oom. */
void setup_octal(const uint8_t *data, size_t n, Buffer *out);
