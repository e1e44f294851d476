/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The files of all our programs: exchanging them for those of another version as one.
 *
 * Files are renamed one after the other, so there are moments with some of each version. Before the
 * first of them Windows is told to put the old version in its place at the next restart, all of it,
 * and to delete what that version did not have. When the last file is in its place, that order is
 * taken back in one write: this is the moment from which on the new version counts. So after a
 * restart there is exactly one version of all programs, whenever the process was killed.
 *
 * Beside X.exe there may be X.exe.new, the copy; X.exe.TIME.old, a name that is used once; and
 * X.exe.kept, for the way back of Windows Installer.
 */

#include "windows-helper/core/install/programs.h"
#include "windows-helper/install/exchange/restart.h"
#include "windows-helper/store/paths.h"

#include <stdbool.h>

/* Where the programs that are to be installed come from. */
typedef struct ProgramsFrom {
        const wchar_t *package; /* the helper is this process's, all others are in this package of
                                 * Windows Installer; NULL: they lie beside it */
        bool kept;              /* from the copies that programs_keep() has made */
} ProgramsFrom;

typedef struct ProgramFile {
        wchar_t exe[PATHS_MAX]; /* in its place */
        wchar_t copy[PATHS_MAX];
        wchar_t aside[PATHS_MAX];  /* the name of the old one when it is out of the way */
        wchar_t source[PATHS_MAX]; /* not of those that are in the package */
        bool wanted;               /* the version that is to be installed has it */
        bool is_aside, is_placed;
} ProgramFile;

typedef struct Programs {
        ProgramsFrom from;
        wchar_t folder[PATHS_MAX];
        wchar_t data[PATHS_MAX]; /* the folder of our data */
        ProgramFile files[_PROGRAM_END];
        bool is_self;    /* the sources are the installed programs, so nothing is exchanged */
        bool had_folder; /* before */
        Restart restart;
} Programs;

/* Find the paths. Return: 0 or negative errno (logged). */
int programs_open(Programs *p, const ProgramsFrom *from);
void programs_close(Programs *p);

/* An exchange that was killed in the middle is taken back, as a restart would do it. */
void programs_repair(Programs *p);

/* The steps of installing. Each can be taken back, also when it was not done or only in part.
 * Return: 0 or negative errno (logged). */
int programs_copy(Programs *p);
int programs_copy_undo(Programs *p);
int programs_pend(Programs *p);
int programs_pend_undo(Programs *p);
int programs_away(Programs *p);
int programs_away_undo(Programs *p);
int programs_place(Programs *p);
int programs_place_undo(Programs *p);
int programs_settle(Programs *p);
int programs_settle_undo(Programs *p);

/* Once the new version serves: delete what was put aside, now or at the next restart. */
void programs_sweep(Programs *p);

/* Delete the programs and their folder, now or at the next restart. Return: 0 or the first negative
 * errno (all are logged). */
int programs_remove(Programs *p);

/* Whether the helper is in its place. */
bool programs_are_installed(void);

/* Keep copies of the installed programs beside them. Return: 0 or negative errno (logged). */
int programs_keep(void);

/* Delete these copies. */
void programs_forget(void);
