/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Installing and removing the service with all that belongs to it. Each step says what it did, can
 * be repeated, and goes on from where an interrupted one stopped.
 */

#include "windows-helper/win/win.h"

/**
 * install() - put this program in place and start it as a service
 * @arguments: appended to the service's command line; "" but for tests
 *
 * An older version that runs is asked to hand over: its rules stay in force and are kept for the
 * agents that come back in time.
 *
 * Return: 0 or negative errno (logged).
 */
int install(const wchar_t *arguments);

/* Withdraw all rules, then remove all of ours, and nothing else. Return: 0 or the first error
 * (logged); what could not be removed is named. */
int uninstall(void);
