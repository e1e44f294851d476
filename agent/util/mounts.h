/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Whether something was mounted on a folder. inotify does not tell; the list of mounts does, and
 * poll(2) of it reports EPOLLPRI after each change.
 */

#include <stdint.h>

#define MOUNTS_LIST "/proc/self/mountinfo"

/**
 * mounts_hash() - a number for all mounts that concern some folders
 * @root, @middles, @end: the folders are @root + each of the NULL-terminated @middles + @end
 *
 * It changes when something is mounted on one of the folders, on something in it or on a folder
 * above it, and when such a mount ends. Without /proc it is always the same.
 */
uint64_t mounts_hash(const char *root, const char *const *middles, const char *end);
