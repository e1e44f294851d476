/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The one way to write text: to standard output or standard error, each of which may be a console
 * window, a file or a pipe.
 *
 * To a console the text goes as Unicode characters, whatever its code page. Its code page decides
 * what the bytes that printf() writes look like, and it is never UTF-8 on a Windows that nobody has
 * changed. To a file or a pipe the text goes byte for byte, as UTF-8.
 */

#include "windows-helper/win/win.h"

typedef enum ConsoleStream { CONSOLE_OUTPUT, CONSOLE_ERROR } ConsoleStream;

/* Columns that a line may have; 0 when standard output is not a console and lines need no wrapping.
 */
size_t console_width(void);

/* Write @n bytes of UTF-8. What may not be shown becomes '?' (common/utf8.h), because names and
 * values of others are in the texts of most commands; only line feeds stay. Return: 0, or negative
 * errno when not all of it could be written. */
int console_write(ConsoleStream stream, const char *text, size_t n);

/* printf to standard output. Return: as console_write(). */
int console_printf(const char *format, ...) __attribute__((format(gnu_printf, 1, 2)));

/* On a console, show @text at the beginning of the line that the next text replaces; NULL takes it
 * away. Elsewhere do nothing. */
void console_progress(const char *text);
