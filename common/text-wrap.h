/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Text for people, fit to the width of their window.
 */

#include "common/buffer.h"

/* Columns that @text takes: one for each character of UTF-8. */
size_t text_columns(const char *text);

/**
 * text_wrap() - append @text, broken between words so that no line is longer than @width
 * @column: where the first line begins
 * @indent: where the others do
 * @width: columns of the window; 0: no window, nothing is broken
 *
 * A window too narrow for that gets lines of TEXT_WRAP_MIN columns behind the indent. A word that
 * is longer than a line is broken, too. The text ends with a line end.
 *
 * Return: 0 or -ENOMEM.
 */
#define TEXT_WRAP_MIN 20
int text_wrap(Buffer *out, const char *text, size_t column, size_t indent, size_t width);

/* Append @text and spaces up to @columns; always at least one space. Return: 0 or -ENOMEM. */
int text_pad(Buffer *out, const char *text, size_t columns);
