/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What Windows is to do with our files at its next restart (fact 9.2.6).
 */

#include "windows-helper/win/win.h"

/* The list before and after a change. Initialize with RESTART_NULL. */
typedef struct Restart {
        wchar_t *before, *after;  /* owned */
        size_t n_before, n_after; /* characters */
} Restart;

#define RESTART_NULL ((Restart){.before = NULL})

/**
 * restart_spare() - nothing of ours is deleted at the next restart, but files with the ending .old
 * @folders: @n_folders of ours
 * @from, @to: at the restart, rename one to the other if there is no @to; NULL: do not
 *
 * Return: 0 or negative errno (logged).
 */
int restart_spare(Restart *r, const wchar_t *const *folders, size_t n_folders, const wchar_t *from,
                  const wchar_t *to);

/* Put the list back, unless another program has changed it since. Return: 0 or negative errno
 * (logged). */
int restart_undo(Restart *r);
void restart_free(Restart *r);
