/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * UTF-8, read strictly: text from a peer or a file may be malformed, and it may try to control the
 * terminal or to forge lines of a log.
 */

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

/* The same; control characters (C0, DEL, C1) are 0, too. */
size_t utf8_decode_printable(const uint8_t *p, size_t n, uint32_t *ret_point);
