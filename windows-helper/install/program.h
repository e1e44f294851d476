/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The file of the program: exchanging it, also while it is held open, and deleting it.
 *
 * The program is its own message file, so the Event Viewer may have it open. Such a file can be
 * neither written nor deleted, but renamed (fact 9.2.7). Beside wslbridge-helper.exe there may be
 * wslbridge-helper.exe.new, the copy, and wslbridge-helper.exe.TIME.old, a name that is used once.
 */

#include "windows-helper/install/restart.h"
#include "windows-helper/store/paths.h"

#include <stdbool.h>

typedef struct Program {
        wchar_t folder[PATHS_MAX];
        wchar_t data[PATHS_MAX]; /* the folder of our data */
        wchar_t exe[PATHS_MAX];
        wchar_t source[PATHS_MAX]; /* the program that is to be installed */
        wchar_t copy[PATHS_MAX];
        wchar_t aside[PATHS_MAX]; /* the name of the installed program when it is out of the way */
        bool is_self;             /* the source is the installed program, so nothing is exchanged */
        bool had_folder;          /* before */
        bool is_aside, is_placed;
        Restart restart;
} Program;

/* Find the paths. @source: the program that is to be installed; NULL: that of this process. Return:
 * 0 or negative errno (logged). */
int program_open(Program *p, const wchar_t *source);
void program_close(Program *p);

/* An installation that was killed may have put the program aside and no other in its place. Take it
 * back then. */
void program_repair(const Program *p);

/* The steps of installing. Each can be taken back, also when it was not done or only in part.
 * Return: 0 or negative errno (logged). */
int program_copy(Program *p);
int program_copy_undo(Program *p);
int program_pend(Program *p);
int program_pend_undo(Program *p);
int program_away(Program *p);
int program_away_undo(Program *p);
int program_place(Program *p);
int program_place_undo(Program *p);

/* Once the new version serves: delete what was put aside, now or at the next restart. */
void program_sweep(Program *p);

/* Delete the program and its folder, now or at the next restart. Return: 0 or negative errno
 * (logged). */
int program_remove(Program *p);

/* Whether a program is in its place. */
bool program_is_installed(void);

/* Keep a copy of the installed program beside it. Return: 0 or negative errno (logged). */
int program_keep(void);

/* The path of that copy. Return: 0 or negative errno (logged). */
int program_kept(wchar_t ret_path[PATHS_MAX]);

/* Delete the copy, if there is one. Where Windows Installer takes nothing back (fact 9.6.5), it
 * stays until the next installation. */
void program_forget(void);

/* Delete a file of ours: now or, when it is in use, at the next restart under a name that is never
 * used again. Return: 0, also when there is none; or negative errno (logged). */
int program_delete_file(const wchar_t *path);

/* Delete a folder when it is empty, now or at the next restart. */
void program_delete_folder(const wchar_t *path);
