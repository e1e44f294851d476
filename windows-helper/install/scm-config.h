/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the entry of a service contains.
 */

#include "windows-helper/install/scm.h"

/* Everything besides the command line. @service: with the rights to change its configuration and
 * its descriptor, and to start it. Return: 0; or negative errno (logged) when it could not be
 * protected. A setting that this Windows does not know is logged and left out. */
int scm_configure(ScmId id, SC_HANDLE service);

/* Only what decides what the service may do, and who may do what with it: the same for the service
 * of the self-test. Return: as scm_configure(). */
int scm_configure_token(ScmId id, SC_HANDLE service);

/* Whether the service manager restarts a service that has ended with an error, and not only one
 * that has crashed (fact 9.1.6). It does not before the service was started once: one that cannot
 * start would be started again after the installation was taken back. It never does it with a
 * service that it does not restart after a crash, either. @service: with the rights to change its
 * configuration and to start it. */
void scm_restart_after_errors(ScmId id, SC_HANDLE service, bool restart);
