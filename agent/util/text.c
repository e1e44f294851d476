/* SPDX-License-Identifier: MIT */

/* Text for people; see ctl-text.h. */

#include "agent/util/text.h"

#include "protocol/wire/wire.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define TEXT_ALLOCATED_MIN 256
#define TEXT_WRAP_MIN      20 /* a narrower column is no help: the line is left to the terminal */

void text_done(Text *t) {
        free(t->data);
        *t = TEXT_NULL;
}

static bool text_reserve(Text *t, size_t n) {
        size_t n_allocated = t->n_allocated ? t->n_allocated : TEXT_ALLOCATED_MIN;
        char *data;

        while (n_allocated < t->n + n + 1)
                n_allocated *= 2;
        if (n_allocated == t->n_allocated)
                return true;
        data = realloc(t->data, n_allocated);
        if (!data) {
                t->oom = true;
                return false;
        }
        t->data = data;
        t->n_allocated = n_allocated;
        return true;
}

static void text_add_bytes(Text *t, const char *s, size_t n) {
        if (t->oom || !text_reserve(t, n))
                return;
        memcpy(t->data + t->n, s, n);
        t->n += n;
        t->data[t->n] = '\0';
}

void text_add(Text *t, const char *format, ...) {
        va_list arguments;
        int n;

        va_start(arguments, format);
        n = vsnprintf(NULL, 0, format, arguments);
        va_end(arguments);
        if (n < 0 || t->oom || !text_reserve(t, (size_t) n)) {
                t->oom = true;
                return;
        }
        va_start(arguments, format);
        (void) vsnprintf(t->data + t->n, (size_t) n + 1, format, arguments);
        va_end(arguments);
        t->n += (size_t) n;
}

/* Length of the character at @s, and its code point; 1 for a byte that begins none. */
static size_t decode(const char *s, uint32_t *ret_point) {
        const uint8_t *p = (const uint8_t *) s;
        size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

        *ret_point = n == 1 ? p[0] : p[0] & (0x7fu >> n);
        for (size_t i = 1; i < n; i++) {
                if ((p[i] & 0xc0) != 0x80) {
                        *ret_point = p[0];
                        return 1;
                }
                *ret_point = *ret_point << 6 | (p[i] & 0x3fu);
        }
        return n;
}

static size_t point_width(uint32_t point) {
        int width = point < 0x80 ? 1 : wcwidth((wchar_t) point);

        return width < 0 ? 1 : (size_t) width; /* the locale does not know it */
}

size_t text_width(const char *s) {
        size_t width = 0;
        uint32_t point;

        while (*s) {
                s += decode(s, &point);
                width += point_width(point);
        }
        return width;
}

size_t text_fit(const char *s, size_t width) {
        size_t at = 0, used = 0;

        while (s[at]) {
                uint32_t point;
                size_t n = decode(s + at, &point);

                used += point_width(point);
                if (used > width)
                        break;
                at += n;
        }
        return at;
}

/* Marks and overrides of direction, line and paragraph separator. */
static bool point_is_tricky(uint32_t point) {
        return point == 0x061c || point == 0x200e || point == 0x200f ||
               (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

void text_clean(char *s) {
        char *to = s;

        wire_text_clean(s, SIZE_MAX / 2);
        while (*s) {
                uint32_t point;
                size_t n = decode(s, &point);

                if (point_is_tricky(point)) {
                        *to++ = '?';
                } else {
                        memmove(to, s, n);
                        to += n;
                }
                s += n;
        }
        *to = '\0';
}

/* One line of the given text, without its end. */
static void text_add_line(Text *t, unsigned column, unsigned indent, unsigned width, const char *s,
                          size_t n) {
        bool whole = width < indent + TEXT_WRAP_MIN || s[0] == ' ';
        bool first = true;

        while (!whole && n > 0) {
                size_t n_word = 0, columns;
                char word[WIRE_TEXT_MAX + 1];

                while (n_word < n && s[n_word] != ' ' && n_word < sizeof(word) - 1)
                        n_word++;
                memcpy(word, s, n_word);
                word[n_word] = '\0';
                columns = text_width(word);
                if (!first && column + 1 + columns > width) {
                        text_add(t, "\n%*s", (int) indent, "");
                        column = indent;
                        first = true;
                }
                text_add(t, "%s%s", first ? "" : " ", word);
                column += (unsigned) columns + !first;
                first = false;
                s += n_word;
                n -= n_word;
                while (n > 0 && *s == ' ') {
                        s++;
                        n--;
                }
        }
        if (whole)
                text_add_bytes(t, s, n);
}

void text_add_wrapped(Text *t, unsigned first, unsigned indent, unsigned width, const char *s) {
        for (unsigned column = first;; column = indent) {
                size_t n = strcspn(s, "\n");

                text_add_line(t, column, indent, width, s, n);
                text_add(t, "\n");
                s += n;
                if (*s == '\0' || *++s == '\0')
                        return;
                text_add(t, "%*s", (int) indent, "");
        }
}
