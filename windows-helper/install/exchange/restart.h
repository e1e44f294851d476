/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What Windows is to do with our files at its next restart (fact 9.2.6).
 */

#include "windows-helper/store/paths.h"

#include <stdbool.h>

/* The list before and after a change. Initialize with RESTART_NULL. */
typedef struct Restart {
        wchar_t *before, *after;  /* owned */
        size_t n_before, n_after; /* characters */
} Restart;

#define RESTART_NULL ((Restart){.before = NULL})

/* At the restart, rename @from to @to, also over another file; or, if @to is NULL, delete @from.
 * Both are borrowed. */
typedef struct RestartPair {
        const wchar_t *from, *to;
} RestartPair;

/**
 * restart_spare() - nothing of ours is deleted at the next restart, but files with the ending .old
 * @folders: @n_folders of ours
 * @pairs: @n_pairs that are to happen instead
 *
 * Return: 0 or negative errno (logged).
 */
int restart_spare(Restart *r, const wchar_t *const *folders, size_t n_folders,
                  const RestartPair *pairs, size_t n_pairs);

/**
 * restart_replaces() - ask whether the next restart replaces or deletes a file
 * @ret_from: what comes in the place of @path; "" when it is only deleted
 */
bool restart_replaces(const wchar_t *path, wchar_t ret_from[PATHS_MAX]);

/* Put the list back, unless another program has changed it since. Return: 0 or negative errno
 * (logged). */
int restart_undo(Restart *r);
void restart_free(Restart *r);
