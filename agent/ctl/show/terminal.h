/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: standard output and standard error, as a terminal, a file or a pipe.
 */

#include "agent/ctl/show/table.h"

/* The style of standard output: it has a width and colours only when it is a terminal. $COLUMNS,
 * $NO_COLOR and $TERM are respected. */
Style terminal_style(void);

/* Print @t and free it; an error is reported, unless nobody reads any more. Return: 0, -ENOMEM when
 * @t is not complete, or the negative errno of writing. */
int terminal_print(Buffer *t);

/* A line that shows that a command is waiting. It goes to standard error, and only to a terminal.
 */
typedef struct Spinner {
        bool active;
        unsigned n_ticks;
} Spinner;

#define SPINNER_MSEC 100 /* one step */

Spinner spinner_new(void);
void spinner_tick(Spinner *s, const char *text);
void spinner_done(Spinner *s); /* clears the line */
