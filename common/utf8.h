/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * UTF-8, read strictly: what a peer or a file says may be malformed, and may try to control the
 * terminal or forge lines of a log.
 */

#include <stddef.h>
#include <stdint.h>

/**
 * utf8_decode() - read one character
 * @p: at least one byte
 * @n: bytes at @p
 * @ret_point: its code point, unless the return value is 0
 *
 * Return: the character's length in bytes. 0 when it is malformed, overlong, a surrogate, past
 * U+10FFFF, or a control character (C0, DEL, C1).
 */
size_t utf8_decode(const uint8_t *p, size_t n, uint32_t *ret_point);
