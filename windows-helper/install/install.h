/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Installing and removing the service with everything that belongs to it. Each step prints what it
 * did and can be repeated, so an interrupted installation is completed by running it again.
 */

#include "windows-helper/win/win.h"

/**
 * install() - copy this program to its place and start it as a service
 * @arguments: appended to the service's command line; "" except in tests
 *
 * A running older version is asked to hand over: its rules stay in force, and the new version keeps
 * those whose agents come back in time.
 *
 * Return: 0 or negative errno (logged).
 */
int install(const wchar_t *arguments);

/* Withdraw all rules, then remove everything that belongs to wslbridge, and nothing else.
 * Return: 0 or the first error; everything that could not be removed is logged. */
int uninstall(void);
