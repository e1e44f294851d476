/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where symbolic links lead, step by step, also when the kernel may not go there.
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/**
 * link_leads_to() - the place that the link @file leads to
 * @file: absolute
 * @target: what readlink(2) says; relative to the folder of @file, unless it is absolute
 * @ret_path: absolute, without "." and ".."; they are taken away as they stand, so other links on
 * the way are not followed
 * @size: 2 or more
 *
 * Return: false when it does not fit.
 */
bool link_leads_to(const char *file, const char *target, char *ret_path, size_t size);

typedef struct LinkPlace {
        char at[PATH_MAX];    /* for openat(2) and the like */
        char shown[PATH_MAX]; /* as the user knows it, below whatever root: absolute */
} LinkPlace;

/* Go where the link at @place leads. @dir_fd: for a relative .at. Return: false when it is no link
 * or does not fit. */
bool link_follow(int dir_fd, LinkPlace *place);
