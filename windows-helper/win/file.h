/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reading a whole file.
 */

#include <stddef.h>
#include <wchar.h>

/* Read at most @max bytes. @ret: with a NUL behind them, to be freed by the caller. Return: 0;
 * -EFBIG when there are more; or another negative errno. Nothing is logged. */
int file_read(const wchar_t *path, size_t max, char **ret, size_t *ret_n);
