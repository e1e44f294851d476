/* SPDX-License-Identifier: MIT */
#pragma once

/* The service's entry with the service manager, for install.c. */

#include <stdbool.h>
#include <wchar.h>

/* End it if it runs, and wait until it has. @hand_over: its rules stay; one too old to know that is
 * stopped. Return: 0 (also when it did not run), -ENOENT when there is no such service, or negative
 * errno (logged). */
int install_service_end(bool hand_over);

/* Make it or bring it up to date, start it, and wait until it serves. */
int install_service_make(const wchar_t *command);

/* Return: 0; -ENOENT; or negative errno (logged). */
int install_service_remove(void);
