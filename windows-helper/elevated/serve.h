/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The elevated half of 'setup': 'wslbridge-helper setup-elevated PIPE'.
 */

/* Serve the process that has made @pipe, until it ends or says bye. Return: EXIT_SUCCESS or
 * EXIT_FAILURE. */
int elevated_serve(const char *pipe);
