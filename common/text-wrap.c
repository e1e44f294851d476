/* SPDX-License-Identifier: MIT */

/*
 * Wrapping, padding and cleaning text for people.
 */

#include "common/text-wrap.h"

#include "common/text-width.h"
#include "common/utf8.h"

#include <string.h>

static void new_line(Buffer *out, size_t indent) {
        buffer_printf(out, "\n%*s", (int) indent, "");
}

/* As much of a long word as there is room for on each line. Return: bytes of it that were put on
 * lines that are complete. @column: where the word begins, then where the rest of it does. */
static size_t wrap_word(Buffer *out, const char *word, size_t n, size_t indent, size_t end,
                        size_t *column) {
        size_t at = 0;

        while (*column + text_width_n(word + at, n - at) > end) {
                size_t n_part = *column < end ? text_fit_n(word + at, n - at, end - *column) : 0;

                (void) buffer_append(out, word + at, n_part);
                new_line(out, indent);
                *column = indent;
                at += n_part;
        }
        return at;
}

/* One line of the text: @n bytes, without its end. */
static void wrap_line(Buffer *out, const char *text, size_t n, size_t column,
                      const TextFrame *frame) {
        size_t end = frame->width == 0 ? SIZE_MAX : frame->width;
        bool fresh = true; /* this line has no word yet */

        if (n > 0 && *text == ' ') {
                (void) buffer_append(out, text, n);
                return;
        }
        if (frame->width > 0 && end < frame->indent + TEXT_WRAP_MIN)
                end = frame->indent + TEXT_WRAP_MIN;
        for (size_t at = 0, n_word; at < n; at += n_word) {
                for (n_word = 0; at + n_word < n && text[at + n_word] != ' ';)
                        n_word++;
                if (n_word == 0) {
                        n_word = 1; /* a space */
                        continue;
                }
                if (!fresh && column + 1 + text_width_n(text + at, n_word) <= end) {
                        (void) buffer_append(out, " ", 1);
                        column++;
                } else if (!fresh) {
                        new_line(out, frame->indent);
                        column = frame->indent;
                }
                if (!frame->whole_words) {
                        size_t n_done =
                                wrap_word(out, text + at, n_word, frame->indent, end, &column);

                        at += n_done;
                        n_word -= n_done;
                }
                (void) buffer_append(out, text + at, n_word);
                column += text_width_n(text + at, n_word);
                fresh = false;
        }
}

void text_wrap(Buffer *out, const char *text, const TextFrame *frame) {
        size_t column = frame->column, n;

        while (true) {
                n = strcspn(text, "\n");
                wrap_line(out, text, n, column, frame);
                text += n;
                if (*text == '\0' || *++text == '\0')
                        break;
                new_line(out, frame->indent);
                column = frame->indent;
        }
        (void) buffer_append(out, "\n", 1);
}

void text_pad(Buffer *out, const char *text, size_t columns) {
        size_t n = text_width(text);

        buffer_printf(out, "%s%*s", text, n < columns ? (int) (columns - n) : 1, "");
}

void text_clean_lines(Buffer *text) {
        Buffer clean = {.oom = text->oom};
        char *line = buffer_length(text) > 0 ? (char *) text->data + text->begin : NULL;

        (void) buffer_text(text); /* ends it with a NUL */
        while (line) {
                char *end = strchr(line, '\n');

                if (end)
                        *end = '\0';
                utf8_clean(line);
                buffer_printf(&clean, "%s%s", line, end ? "\n" : "");
                line = end ? end + 1 : NULL;
        }
        buffer_done(text);
        *text = clean;
}
