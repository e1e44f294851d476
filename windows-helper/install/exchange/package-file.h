/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Takes a program out of a package of Windows Installer, which gives only one of them to its custom
 * action.
 */

#include "windows-helper/win/win.h"

/**
 * package_file_copy() - write a program from a package to a file, and to the disk
 * @package: the package's file, which Windows Installer may have open (fact 9.6.8)
 * @stream: its name in the table Binary
 * @to: a file; one that is there is replaced
 *
 * Return: 0 or negative errno (logged).
 */
int package_file_copy(const wchar_t *package, const wchar_t *stream, const wchar_t *to);

/* Delete what a package_file_copy() that was killed has left beside @to. */
void package_file_sweep(const wchar_t *to);
