/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where the record of installations by Windows Installer is. It has a key of its own, because the
 * key of our settings tells whether there were any before an installation.
 */

#include "windows-helper/core/install/package.h"

/* Values that are missing or not understood count as not there. */
void package_store_read(PackageRecord *ret_record);

/* Return: 0 or negative errno (logged). */
int package_store_write(const PackageRecord *record);

/* Return: whether Windows lists the package @code among the installed programs. */
bool package_store_is_installed(const wchar_t *code);
