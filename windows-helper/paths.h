/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where our files are.
 */

#include "windows-helper/win.h"

#define PATHS_MAX 512 /* characters */

/* "C:\ProgramData\wslbridge", or @name in it. Return: 0 or negative errno (logged). */
int paths_data(const wchar_t *name, wchar_t ret_path[PATHS_MAX]);

/* "C:\Program Files\wslbridge", or @name in it. */
int paths_program(const wchar_t *name, wchar_t ret_path[PATHS_MAX]);

/* A file of Windows' own: "C:\Windows\System32\@name". */
int paths_system(const wchar_t *name, wchar_t ret_path[PATHS_MAX]);
