/* SPDX-License-Identifier: MIT */

/*
 * Strict decoding of UTF-8; control characters count as malformed.
 */

#include "common/utf8.h"

size_t utf8_decode(const uint8_t *p, size_t n, uint32_t *ret_point) {
        uint32_t c = p[0];
        size_t length;

        if (c < 0x80) {
                *ret_point = c;
                return c >= 0x20 && c != 0x7f ? 1 : 0;
        }
        if (c >= 0xc2 && c <= 0xdf) {
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
        if (c < 0xa0 || (length == 3 && c < 0x800) || (length == 4 && c < 0x10000))
                return 0;
        if ((c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
                return 0;
        *ret_point = c;
        return length;
}
