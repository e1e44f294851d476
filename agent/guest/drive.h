/* SPDX-License-Identifier: MIT */
#pragma once

/* Where WSL has mounted drive C: of Windows. */

#include <stddef.h>

/* The folder, with @root before it: that of the list of mounts, because automount.root in
 * /etc/wsl.conf may put the drives elsewhere, also below "/"; or else the usual one. */
void drive_find(const char *root, char *ret_path, size_t size);
