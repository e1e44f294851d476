/* SPDX-License-Identifier: MIT */

/*
 * Strict decoding of UTF-8.
 */

#include "common/utf8.h"

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

size_t utf8_decode_printable(const uint8_t *p, size_t n, uint32_t *ret_point) {
        size_t length = utf8_decode(p, n, ret_point);

        return length > 0 && (*ret_point < 0x20 || (*ret_point >= 0x7f && *ret_point < 0xa0))
                       ? 0
                       : length;
}
