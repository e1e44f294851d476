/* SPDX-License-Identifier: MIT */
#pragma once

/* Reading from a descriptor: a read may be interrupted, or give less than there is. */

#include <stddef.h>
#include <sys/types.h>

/* Read up to @n bytes, and fewer only at the end of the file. Return: how many, or negative errno.
 */
ssize_t read_all(int fd, void *data, size_t n);
