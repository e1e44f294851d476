/* SPDX-License-Identifier: MIT */
#pragma once

/* Small text files that programs of ours write for each other, or for their next start. */

#include <stddef.h>

/**
 * small_file_read() - read a text of at most @max bytes
 * @ret_text: owned by the caller
 *
 * Return: 0; -ENOENT; -EFBIG when it is longer; -EILSEQ when it has a NUL; or another negative
 * errno.
 */
int small_file_read(const char *path, size_t max, char **ret_text);

/* Replace the file atomically; all users may read it, whatever the umask is. It is not flushed to
 * disk: most of them lie below /run. Return: 0 or negative errno. */
int small_file_replace(const char *path, const char *text);
