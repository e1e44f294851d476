/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How many columns a UTF-8 text takes on a terminal, on both systems alike.
 */

#include <stddef.h>
#include <stdint.h>

/* Columns of one character that is not a control character: 0, 1 or 2. */
unsigned text_point_width(uint32_t point);

/* Columns of @s. The _n variant looks at the first @n bytes, which end between two characters. */
size_t text_width(const char *s);
size_t text_width_n(const char *s, size_t n);

/* Bytes of the longest start of @s that takes at most @width columns; no character is cut. */
size_t text_fit(const char *s, size_t width);
size_t text_fit_n(const char *s, size_t n, size_t width);
