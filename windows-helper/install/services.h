/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The part that our services have in installing and removing. The helper starts by itself; the
 * relay's service runs only while the helper needs it, so it is started again only if it was found
 * running.
 */

#include "windows-helper/install/exchange/programs.h"
#include "windows-helper/install/scm.h"

/* Initialize with services_look(). */
typedef struct Services {
        const wchar_t *arguments; /* borrowed; behind those of the helper */
        const Programs *programs; /* borrowed */
        bool back;                /* to an earlier version, whose helper was as follows */
        bool back_runs;
        DWORD back_start_type;
        ScmEntry entries[_SCM_END]; /* as they were */
        bool stopped[_SCM_END];     /* by us: what runs later was not running before */
} Services;

/* Look at what is there. Return: 0 or negative errno (logged). */
int services_look(Services *s, const Programs *programs, const wchar_t *arguments);
void services_done(Services *s);

/* Whether a helper was installed before. */
bool services_had_helper(const Services *s);

/* The steps of installing. Return: 0 or negative errno (logged). */
int services_relay(Services *s);
int services_stop(Services *s);
int services_entry(Services *s);
int services_start(Services *s);

int services_relay_undo(Services *s);
int services_stop_undo(Services *s);
int services_entry_undo(Services *s);
int services_start_undo(Services *s);

/* Once all steps are done: a version without a relay needs no service of it. */
void services_sweep(Services *s);

/* The steps of removing. Return: as above. */
int services_end(Services *s);
int services_remove_helper(Services *s);
int services_end_again(Services *s);
int services_remove_relay(Services *s);
