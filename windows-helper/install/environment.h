/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The PATH of the machine, so that a terminal finds the program by its name.
 *
 * The program also works without that. So a PATH that cannot take another entry is said and left
 * alone.
 */

#include <stdbool.h>
#include <wchar.h>

/**
 * environment_path_add() - put @folder at the end of PATH, if it is not there
 * @ret_added: whether it was not
 *
 * Return: 0 or negative errno (logged).
 */
int environment_path_add(const wchar_t *folder, bool *ret_added);

/* Take @folder out of PATH. Return: 0, also when it is not there; or negative errno (logged). */
int environment_path_remove(const wchar_t *folder);
