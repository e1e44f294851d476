/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What Windows is to delete and to rename at its next restart, as the registry has it: strings with
 * a NUL behind each, always two together. The first is the file; the second is its new name, or is
 * empty when the file is to be deleted. A NUL ends the list (fact 9.2.6).
 */

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

/* A file whose name ends like this is never used again, so its deletion may stay in the list. */
#define PENDING_OLD L".old"

/**
 * pending_forget() - take out what would touch a folder of ours
 * @list: @n characters, changed in place; need not end with a NUL, and has room for one more
 * @folder: a path such as C:\Program Files\wslbridge
 *
 * That is every pair in which a path is @folder or below it, but for the deletion of a file whose
 * name ends with PENDING_OLD.
 *
 * Return: the number of characters that are left, with the final NUL; 0 when the list is empty.
 */
size_t pending_forget(wchar_t *list, size_t n, const wchar_t *folder);

/**
 * pending_find() - look for the pair that replaces or deletes a file
 * @list: as above
 * @ret_from: room for @size characters; what is renamed to @path, or "" when it is only deleted
 *
 * Return: whether there is such a pair.
 */
bool pending_find(const wchar_t *list, size_t n, const wchar_t *path, wchar_t *ret_from,
                  size_t size);

/**
 * pending_add() - add a pair at the end: rename @from to @to, also over another file
 * @list: @n characters as pending_forget() returns them, with room for @size
 * @to: NULL: delete @from
 *
 * Return: the number of characters then, or 0 when there is no room.
 */
size_t pending_add(wchar_t *list, size_t n, size_t size, const wchar_t *from, const wchar_t *to);
