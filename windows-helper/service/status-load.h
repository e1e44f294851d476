/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reads the status file that service/status-file.h writes, for the commands that show it.
 */

#include <stdbool.h>
#include <stddef.h>

/* @ret_text: the whole of status.json, to be freed by the caller. Return: 0; -ENOENT when there is
 * no file, because no helper is running; or another negative errno (not logged). */
int status_load(char **ret_text, size_t *ret_n);

/* Return: whether the process that wrote @text is running. If not, it ended without removing the
 * file. */
bool status_is_alive(const char *text, size_t n);
