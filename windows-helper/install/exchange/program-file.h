/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What can be done with the file of a program, also while it is held open. What needs the file is
 * tried for a while, because a virus scanner may have it open for a moment.
 *
 * The helper is its own message file, so the Event Viewer may have it open. Such a file, and that
 * of a program that runs, can be neither written nor deleted, but renamed (fact 9.2.7).
 */

#include "windows-helper/store/paths.h"

#include <stdbool.h>

bool program_exists(const wchar_t *path);

/* Whether two paths lead to one file, however they are written. */
bool program_same_file(const wchar_t *a, const wchar_t *b);

/* A name beside @path that no file has had: the time in 100 ns, and PENDING_OLD. Return: 0 or
 * -ENAMETOOLONG. */
int program_old_name(const wchar_t *path, wchar_t ret_name[PATHS_MAX]);

/* Whether it could be renamed. Return: 0 or negative errno (logged). */
int program_is_free(const wchar_t *path);

/* @flags: of MoveFileExW(). Return: 0 or negative errno (logged). */
int program_rename(const wchar_t *from, const wchar_t *to, DWORD flags);

/* Copy, and wait until the copy is on the disk. Return: 0 or negative errno (logged). */
int program_copy_file(const wchar_t *from, const wchar_t *to);

/* Delete a file that is certainly not in use. Return: 0, also when there is none; or negative errno
 * (logged). */
int program_drop(const wchar_t *path);

/* Delete a file of ours: now or, when it is in use, at the next restart under a name that is never
 * used again. Return: 0, also when there is none; or negative errno (logged). */
int program_delete_file(const wchar_t *path);

/* Delete a folder when it is empty, now or at the next restart. */
void program_delete_folder(const wchar_t *path);

/* Delete each file beside @path whose name is that of @path and ends with PENDING_OLD, now or at
 * the next restart. */
void program_sweep_old(const wchar_t *path);
