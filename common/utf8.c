/* SPDX-License-Identifier: MIT */

/*
 * Strict decoding of UTF-8, and which characters may be shown.
 */

#include "common/utf8.h"

#include <string.h>

size_t utf8_decode(const uint8_t *p, size_t n, uint32_t *ret_point) {
        size_t length;
        uint32_t c;

        if (n == 0)
                return 0;
        c = p[0];
        if (c < 0x80) {
                length = 1;
        } else if (c >= 0xc2 && c <= 0xdf) {
                length = 2;
                c &= 0x1fu;
        } else if (c >= 0xe0 && c <= 0xef) {
                length = 3;
                c &= 0x0fu;
        } else if (c >= 0xf0 && c <= 0xf4) {
                length = 4;
                c &= 0x07u;
        } else {
                return 0;
        }
        if (n < length)
                return 0;
        for (size_t i = 1; i < length; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3fu);
        }
        /* Overlong forms of two bytes are excluded by 0xc2 above. */
        if ((length == 3 && c < 0x800) || (length == 4 && c < 0x10000) ||
            (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
                return 0;
        *ret_point = c;
        return length;
}

/* Control characters; Default_Ignorable_Code_Point of Unicode 15 (DerivedCoreProperties.txt), which
 * has the zero-width characters, the marks and overrides of direction, the variation selectors and
 * the tags; the line and paragraph separators; the annotation characters. docs/protocol.md has the
 * same list: it is a part of version 1, so a newer Unicode does not change it. */
static const struct {
        uint32_t first, last;
} hidden[] = {
        {0x0000, 0x001f},   {0x007f, 0x009f},   {0x00ad, 0x00ad},   {0x034f, 0x034f},
        {0x061c, 0x061c},   {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180b, 0x180f},
        {0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},   {0x3164, 0x3164},
        {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},   {0xfff0, 0xfffb},
        {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

bool utf8_may_be_shown(uint32_t point) {
        if (point >= 0x20 && point < 0x7f)
                return true;
        for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]) && point >= hidden[i].first; i++)
                if (point <= hidden[i].last)
                        return false;
        return true;
}

size_t utf8_decode_printable(const uint8_t *p, size_t n, uint32_t *ret_point) {
        size_t length = utf8_decode(p, n, ret_point);

        return length > 0 && utf8_may_be_shown(*ret_point) ? length : 0;
}

void utf8_clean(char *text) {
        size_t left;
        char *to;

        while (*text >= ' ' && *text <= '~') /* all of it, in nearly every text */
                text++;
        left = strlen(text);
        to = text;

        while (left > 0) {
                uint32_t point;
                size_t n = utf8_decode((const uint8_t *) text, left, &point);

                if (n > 0 && utf8_may_be_shown(point)) {
                        memmove(to, text, n);
                        to += n;
                } else {
                        *to++ = '?';
                        n = n > 0 ? n : 1;
                }
                text += n;
                left -= n;
        }
        *to = '\0';
}
