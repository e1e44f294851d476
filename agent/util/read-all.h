/* SPDX-License-Identifier: MIT */
#pragma once

/* Reading from a descriptor: a read may be interrupted, or give less than there is. */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Read up to @n bytes, and fewer only at the end of the file. Return: how many, or negative errno.
 */
ssize_t read_all(int fd, void *data, size_t n);

/* Read what a process writes, until it closes its end or has an error. What is more than @n bytes
 * is left out. @end: of now_usec(). Return: how many bytes are in @data, or -ETIME at @end. */
ssize_t read_until(int fd, void *data, size_t n, uint64_t end);
