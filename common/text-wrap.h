/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Text for people: broken between words to fit a window, padded to a column, and made harmless for
 * a terminal.
 */

#include "common/buffer.h"

/* A window too narrow for its indent gets lines of this many columns behind the indent. */
#define TEXT_WRAP_MIN 20

typedef struct TextFrame {
        size_t column;    /* where the first line continues */
        size_t indent;    /* where the others begin */
        size_t width;     /* columns of the window; 0: there is none, and only '\n' breaks */
        bool whole_words; /* a word longer than a line stays in one piece, such as a path */
} TextFrame;

/**
 * text_wrap() - append @text, broken between words so that its lines fit @frame
 *
 * A '\n' in @text begins a new line at the indent. A line that begins with a space is an example
 * to be copied: its spaces stay and it is never broken. In other lines each run of spaces counts
 * as one. What is appended ends with a newline.
 * Out of memory sets @out's .oom, here and below.
 */
void text_wrap(Buffer *out, const char *text, const TextFrame *frame);

/* Append @text and spaces up to @columns, always at least one. */
void text_pad(Buffer *out, const char *text, size_t columns);

/* utf8_clean() for a whole text, in which each '\n' stays. */
void text_clean_lines(Buffer *text);
