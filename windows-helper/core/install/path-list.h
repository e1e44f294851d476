/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The list of folders in which Windows looks for programs, as text: entries with a ';' between
 * them. An entry may be in quotes, and a ';' in quotes separates nothing. Entries that are empty,
 * or name variables such as %SystemRoot%, are kept as they are (fact 9.4.1).
 */

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

/* Characters with the NUL: no variable of the environment may be longer (fact 9.4.2). */
#define PATH_LIST_MAX 32767

/* Return whether an entry is @folder. The case of letters, quotes and a backslash at its end do not
 * matter. */
bool path_list_has(const wchar_t *list, const wchar_t *folder);

/**
 * path_list_add() - put @folder at the end, if no entry is that folder
 * @list: has room for @size characters
 *
 * Return: whether the list has it then; false means that there is no room, and nothing has changed.
 */
bool path_list_add(wchar_t *list, size_t size, const wchar_t *folder);

/* Take out every entry that is @folder, each with one ';'. This undoes path_list_add() to the
 * letter. Return: how many there were. */
size_t path_list_remove(wchar_t *list, const wchar_t *folder);
