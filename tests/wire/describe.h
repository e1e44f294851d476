/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Describes every field of a frame in words. Encoding a decoded frame again does not show that two
 * fields are swapped in both directions; a description does.
 */

#include <stddef.h>
#include <stdint.h>

/* Write one line about a whole frame, header included. @version: as in recode(). Return: 0, or -1
 * when the frame is malformed or the line does not fit. */
int describe(const uint8_t *frame, size_t n, uint8_t version, char *ret_text, size_t size);
