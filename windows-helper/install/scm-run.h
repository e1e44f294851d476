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

/**
 * scm_process() - the process of a service, to wait for its end when somebody else stops it
 *
 * A service reports its end before its process ends, which still has its program's file open, and
 * its lock. By then Windows no longer says which process it was (fact 9.1.26). scm_stop() waits for
 * the process of a service that still runs when it looks.
 *
 * Return: the process, for scm_wait_process(); NULL if the service does not run.
 */
void *scm_process(ScmId id);

/* Wait until @process has ended if @r is 0, and close it. @process: from scm_process(), also NULL.
 * Return: @r; or -ETIMEDOUT (logged). */
int scm_wait_process(ScmId id, int r, void *process);
