/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to agent/config: reads the bytes of one INI file with inih, without inih's traps.
 *
 * inih 55 truncates long lines silently, gives its handler no line number, continues after an error
 * but reports only the first one, and treats an indented line as the continuation of the previous
 * one. So a reader of ours feeds it line by line. The reader counts lines, refuses what inih would
 * mangle, strips indentation (there are no continuation lines), skips comments and blank lines, and
 * notices when a line did not reach the handler. It does not know any file or key.
 */

#include "agent/config/problem.h"

/* Gets one 'key = value' of the section; @value is trimmed and has no comment. Both are valid UTF-8
 * without control characters, but a tab inside a value stays. */
typedef void (*IniEntryFn)(unsigned line, const char *key, const char *value, void *userdata);

/**
 * ini_read() - read a whole file
 * @data: its bytes; CRLF and a UTF-8 byte order mark are accepted
 * @section: the only section that the file may have. A key before it, or in a section with a
 * misspelt name, is a problem, but @fn still gets it, so that its own problems are shown, too
 * @problems: gets what is wrong with the form of the file
 *
 * @fn itself adds what is wrong with keys and values.
 *
 * Return: false when the bytes are not text at all. That is in @problems, and missing keys then
 * need not be mentioned.
 */
bool ini_read(const uint8_t *data, size_t n, const char *section, IniEntryFn fn, void *userdata,
              ConfigProblems *problems);
