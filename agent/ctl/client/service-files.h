/* SPDX-License-Identifier: MIT */
#pragma once

/* Internal to wslbridgectl: files below /etc/wslbridge, changed in one step or not at all. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/**
 * ctl_file_write() - put a whole file in its place
 * @path: absolute; folders that are missing are made (0755)
 * @mode: of the file, whatever the umask
 *
 * The bytes and the name are on the disk when it returns. Return: 0 or negative errno.
 */
int ctl_file_write(const char *path, const char *data, size_t n, mode_t mode);

/* The same with a link to /dev/null, which turns off what has this name in the later folders. */
int ctl_file_mask(const char *path);

int ctl_file_remove(const char *path);

typedef enum CtlFileKind {
        CTL_FILE_ABSENT,
        CTL_FILE_MASK, /* empty, or a link to /dev/null */
        CTL_FILE_OURS, /* as 'expose' wrote it */
        CTL_FILE_OTHER,
} CtlFileKind;

/* Return: CtlFileKind, or negative errno. */
int ctl_file_kind(const char *path);

/* The path of service @name below prefix number @prefix, or NULL when out of memory. */
char *ctl_service_path(const char *root, unsigned prefix, const char *name);

/* The first prefix after /etc in which there is a file of that name that means something, else 0.
 */
unsigned ctl_service_below(const char *root, const char *name);
