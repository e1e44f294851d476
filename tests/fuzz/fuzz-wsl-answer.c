/* SPDX-License-Identifier: MIT */

/*
 * Any bytes as what wsl.exe writes while a distro is paired: up to the first byte 0xff to its
 * standard error, the rest to its standard output. A second reading, line by line, finds the same
 * answer. More text takes no answer away, and what a message shows fits into a line of the log.
 */

#include "common/utf8.h"
#include "windows-helper/core/vm/foreign-text.h"
#include "windows-helper/core/vm/wsl-answer.h"

#include <stdlib.h>
#include <string.h>

#define SEPARATOR  0xff
#define PREFIX_MAX 64 /* beginnings of a text that are tried, so that a long one takes no time */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool good) {
        if (!good)
                abort();
}

static bool is_owner(const char *text) {
        size_t n = 0;

        while ((text[n] >= '0' && text[n] <= '9') || (text[n] >= 'a' && text[n] <= 'f'))
                n++;
        return n == (size_t) 2 * WIRE_ID_SIZE && text[n] == '/' && strlen(text) > n + 1 &&
               strlen(text) <= WSL_OWNER_MAX;
}

/* Return: the first identity behind @word in a line, or NULL. */
static const char *read_line(char *line, const char *word) {
        for (size_t n = strlen(line); n > 0 && line[n - 1] == ' '; n--)
                line[n - 1] = '\0';
        for (const char *at = line; (at = strstr(at, word)); at++)
                if (is_owner(at + strlen(word)))
                        return at + strlen(word);
        return NULL;
}

static bool read_again(const char *text, const char *word, bool ended,
                       char ret_owner[WSL_OWNER_MAX + 1]) {
        char *copy = strdup(text), *rest = copy, *line;
        bool found = false;

        require(copy != NULL);
        while ((line = strsep(&rest, "\n"))) {
                const char *owner = rest || ended ? read_line(line, word) : NULL;

                if (!owner)
                        continue;
                found = true;
                memcpy(ret_owner, owner, strlen(owner) + 1);
        }
        free(copy);
        return found;
}

/* Return: whether the text has an answer. */
static bool require_find(const char *text, const char *word, bool ended) {
        char owner[WSL_OWNER_MAX + 1] = "", again[WSL_OWNER_MAX + 1] = "";
        bool found = wsl_answer_find(text, word, ended, owner);

        require(found == read_again(text, word, ended, again) && strcmp(owner, again) == 0);
        require(!found || wsl_answer_is_owner(owner));
        return found;
}

static void fuzz_find(const char *text, const char *word) {
        bool found = require_find(text, word, true);
        const char *end = text;

        require(found || !require_find(text, word, false));
        for (unsigned i = 0; i < PREFIX_MAX && (end = strchr(end, '\n')); i++, end++) {
                char *begin = strndup(text, (size_t) (end - text) + 1);

                require(begin != NULL);
                require(found || !require_find(begin, word, false));
                free(begin);
        }
}

static void fuzz_show(const char *errors, const char *output) {
        char shown[WSL_SHOWN_MAX + 1];
        size_t n, at = 0;

        wsl_answer_show(errors, output, shown);
        require(memchr(shown, '\0', sizeof(shown)) != NULL);
        for (n = strlen(shown); at < n;) {
                uint32_t point;
                size_t length = utf8_decode_printable((const uint8_t *) shown + at, n - at, &point);

                require(length > 0);
                at += length;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        const uint8_t *separator = n > 0 ? memchr(data, SEPARATOR, n) : NULL;
        size_t n_errors = separator ? (size_t) (separator - data) : 0;
        size_t skipped = separator ? n_errors + 1 : 0;
        Buffer errors = BUFFER_NULL, output = BUFFER_NULL;

        foreign_text_decode(data, n_errors, &errors);
        foreign_text_decode(data + skipped, n - skipped, &output);
        require(!errors.oom && !output.oom);
        fuzz_find(buffer_text(&output), WSL_WORD_PAIRED);
        fuzz_find(buffer_text(&output), WSL_WORD_CONFIRMED);
        fuzz_show(buffer_text(&errors), buffer_text(&output));
        buffer_done(&errors);
        buffer_done(&output);
        return 0;
}
