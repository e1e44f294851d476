/* SPDX-License-Identifier: MIT */

/*
 * Finding out, line by line, which encoding another program used.
 *
 * In UTF-16 a byte that looks like a line feed may be half of a character (U+4E0A). The two bytes
 * of a line feed, 0A 00, do not occur otherwise in text that people write. So a line of UTF-16 ends
 * there, and that end also says which of its bytes belong together.
 */

#include "windows-helper/core/vm/foreign-text.h"

#include "common/utf8.h"

#include <string.h>

#define BYTE_ORDER_MARK 0xfeffu

static void foreign_put(uint32_t c, Buffer *ret) {
        uint8_t bytes[4];
        size_t n = 0;

        if (c == 0 || c == '\r' || c == BYTE_ORDER_MARK)
                return;
        if (c < 0x80) {
                bytes[n++] = (uint8_t) c;
        } else if (c < 0x800) {
                bytes[n++] = (uint8_t) (0xc0 | c >> 6);
                bytes[n++] = (uint8_t) (0x80 | (c & 0x3f));
        } else if (c < 0x10000) {
                bytes[n++] = (uint8_t) (0xe0 | c >> 12);
                bytes[n++] = (uint8_t) (0x80 | (c >> 6 & 0x3f));
                bytes[n++] = (uint8_t) (0x80 | (c & 0x3f));
        } else {
                bytes[n++] = (uint8_t) (0xf0 | c >> 18);
                bytes[n++] = (uint8_t) (0x80 | (c >> 12 & 0x3f));
                bytes[n++] = (uint8_t) (0x80 | (c >> 6 & 0x3f));
                bytes[n++] = (uint8_t) (0x80 | (c & 0x3f));
        }
        (void) buffer_append(ret, bytes, n);
}

static void foreign_utf8(const uint8_t *p, size_t n, Buffer *ret) {
        while (n > 0) {
                uint32_t c = '?';
                size_t length = utf8_decode(p, n, &c);

                if (length == 0)
                        length = 1;
                foreign_put(c, ret);
                p += length;
                n -= length;
        }
}

/* A lone surrogate and half a character at the end become '?'. */
static void foreign_utf16(const uint8_t *p, size_t n, Buffer *ret) {
        for (size_t i = 0; i < n; i += 2) {
                uint32_t c = i + 1 < n ? (uint32_t) (p[i] | p[i + 1] << 8) : '?', low = 0;

                if (c >= 0xd800 && c < 0xdc00 && i + 3 < n)
                        low = (uint32_t) (p[i + 2] | p[i + 3] << 8);
                if (low >= 0xdc00 && low < 0xe000) {
                        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                        i += 2;
                }
                foreign_put(c >= 0xd800 && c < 0xe000 ? '?' : c, ret);
        }
}

static bool foreign_is_utf8(const uint8_t *p, size_t n) {
        while (n > 0) {
                uint32_t c;
                size_t length = utf8_decode(p, n, &c);

                if (length == 0 || c == 0)
                        return false;
                p += length;
                n -= length;
        }
        return true;
}

/* Bytes of the line at @p, if it is UTF-8: up to and with its line feed. */
static size_t foreign_line(const uint8_t *p, size_t n) {
        const uint8_t *end = memchr(p, '\n', n);

        return end ? (size_t) (end - p) + 1 : n;
}

/* Bytes of the line at @p, if it is UTF-16. Text without a line feed at its end goes up to its last
 * NUL. What follows may be the other encoding; if it cannot be, it belongs to the same text. */
static size_t foreign_wide_line(const uint8_t *p, size_t n) {
        size_t end = 0;

        for (size_t i = 0; i + 1 < n; i++) {
                if (p[i] == '\n' && p[i + 1] == 0)
                        return i + 2;
                if (p[i + 1] == 0)
                        end = i + 2;
        }
        return foreign_is_utf8(p + end, n - end) ? end : n;
}

void foreign_text_decode(const uint8_t *bytes, size_t n, Buffer *ret) {
        while (n > 0) {
                size_t line = foreign_line(bytes, n), wide = 0;
                bool clean = foreign_is_utf8(bytes, line);

                /* Its line feed may be the first half of one in UTF-16. */
                if (!clean || (line < n && bytes[line] == 0))
                        wide = memchr(bytes, 0, n) ? foreign_wide_line(bytes, n) : 0;
                /* Malformed UTF-8, with UTF-16 only in a later line. */
                if (wide > line && !memchr(bytes, 0, line + 1) && wide % 2 == 1)
                        wide = 0;
                if (wide > 0) {
                        size_t skip = bytes[wide - 1] == 0 ? wide % 2 : 0;

                        foreign_utf16(bytes + skip, wide - skip, ret);
                        line = wide;
                } else {
                        foreign_utf8(bytes, line, ret);
                }
                bytes += line;
                n -= line;
        }
}
