/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The entry of the service in the service manager: making, changing and removing it, starting and
 * stopping the service.
 */

#include "windows-helper/win/win.h"

#include <stdbool.h>

/* Who may do what with the service (fact 9.1.9). SYSTEM and administrators may do everything. All
 * users may look: read its configuration, its state and this descriptor, list what depends on it,
 * and have it asked for its state. Windows' default also lets them send the controls from 128 on,
 * and one of ours ends the service. */
#define SCM_RIGHTS                                \
        L"D:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;SY)" \
        L"(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)"   \
        L"(A;;CCLCSWLORC;;;AU)"

/* The entry as it was, to put it back. */
typedef struct ScmEntry {
        bool exists;
        bool running; /* or starting */
        bool disabled;
        QUERY_SERVICE_CONFIGW *config; /* owned; NULL when there is no entry */
} ScmEntry;

/* Return: 0 or negative errno (logged). */
int scm_read(ScmEntry *ret_entry);
void scm_entry_done(ScmEntry *entry);

/**
 * scm_stop() - stop the service if it is running, and wait until its process has ended
 * @hand_over: leave its rules in force; a version too old to know this is stopped as usual
 *
 * Return: 0, also when it was not running or there is no such service; or negative errno (logged).
 */
int scm_stop(bool hand_over);

/**
 * scm_start() - start the service and wait until it is running
 * @anew: one that runs already is ended first, with a hand-over. After a crash, the service manager
 *     starts the service by itself, with whatever program is in its place at that moment
 *     (fact 9.1.13).
 *
 * Return: 0 or negative errno (logged).
 */
int scm_start(bool anew);

/* Return whether the service is running or starting. */
bool scm_is_running(void);

/* Set the start type, such as SERVICE_DEMAND_START. Return: 0 or negative errno (logged). */
int scm_set_start_type(DWORD type);

/* The service is as it should be from now on, running or not: it starts like this, such as
 * SERVICE_DEMAND_START, and again after errors. Return: 0 or negative errno (logged). */
int scm_rest(DWORD start_type);

/* Make the entry, or change all of it, with @command as the service's command line. Return: 0 or
 * negative errno (logged). */
int scm_write(const wchar_t *command);

/* Put the entry back as scm_read() has found it; without one, remove it. Return: 0 or negative
 * errno (logged). */
int scm_restore(const ScmEntry *entry);

/* Remove the entry. Return: 0; -ENOENT when there is none; or negative errno (logged). */
int scm_remove(void);
