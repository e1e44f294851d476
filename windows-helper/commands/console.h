/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Standard output, which may be a console window, a file or a pipe.
 */

#include "common/buffer.h"

/* Columns that a line may have; 0 when it is no console: whoever reads it has no window. */
size_t console_width(void);

/* Write UTF-8 text: to a console as Windows' own characters, whatever its code page is; else byte
 * for byte. */
void console_write(const Buffer *text);
