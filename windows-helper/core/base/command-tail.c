/* SPDX-License-Identifier: MIT */

/*
 * Skips the first words of a command line of Windows.
 */

#include "windows-helper/core/base/command-tail.h"

#include <stdbool.h>

#define COMMAND_SPACES L" \t"

static const wchar_t *skip_word(const wchar_t *line) {
        bool quoted = false;

        for (; *line && (quoted || !wcschr(COMMAND_SPACES, *line)); line++)
                if (*line == L'"')
                        quoted = !quoted;
        return line + wcsspn(line, COMMAND_SPACES);
}

const wchar_t *command_tail(const wchar_t *line) {
        return skip_word(skip_word(line));
}
