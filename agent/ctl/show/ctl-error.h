/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: how a command ends. The exit codes, and the one sentence on standard
 * error that says why a command failed.
 */

/* The codes are those of systemctl where it has one for the case. */
typedef enum CtlExit {
        CTL_EXIT_OK = 0,
        CTL_EXIT_FAILURE = 1,
        CTL_EXIT_USAGE = 2,
        CTL_EXIT_NOT_RUNNING = 3, /* the agent, or a service that is not active */
        CTL_EXIT_NO_SERVICE = 4,
        CTL_EXIT_TIMEOUT = 5,
} CtlExit;

/* Write "wslbridgectl: ", one sentence and a newline to standard error. Return: CTL_EXIT_FAILURE,
 * so that a command can end with it. */
__attribute__((format(printf, 1, 2))) int ctl_error(const char *format, ...);

/**
 * ctl_error_errno() - say that something could not be done to a file
 * @error: positive errno; EACCES and EPERM of an ordinary user are explained
 * @what: a verb: "write", "read", …
 * @path: the file, or a noun
 *
 * Return: CTL_EXIT_FAILURE.
 */
int ctl_error_errno(int error, const char *what, const char *path);
