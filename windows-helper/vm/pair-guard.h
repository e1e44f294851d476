/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Keeps this program alive while the two ends of a pairing may have different keys. Ctrl-C can
 * wait, but not a window that is closed or a user who logs off: Windows ends the program five
 * seconds later (fact 9.7.6). So the agreement then gives up in time to take the host's step back.
 */

#include <stdbool.h>

/* @heard: the caller has a handler of Ctrl-C, which must go on hearing it. */
void pair_guard_begin(bool heard);
bool pair_guard_gives_up(void); /* whether to wait no longer for the guest */
void pair_guard_end(void);
