/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Starting and stopping our services.
 */

#include "windows-helper/install/scm.h"

/**
 * scm_stop() - stop a service if it is running, and wait until its process has ended
 * @hand_over: leave its rules in force; one that does not know this is stopped as usual
 *
 * Return: 0, also when it was not running or there is no such service; or negative errno (logged).
 */
int scm_stop(ScmId id, bool hand_over);

/**
 * scm_start() - start a service and wait until it is running
 * @anew: one that runs already is ended first, with a hand-over. After a crash, the service manager
 *     starts the service by itself, with whatever program is in its place at that moment
 *     (fact 9.1.13).
 *
 * Return: 0 or negative errno (logged).
 */
int scm_start(ScmId id, bool anew);
