/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The other end of status-file.h: for the commands that show it.
 */

#include <stdbool.h>
#include <stddef.h>

/* The whole text of status.json, to be freed. Return: 0; -ENOENT when there is none: nobody serves;
 * or negative errno (not logged). */
int status_load(char **ret_text, size_t *ret_n);

/* Does the process run that wrote it? If not, it ended without removing the file. */
bool status_is_alive(const char *text, size_t n);
