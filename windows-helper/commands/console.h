/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Text on standard output, which may be a console window, a file or a pipe.
 */

#include "common/buffer.h"

/* Columns that a line may have; 0 when standard output is not a console and lines need no wrapping.
 */
size_t console_width(void);

/* Write UTF-8 text: to a console as Unicode characters, independent of its code page; to a file or
 * a pipe byte for byte. */
void console_write(const Buffer *text);
