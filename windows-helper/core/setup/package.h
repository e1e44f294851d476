/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The guest's package as a file on Windows: its name, its line in SHA256SUMS, and as text that can
 * be part of a script. Pure.
 */

#include "common/buffer.h"

#include <stdbool.h>

#define PACKAGE_VERSION_MAX 64
#define PACKAGE_SUM_MAX     65 /* 64 hexadecimal digits and the NUL */

/* Take the version out of "wslbridge_VERSION_ARCH.deb". Return: false when @name is no such name
 * for @arch, or when its version has characters that versions do not have. */
bool package_version(const char *name, const char *arch, char ret_version[PACKAGE_VERSION_MAX]);

/* Find the sum of @name in the text of SHA256SUMS, as sha256sum writes it. Return: whether it has
 * one. */
bool package_sum(const char *sums, const char *name, char ret_sum[PACKAGE_SUM_MAX]);

/* Append @n bytes as base64, in lines. Out of memory sets @out's .oom. */
void package_base64(const uint8_t *bytes, size_t n, Buffer *out);
