/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reaps a child process, and does not wait for it for ever. One that waits for a file system of the
 * host may not even end when it is killed. Who leaves it behind leaves it to process 1, or to the
 * end of its own.
 */

#include <stdint.h>
#include <sys/types.h>

#define REAP_KILLED_USEC UINT64_C(200000) /* a killed process mostly ends at once */

/* @ret_status: as waitpid() has it; may be NULL. Return: 0; -ETIME when it has not ended after
 * @limit_usec; or another negative errno when it is no child of ours any more. */
int reap_within(pid_t pid, uint64_t limit_usec, int *ret_status);
