/* SPDX-License-Identifier: MIT */

/*
 * What a string in a message may contain: well-formed UTF-8 without control characters. Names of
 * services are narrower still.
 */

#include "protocol/wire/text.h"

#include "protocol/wire/wire-types.h"

#include <string.h>

/*
 * Length of the UTF-8 character at @p, or 0 when a string may not contain it: malformed, overlong,
 * a surrogate, past U+10FFFF, or a control character (C0, DEL, C1), which could forge log lines.
 */
static size_t character_length(const uint8_t *p, size_t n) {
        uint32_t c;
        size_t length;

        if (p[0] < 0x80)
                return p[0] >= 0x20 && p[0] != 0x7f ? 1 : 0;
        if (p[0] >= 0xc2 && p[0] <= 0xdf) {
                length = 2;
                c = p[0] & 0x1fu;
        } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
                length = 3;
                c = p[0] & 0x0fu;
        } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
                length = 4;
                c = p[0] & 0x07u;
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
        return length;
}

bool wire_text_valid(const uint8_t *p, size_t n) {
        while (n > 0) {
                size_t length = character_length(p, n);

                if (length == 0)
                        return false;
                p += length;
                n -= length;
        }
        return true;
}

void wire_text_clean(char *text, size_t max) {
        uint8_t *p = (uint8_t *) text;
        size_t at = 0;

        while (p[at] != 0) {
                size_t length = character_length(p + at, strlen(text + at));

                if (length == 0) {
                        p[at] = '?';
                        length = 1;
                }
                if (at + length > max)
                        break;
                at += length;
        }
        p[at] = 0;
}

bool wire_service_name_valid(const char *name) {
        size_t n = strlen(name);

        if (n < 1 || n > WIRE_SERVICE_NAME_MAX || name[0] == '.' || name[0] == '-')
                return false;
        for (size_t i = 0; i < n; i++) {
                char c = name[i];

                if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                      c == '.' || c == '_' || c == '-'))
                        return false;
        }
        return true;
}
