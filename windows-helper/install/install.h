/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Installing and removing the service with everything that belongs to it. Both print what they do.
 * When a step fails, all before it are taken back; when the process is killed, running it again
 * completes it.
 */

#include "windows-helper/install/exchange/programs.h"

#include <stdbool.h>

/**
 * install() - copy this program, and those beside it, to their place and start it as a service
 * @arguments: appended to the service's command line; "" except in tests
 *
 * A running older version is asked to hand over: its rules stay in force, and the new version keeps
 * those whose agents come back in time.
 *
 * Return: 0; or negative errno (logged, with what to do) when everything is as before, or as near
 * to it as possible.
 */
int install(const wchar_t *arguments);

/* The same with programs that are somewhere else. */
int install_from(const ProgramsFrom *from, const wchar_t *arguments);

/* If an installation was killed in the middle of exchanging programs, put the old version back, all
 * of it. Return: 0, also when there is nothing to do; or negative errno (logged). */
int install_repair(void);

/**
 * install_back() - the same for a way back, with the programs that were there
 * @start_type: how their service started then, such as SERVICE_DISABLED
 * @runs: their service ran then, so it runs again. Otherwise it is not started, and what the
 * version that is there has made is withdrawn
 */
int install_back(const ProgramsFrom *from, const wchar_t *arguments, DWORD start_type, bool runs);

/**
 * uninstall() - withdraw all rules, then remove everything that belongs to wslbridge, and nothing
 *               else
 * @keep: leave the pairings and the local policy, for a later installation
 *
 * As long as the service is not removed, a failure takes everything back, and neither pairings nor
 * policy are touched.
 *
 * Return: 0 or the first error; everything that could not be removed is logged.
 */
int uninstall(bool keep);
