/* SPDX-License-Identifier: MIT */

/* Lines in, lines of JSON out; see conversation.h. */

#include "tests/windows/conversation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX 262144 /* a PATH of 32 KiB characters in hexadecimal fits */

int conversation_run(ConversationFn answer) {
        static char line[LINE_MAX];

        while (fgets(line, sizeof(line), stdin)) {
                char *fields[CONVERSATION_FIELDS_MAX], *rest = line;
                unsigned n_fields = 0;

                line[strcspn(line, "\r\n")] = '\0';
                while (rest && n_fields < CONVERSATION_FIELDS_MAX) {
                        fields[n_fields++] = rest;
                        rest = strchr(rest, '\t');
                        if (rest)
                                *rest++ = '\0';
                }
                answer(fields, n_fields);
                (void) fflush(stdout);
        }
        return EXIT_SUCCESS;
}
