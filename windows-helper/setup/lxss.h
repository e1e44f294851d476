/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The user's distros, as WSL has them in the registry (fact 2.1.7). wsl.exe's own list is text in
 * the user's language and is not read.
 */

#include "windows-helper/core/setup/distros.h"

/* Return: 0, also when there is none; or negative errno (logged). */
int lxss_read(SetupDistros *ret);
