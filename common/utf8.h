/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * UTF-8, read strictly: text from a peer or a file may be malformed, and it may try to control the
 * terminal or to forge lines of a log.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * utf8_decode() - read one character
 * @p: @n bytes, which may be 0
 * @ret_point: its code point, unless the return value is 0
 *
 * Return: the length of the character in bytes; 0 when it is malformed, overlong, a surrogate, or
 * past U+10FFFF.
 */
size_t utf8_decode(const uint8_t *p, size_t n, uint32_t *ret_point);

/* The one rule for text from outside, in messages and at every output: false for characters that
 * control a terminal, break a line, change the direction of text, or have no appearance of their
 * own, so that two texts could look the same. */
bool utf8_may_be_shown(uint32_t point);

/* As utf8_decode(), but a character that may not be shown is 0, too. */
size_t utf8_decode_printable(const uint8_t *p, size_t n, uint32_t *ret_point);

/* Make @text fit to be shown, in place: each character that may not be shown, and each byte of
 * malformed UTF-8, becomes '?'. */
void utf8_clean(char *text);
