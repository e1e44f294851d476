/* SPDX-License-Identifier: MIT */

/*
 * What a string in a message may contain: well-formed UTF-8 of characters that may be shown,
 * because others could forge lines of a log. Names of services are narrower still.
 */

#include "protocol/wire/text.h"

#include "common/utf8.h"
#include "protocol/wire/wire-types.h"

#include <string.h>

bool wire_text_valid(const uint8_t *p, size_t n) {
        uint32_t point;

        while (n > 0) {
                size_t length = utf8_decode_printable(p, n, &point);

                if (length == 0)
                        return false;
                p += length;
                n -= length;
        }
        return true;
}

void wire_text_clean(char *text, size_t max) {
        size_t at = 0, n;
        uint32_t point;

        utf8_clean(text);
        n = strlen(text);
        while (n > max && at < n) {
                size_t length = utf8_decode((const uint8_t *) text + at, n - at, &point);

                if (at + length > max)
                        break;
                at += length;
        }
        if (n > max)
                text[at] = 0;
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
