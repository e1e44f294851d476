/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The rest of a command line of Windows, to be passed on as it is.
 */

#include <wchar.h>

/**
 * command_tail() - the command line behind its first two words
 * @line: as Windows gives it to a program: the program's name, a command, and the rest
 *
 * A quotation mark begins or ends a part in which spaces do not end a word. So the C library reads
 * the name of a program, and also another word if there is no backslash before a quotation mark.
 *
 * Return: the rest without the spaces before it, inside @line; "" when there is none.
 */
const wchar_t *command_tail(const wchar_t *line);
