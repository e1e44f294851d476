/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What setup shows and asks while it works, and Ctrl-C. setup.h has the rest.
 */

#include "windows-helper/setup/setup.h"

/* What Ctrl-C would have to wait for from now on: a line of text that lives on, or NULL. */
void talk_await(const char *text);

/* From now on, Ctrl-C ends no part in the middle of a change. */
void talk_begin(void);

/* Columns of the window, 0 = there is none. */
size_t talk_width(const Setup *s);

/* On a console, say in a line that the next one replaces that a part is at work. @part: NULL takes
 * the line away. Elsewhere nothing is said. */
void talk_progress(const Setup *s, const char *part);
