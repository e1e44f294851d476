/* SPDX-License-Identifier: MIT */

/*
 * Finds marker lines in what came from a distro, and takes their values out.
 */

#include "windows-helper/core/setup/answer.h"

#include <string.h>

/* Return: the value in @line, which has @n bytes, or NULL. */
static const char *answer_value(const char *line, size_t n, const char *key) {
        size_t marker = strlen(SETUP_MARKER), length = strlen(key);

        if (n < marker + length + 1 || memcmp(line, SETUP_MARKER, marker) != 0 ||
            memcmp(line + marker, key, length) != 0 || line[marker + length] != '=')
                return NULL;
        return line + marker + length + 1;
}

bool setup_answer(const char *text, const char *key, char ret_value[SETUP_VALUE_MAX]) {
        const char *end;
        bool found = false;

        ret_value[0] = '\0';
        for (; (end = strchr(text, '\n')) != NULL; text = end + 1) {
                const char *value = answer_value(text, (size_t) (end - text), key);
                size_t n = value ? (size_t) (end - value) : 0;

                if (!value || n >= SETUP_VALUE_MAX)
                        continue;
                memcpy(ret_value, value, n);
                ret_value[n] = '\0';
                found = true;
        }
        return found;
}

bool setup_answer_is(const char *text, const char *key, const char *value) {
        char found[SETUP_VALUE_MAX];

        return setup_answer(text, key, found) && strcmp(found, value) == 0;
}
