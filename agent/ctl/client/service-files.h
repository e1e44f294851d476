/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: files below /etc/wslbridge, which change in one step or not at all.
 */

#include "agent/util/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * ctl_services_lock() - let no other wslbridgectl change service files at the same time
 *
 * To be held from looking at the files to changing them. Return: a descriptor that has the lock
 * until it is closed, -ETIME when somebody else had it for CTL_LOCK_LIMIT_USEC, or another negative
 * errno.
 */
int ctl_services_lock(const char *root);
int ctl_pairing_lock(const char *root); /* the same for the key */
/* Says why not. @error: positive. @what: was to be changed. Return: CTL_EXIT_FAILURE. */
int ctl_lock_error(int error, const char *what);
#define CTL_LOCK_LIMIT_USEC (30 * USEC_PER_SEC)

/**
 * ctl_file_write() - replace a whole file
 * @path: absolute; missing folders are made (0755)
 * @mode: of the file; the umask does not change it
 *
 * When it returns, the bytes and the name are on the disk. Return: 0 or negative errno.
 */
int ctl_file_write(const char *path, const char *data, size_t n, mode_t mode);

/* Put the file @from in the place of @to, in the same folder. Return: 0 or negative errno. */
int ctl_file_move(const char *from, const char *to);

/* As ctl_file_write() for a service file: one that exists keeps its owner and mode, and a link
 * stays a link to the file that is written, unless it is a mask, and gets a new time, which the
 * agent notices. @ret_placed_usec: from when on others saw the file (CLOCK_MONOTONIC); may be NULL.
 * Return: 0, CTL_FILE_E_LINK or negative errno. */
int ctl_service_write(const char *path, const char *data, size_t n, uint64_t *ret_placed_usec);

enum {
        _CTL_FILE_E_SUCCESS,
        CTL_FILE_E_LINK, /* somebody else could turn the link, so nothing was written */
        CTL_FILE_E_ODD,  /* it could not be put back: too long, or a folder, a socket or a pipe */
};

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

typedef struct CtlFileBackup { /* what a service file was */
        int kind;              /* CtlFileKind */
        char *data;            /* owned; NULL unless it had bytes */
        size_t n;
        char *link; /* owned; where a link leads at which there is no file */
} CtlFileBackup;

/* Return: 0, CTL_FILE_E_ODD or negative errno. */
int ctl_file_backup(const char *path, CtlFileBackup *ret_backup);
void ctl_file_backup_done(CtlFileBackup *backup);
int ctl_file_restore(const char *path, const CtlFileBackup *backup); /* as ctl_service_write() */

/* The path of service @name below prefix number @prefix, owned by the caller. NULL when out of
 * memory. */
char *ctl_service_path(const char *root, unsigned prefix, const char *name);

/* The number of the first prefix after /etc that has a file of that name which is not a mask; 0
 * when there is none. A file that cannot be read: negative errno. */
int ctl_service_below(const char *root, const char *name);
