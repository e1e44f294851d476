/* SPDX-License-Identifier: MIT */

/* Reads the value of the option --root=, which both programs of the agent have. */

#include "agent/util/root-option.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *root_option_parse(char *text) {
        size_t n = strlen(text);

        if (text[0] != '/') {
                (void) fprintf(stderr, "%s: --root=%s: the path must be absolute\n",
                               program_invocation_short_name, text);
                return NULL;
        }
        while (n > 0 && text[n - 1] == '/')
                text[--n] = '\0';
        return text;
}
