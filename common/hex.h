/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Bytes as hexadecimal digits, two for each: keys, identities, checksums.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Return: the value of a digit in either case; -1 when @c is none. */
int hex_digit(char c);

/* Write @n bytes as small digits with a NUL behind them. @ret_text: 2 * @n + 1 characters */
void hex_format(const uint8_t *bytes, size_t n, char *ret_text);

/* Read 2 * @n digits. Nothing behind them is looked at. Return: whether all are digits; the bytes
 * are undefined if not. */
bool hex_parse(const char *text, uint8_t *ret_bytes, size_t n);
