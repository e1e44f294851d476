/* SPDX-License-Identifier: MIT */

/* See text-wrap.h. */

#include "common/text-wrap.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Bytes of @text up to the end of its first @n characters, or of all. */
static size_t text_bytes(const char *text, size_t size, size_t n) {
        size_t i = 0;

        while (i < size) {
                if (((unsigned char) text[i] & 0xc0) != 0x80 && n-- == 0)
                        break;
                i++;
        }
        return i;
}

static size_t text_columns_of(const char *text, size_t size) {
        size_t n = 0;

        for (size_t i = 0; i < size; i++)
                n += ((unsigned char) text[i] & 0xc0) != 0x80;
        return n;
}

size_t text_columns(const char *text) {
        return text_columns_of(text, strlen(text));
}

static int text_spaces(Buffer *out, size_t n) {
        int r = 0;

        for (; r == 0 && n > 0; n--)
                r = buffer_append(out, " ", 1);
        return r;
}

static int text_new_line(Buffer *out, size_t indent) {
        int r = buffer_append(out, "\n", 1);

        return r < 0 ? r : text_spaces(out, indent);
}

int text_wrap(Buffer *out, const char *text, size_t column, size_t indent, size_t width) {
        size_t end = width == 0 ? SIZE_MAX : width, n, columns;
        bool fresh = true; /* no word stands on this line yet */
        int r = 0;

        if (width > 0 && end < indent + TEXT_WRAP_MIN)
                end = indent + TEXT_WRAP_MIN;
        while (r == 0 && *text) {
                text += strspn(text, " ");
                n = strcspn(text, " ");
                columns = text_columns_of(text, n);
                if (n == 0)
                        break;
                if (!fresh && column + 1 + columns > end) {
                        r = text_new_line(out, indent);
                        column = indent;
                        fresh = true;
                } else if (!fresh) {
                        r = buffer_append(out, " ", 1);
                        column++;
                }
                if (r == 0 && column + columns > end) { /* as much of it as there is room */
                        if (column >= end) {
                                r = text_new_line(out, indent);
                                column = indent;
                        }
                        n = text_bytes(text, n, end - column);
                        columns = text_columns_of(text, n);
                }
                if (r == 0)
                        r = buffer_append(out, text, n);
                text += n;
                column += columns;
                fresh = false;
                if (r == 0 && *text && *text != ' ') { /* the rest of a long word */
                        r = text_new_line(out, indent);
                        column = indent;
                        fresh = true;
                }
        }
        return r < 0 ? r : buffer_append(out, "\n", 1);
}

int text_pad(Buffer *out, const char *text, size_t columns) {
        size_t n = text_columns(text);
        int r = buffer_append(out, text, strlen(text));

        return r < 0 ? r : text_spaces(out, n < columns ? columns - n : 1);
}
