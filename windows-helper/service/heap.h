/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The memory that the heaps of this process keep although it was freed.
 */

/* Give it back to Windows, as far as whole pages are free (fact 9.8.1). */
void heap_give_back(void);
