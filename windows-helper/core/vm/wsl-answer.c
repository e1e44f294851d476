/* SPDX-License-Identifier: MIT */

/*
 * Looking for the lines that are ours. All other text is shown and never understood: it is
 * translated, and changes from version to version.
 */

#include "windows-helper/core/vm/wsl-answer.h"

#include "common/utf8.h"

#include <string.h>

#define WSL_CUT "..." /* in place of what is left out */

bool wsl_answer_is_owner(const char *text) {
        size_t n = strspn(text, "0123456789abcdef");

        return n == 2 * WIRE_ID_SIZE && text[n] == '/' && text[n + 1] != '\0' &&
               strlen(text) <= WSL_OWNER_MAX;
}

/* The identity behind @word in a line of @n bytes. */
static bool answer_in_line(const char *line, size_t n, const char *word,
                           char ret_owner[WSL_OWNER_MAX + 1]) {
        size_t n_word = strlen(word);

        while (n > 0 && line[n - 1] == ' ')
                n--;
        for (size_t i = 0; i + n_word < n; i++) {
                char owner[WSL_OWNER_MAX + 1];
                size_t n_owner = n - i - n_word;

                if (n_owner > WSL_OWNER_MAX || memcmp(line + i, word, n_word) != 0)
                        continue;
                memcpy(owner, line + i + n_word, n_owner);
                owner[n_owner] = '\0';
                if (!wsl_answer_is_owner(owner))
                        continue;
                memcpy(ret_owner, owner, n_owner + 1);
                return true;
        }
        return false;
}

bool wsl_answer_find(const char *text, const char *word, bool ended,
                     char ret_owner[WSL_OWNER_MAX + 1]) {
        bool found = false;

        while (*text) {
                size_t n = strcspn(text, "\n");

                if (text[n] == '\0' && !ended)
                        break;
                found |= answer_in_line(text, n, word, ret_owner);
                text += n + (text[n] == '\n');
        }
        return found;
}

static void show_lines(const char *text, Buffer *out) {
        while (*text) {
                size_t n = strcspn(text, "\n"), blank = strspn(text, " \t");

                if (blank < n) {
                        buffer_printf(out, "%s", buffer_length(out) > 0 ? " | " : "");
                        (void) buffer_append(out, text + blank, n - blank);
                }
                text += n + (text[n] == '\n');
        }
}

void wsl_answer_show(const char *errors, const char *output, char ret_text[WSL_SHOWN_MAX + 1]) {
        Buffer out = BUFFER_NULL;
        const char *text;
        size_t n;

        show_lines(errors, &out);
        show_lines(output, &out);
        text = buffer_text(&out);
        n = strlen(text);
        ret_text[0] = '\0';
        if (n > WSL_SHOWN_MAX) {
                text += n - (WSL_SHOWN_MAX - strlen(WSL_CUT));
                while ((*text & 0xc0) == 0x80) /* not in the middle of a character */
                        text++;
                memcpy(ret_text, WSL_CUT, sizeof(WSL_CUT));
        }
        memcpy(ret_text + strlen(ret_text), text, strlen(text) + 1);
        utf8_clean(ret_text);
        buffer_done(&out);
}
