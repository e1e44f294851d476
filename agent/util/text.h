/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to wslbridgectl: text for people, built up in memory. Pure.
 *
 * Adding never fails from the caller's view: running out of memory is remembered in .oom, and who
 * prints the text looks there.
 */

#include <stdbool.h>
#include <stddef.h>

typedef struct Text {
        char *data; /* owned, NULL = nothing yet */
        size_t n, n_allocated;
        bool oom;
} Text;

#define TEXT_NULL ((Text){0})

void text_done(Text *t);

__attribute__((format(printf, 2, 3))) void text_add(Text *t, const char *format, ...);

/**
 * text_add_wrapped() - add lines that are broken between words
 * @first: columns that the current line has already
 * @indent: columns before each further line
 * @width: of the terminal, 0 = lines are not broken
 * @s: '\n' in it begins a new line; a line that begins with a blank is an example and never broken
 *
 * Ends with a newline.
 */
void text_add_wrapped(Text *t, unsigned first, unsigned indent, unsigned width, const char *s);

/* Columns that @s takes on a terminal; it has no control characters. */
size_t text_width(const char *s);

/* Bytes of the longest start of @s that has at most @width columns. */
size_t text_fit(const char *s, size_t width);

/**
 * text_clean() - make @s harmless on a terminal, in place
 *
 * Control characters, malformed UTF-8, and what turns the direction of the text or ends the line
 * become '?'.
 */
void text_clean(char *s);
