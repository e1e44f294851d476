/* SPDX-License-Identifier: MIT */
#pragma once

/* Errors after which the same call may work a moment later, although nothing says when. Pure. */

#include <stdbool.h>

/**
 * error_passes() - whether it is worth trying again after @error, a positive errno
 *
 * The table of descriptors, memory, a disk or the kernel's queues were full, or a device did not
 * answer. What somebody has to correct is not among them, such as a mode or a missing file: that is
 * an event of its own.
 */
bool error_passes(int error);
