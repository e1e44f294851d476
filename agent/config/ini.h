/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to config*.c: reads the bytes of one INI file with inih, without inih's traps.
 *
 * inih 55 truncates long lines silently, knows no line number in its handler, goes on after an
 * error but tells only the first one, and takes an indented line for the continuation of the one
 * before. So it is fed line by line by a reader of ours, which counts lines, refuses what inih
 * would mangle, strips indentation (there are no continuation lines), skips comments and blank
 * lines, and notices when a line reached no handler. Knows no file and no key.
 */

#include "agent/config/problem.h"

/* One 'key = value' of the section; @value is trimmed and without its comment. Both are valid
 * UTF-8 without control characters (a tab counts as a space at the ends, and stays inside). */
typedef void (*IniEntryFn)(unsigned line, const char *key, const char *value, void *userdata);

/**
 * ini_read() - read a whole file
 * @data: its bytes; CRLF and a UTF-8 byte order mark are fine
 * @section: name of the one section that the file may have; a key before it or in a section with a
 *           misspelt name is a problem, but is passed on, so that its own problems show, too
 * @problems: what is wrong with the file's form
 *
 * @fn adds what is wrong with keys and values itself.
 *
 * Return: false when the bytes are no text at all (told in @problems), so that what is missing
 * needs no mention.
 */
bool ini_read(const uint8_t *data, size_t n, const char *section, IniEntryFn fn, void *userdata,
              ConfigProblems *problems);
