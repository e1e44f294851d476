/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How much memory our own code holds, for a test that looks for leaks. The release build has none
 * of this.
 *
 * The memory of the whole process says too little: the DLLs of Windows, or of Wine, use its heap as
 * well (fact 10.1.9).
 */

#include <stdbool.h>

#ifdef WSLBRIDGE_TEST_TRANSPORT
/* Write "heap BLOCKS BYTES" to standard error when that has changed, if @quiet (nobody is
 * connected) and the environment variable WSLBRIDGE_TEST_HEAP is set. */
void heap_count_report(bool quiet);
#else
static inline void heap_count_report(bool quiet) {
}
#endif
