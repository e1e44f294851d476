/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A frame in words, every field of it. Encoding a decoded frame again cannot show that two fields
 * were mixed up on both ways; this can.
 */

#include <stddef.h>
#include <stdint.h>

/* Write one line about a whole frame, header included. Return: 0, or -1 when it is malformed or
 * does not fit. */
int describe(const uint8_t *frame, size_t n, char *ret_text, size_t size);
