/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The .wslconfig in the user's profile (fact 7.2.2): reading it, and replacing its content. Its
 * rights, attributes and time of creation stay, and a link to it stays a link.
 */

#include "windows-helper/store/paths.h"

#include "common/buffer.h"

#include <stdbool.h>

#define WSLCONFIG_NAME L".wslconfig"
#define WSLCONFIG_COPY L".wslconfig.before-wslbridge" /* made once, never replaced */

#define WSLCONFIG_WHY_MAX 2048 /* bytes with the NUL; two paths fit */

typedef struct WslconfigFile {
        wchar_t path[PATHS_MAX];   /* in the profile */
        wchar_t target[PATHS_MAX]; /* the file itself: another path when there is a link */
        bool exists;
        Buffer bytes;                /* owned */
        char why[WSLCONFIG_WHY_MAX]; /* a sentence about the last error, and what to do */
} WslconfigFile;

/**
 * wslconfig_file_read() - find the file, and read it
 *
 * A file that could not be replaced afterwards is refused at once: one that is read-only, that has
 * several names, or that is a folder.
 *
 * Return: 0, also when there is no file; or negative errno, and f->why.
 */
int wslconfig_file_read(WslconfigFile *ret_file);

/**
 * wslconfig_file_write() - replace the content, through a temporary file
 * @copy: first copy the old file to WSLCONFIG_COPY; a copy that is there stays
 * @ret_copied: whether this has made the copy
 *
 * Return: 0; or negative errno, f->why, and the file is as it was: -EAGAIN when somebody has
 * changed it since it was read.
 */
int wslconfig_file_write(WslconfigFile *f, const Buffer *content, bool copy, bool *ret_copied);
void wslconfig_file_done(WslconfigFile *f);
