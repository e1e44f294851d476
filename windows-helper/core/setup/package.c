/* SPDX-License-Identifier: MIT */

/*
 * Reads the names and sums of packages, and writes base64.
 */

#include "windows-helper/core/setup/package.h"

#include <string.h>

#define PACKAGE_START "wslbridge_"
#define PACKAGE_LINE  57 /* bytes that a line of 76 characters holds */

/* Those of Debian's policy, 5.6.12, without the colon, which no file name has on Windows. */
#define PACKAGE_VERSION_CHARACTERS \
        "0123456789.+-~abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

bool package_version(const char *name, const char *arch, char ret_version[PACKAGE_VERSION_MAX]) {
        size_t start = strlen(PACKAGE_START), n, arch_n = strlen(arch);
        const char *end;

        if (strncmp(name, PACKAGE_START, start) != 0)
                return false;
        n = strspn(name + start, PACKAGE_VERSION_CHARACTERS);
        end = name + start + n;
        if (n == 0 || n >= PACKAGE_VERSION_MAX || *end != '_' ||
            strncmp(end + 1, arch, arch_n) != 0 || strcmp(end + 1 + arch_n, ".deb") != 0)
                return false;
        memcpy(ret_version, name + start, n);
        ret_version[n] = '\0';
        return true;
}

/* A line is a sum, a space, a space or '*', and a path. */
static bool package_line_is(const char *line, size_t n, const char *name) {
        const size_t sum = PACKAGE_SUM_MAX - 1, length = strlen(name);

        return n >= sum + 2 + length && strspn(line, "0123456789abcdef") == sum &&
               line[sum] == ' ' && memcmp(line + n - length, name, length) == 0 &&
               strchr(" */", line[n - length - 1]);
}

bool package_sum(const char *sums, const char *name, char ret_sum[PACKAGE_SUM_MAX]) {
        while (*sums) {
                size_t n = strcspn(sums, "\r\n");

                if (package_line_is(sums, n, name)) {
                        memcpy(ret_sum, sums, PACKAGE_SUM_MAX - 1);
                        ret_sum[PACKAGE_SUM_MAX - 1] = '\0';
                        return true;
                }
                sums += n;
                sums += strspn(sums, "\r\n");
        }
        return false;
}

static void base64_group(const uint8_t *bytes, size_t n, char ret[4]) {
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        uint32_t bits = (uint32_t) bytes[0] << 16 | (n > 1 ? (uint32_t) bytes[1] << 8 : 0) |
                        (n > 2 ? bytes[2] : 0);

        ret[0] = digits[bits >> 18];
        ret[1] = digits[bits >> 12 & 63];
        ret[2] = n > 1 ? digits[bits >> 6 & 63] : '=';
        ret[3] = n > 2 ? digits[bits & 63] : '=';
}

void package_base64(const uint8_t *bytes, size_t n, Buffer *out) {
        for (size_t at = 0; at < n;) {
                char line[PACKAGE_LINE / 3 * 4 + 1];
                size_t used = 0, end = n - at < PACKAGE_LINE ? n : at + PACKAGE_LINE;

                for (; at < end; at += 3, used += 4)
                        base64_group(bytes + at, n - at, line + used);
                line[used++] = '\n';
                if (buffer_append(out, line, used) < 0)
                        return;
        }
}
