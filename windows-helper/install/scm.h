/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The entries of our services in the service manager: making, changing and removing them.
 */

#include "windows-helper/core/install/programs.h"
#include "windows-helper/win/win.h"

#include <stdbool.h>

/* Our services. Another one is one more row in scm-config.c. */
typedef enum ScmId { SCM_HELPER, SCM_RELAY, _SCM_END } ScmId;

/* What an installation asks of Windows for one of them. */
typedef struct ScmService {
        ProgramId program; /* that it runs */
        const char *label; /* .name, for messages */
        const wchar_t *name, *title, *about;
        const wchar_t *arguments;  /* behind the path of the program */
        const wchar_t *account;    /* NULL: LocalSystem */
        const wchar_t *privileges; /* those that are left to it: texts, each with its NUL, and a
                                    * NUL at the end */
        DWORD start_type, sid_type;
        bool restarts;     /* Windows starts it again after a crash. A service has one owner: the
                            * relay's is the helper */
        DWORD shutdown_ms; /* that it may take at a shutdown; 0: Windows' default */
} ScmService;

extern const ScmService scm_services[_SCM_END];

/* Who may do what with a service (fact 9.1.9). SYSTEM and administrators may do everything. All
 * users may look: read its configuration, its state and this descriptor, list what depends on it,
 * and have it asked for its state. Windows' default also lets them send the controls from 128 on,
 * and one of ours ends the helper. */
#define SCM_RIGHTS                                \
        L"D:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;SY)" \
        L"(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)"   \
        L"(A;;CCLCSWLORC;;;AU)"

/* An entry as it was, to put it back. */
typedef struct ScmEntry {
        bool exists;
        bool running; /* or starting */
        bool disabled;
        QUERY_SERVICE_CONFIGW *config; /* owned; NULL when there is no entry */
} ScmEntry;

/* Return: the service, or NULL with *ret_error: -ENOENT (not logged) or another errno (logged). */
SC_HANDLE scm_open(ScmId id, DWORD access, int *ret_error);

/* Return: 0 or negative errno (logged). */
int scm_read(ScmId id, ScmEntry *ret_entry);
void scm_entry_done(ScmEntry *entry);

/* Return whether the service is running or starting. */
bool scm_is_running(ScmId id);

/* Set the start type, such as SERVICE_DEMAND_START. Return: 0 or negative errno (logged). */
int scm_set_start_type(ScmId id, DWORD type);

/* The service is as it should be from now on, running or not: it starts like this, such as
 * SERVICE_DEMAND_START, and again after errors. Return: 0 or negative errno (logged). */
int scm_rest(ScmId id, DWORD start_type);

/* Make the entry, or change all of it. @exe: the program; @more: arguments behind those of the
 * table, or "". Return: 0 or negative errno (logged). */
int scm_write(ScmId id, const wchar_t *exe, const wchar_t *more);

/* Put the entry back as scm_read() has found it; without one, remove it. What Windows does after a
 * crash stays as scm_write() has set it. Return: 0 or negative errno (logged). */
int scm_restore(ScmId id, const ScmEntry *entry);

/* Remove the entry. Return: 0; -ENOENT when there is none; or negative errno (logged). */
int scm_remove(ScmId id);
