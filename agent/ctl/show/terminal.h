/* SPDX-License-Identifier: MIT */
#pragma once

/* Internal to wslbridgectl: standard output and error, and what kind of thing they are. */

#include "agent/ctl/show/table.h"

/* Of standard output: its width and colours when it is a terminal; $COLUMNS, $NO_COLOR and $TERM
 * are honoured. */
Style terminal_style(void);

/* Print @t and free it. Return: 0, -ENOMEM, or negative errno of writing. */
int terminal_print(Buffer *t);

/* A line that shows that something is waited for; on standard error, and only on a terminal. */
typedef struct Spinner {
        bool active;
        unsigned n_ticks;
} Spinner;

#define SPINNER_MSEC 100 /* one step */

Spinner spinner_new(void);
void spinner_tick(Spinner *s, const char *text);
void spinner_done(Spinner *s); /* the line is gone again */
