/* SPDX-License-Identifier: MIT */

/*
 * By hand, because the digits of a key must not pass through the buffers of a printf.
 */

#include "common/hex.h"

int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

void hex_format(const uint8_t *bytes, size_t n, char *ret_text) {
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < n; i++) {
                *ret_text++ = digits[bytes[i] >> 4];
                *ret_text++ = digits[bytes[i] & 0x0f];
        }
        *ret_text = '\0';
}

bool hex_parse(const char *text, uint8_t *ret_bytes, size_t n) {
        for (size_t i = 0; i < n; i++) {
                int high = hex_digit(text[2 * i]), low;

                if (high < 0)
                        return false;
                low = hex_digit(text[2 * i + 1]);
                if (low < 0)
                        return false;
                ret_bytes[i] = (uint8_t) (high << 4 | low);
        }
        return true;
}
