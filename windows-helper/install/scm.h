/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The entry of the service in the service manager: creating, starting, stopping and removing it.
 */

#include <stdbool.h>
#include <wchar.h>

/* Stop the service if it is running, and wait until it has stopped. @hand_over: leave its rules in
 * force; a version too old to know this is stopped as usual. Return: 0 (also when it was not
 * running); -ENOENT when there is no such service; or negative errno (logged). */
int install_service_end(bool hand_over);

/* Create the service, or update its entry, start it with @command as its command line, and wait
 * until it is running. Return: 0 or negative errno (logged). */
int install_service_make(const wchar_t *command);

/* Remove the entry. Return: 0; -ENOENT when there is none; or negative errno (logged). */
int install_service_remove(void);
