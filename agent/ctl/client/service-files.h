/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: files below /etc/wslbridge, which change in one step or not at all.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/**
 * ctl_file_write() - replace a whole file
 * @path: absolute; missing folders are made (0755)
 * @mode: of the file; the umask does not change it
 *
 * When it returns, the bytes and the name are on the disk. Return: 0 or negative errno.
 */
int ctl_file_write(const char *path, const char *data, size_t n, mode_t mode);

/* Replace the file by a link to /dev/null, which turns off the files of this name in later folders.
 */
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

/* The path of service @name below prefix number @prefix, owned by the caller. NULL when out of
 * memory. */
char *ctl_service_path(const char *root, unsigned prefix, const char *name);

/* The number of the first prefix after /etc that has a file of that name which is not a mask; 0
 * when there is none. */
unsigned ctl_service_below(const char *root, const char *name);
