/* SPDX-License-Identifier: MIT */
#pragma once

/* Writing a whole buffer to a descriptor. */

#include <stddef.h>

/* Write all @n bytes to @fd, going on after a short write or a signal. Return: 0 or negative errno;
 * then some of it may be written. */
int write_all(int fd, const char *data, size_t n);
