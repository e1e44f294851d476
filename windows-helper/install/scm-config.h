/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the entry of the service contains.
 */

#include "windows-helper/win/win.h"

/* Everything besides the command line. @service: with the rights to change its configuration and
 * its descriptor, and to start it. Return: 0; or negative errno (logged) when it could not be
 * protected. A setting that this Windows does not know is logged and left out. */
int scm_configure(SC_HANDLE service);
