/* SPDX-License-Identifier: MIT */

/* Reading what WSL's tools print; see wsl-words.h. */

#include "agent/guest/wsl-words.h"

#include "common/hex.h"

#include <string.h>
#include <strings.h>

#define TEXT_LINE_MAX 255 /* longer lines are cut; no answer is that long */

/* Windows' own programs print UTF-16, and text that has passed through one of them may be UTF-16,
 * too. */
static bool is_utf16(const char *p, size_t n) {
        return n >= 2 && ((p[0] == '\xff' && p[1] == '\xfe') || (p[0] != '\0' && p[1] == '\0'));
}

/* ASCII is copied; anything else becomes '?', which no answer contains. Return: bytes in @ret. */
static size_t from_utf16(const char *p, size_t n, char *ret, size_t size) {
        size_t k = 0;

        for (size_t i = p[0] == '\xff' ? 2 : 0; i + 1 < n && k < size; i += 2)
                ret[k++] = p[i + 1] == '\0' && (unsigned char) p[i] < 0x80 ? p[i] : '?';
        return k;
}

static bool is_space(char c) {
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The first line that is not blank, without the space around it. Return: whether there is one. */
static bool first_line(const char *output, size_t n, char ret_line[TEXT_LINE_MAX + 1]) {
        char ascii[2 * TEXT_LINE_MAX];
        size_t k = 0;

        if (is_utf16(output, n)) {
                n = from_utf16(output, n, ascii, sizeof(ascii));
                output = ascii;
        } else if (n >= 3 && memcmp(output, "\xef\xbb\xbf", 3) == 0) {
                output += 3;
                n -= 3;
        }
        while (n > 0 && is_space(*output)) {
                output++;
                n--;
        }
        while (k < n && k < TEXT_LINE_MAX && output[k] != '\n' && output[k] != '\r' &&
               output[k] != '\0')
                k++;
        while (k > 0 && is_space(output[k - 1]))
                k--;
        memcpy(ret_line, output, k);
        ret_line[k] = '\0';
        return k > 0;
}

bool wsl_parse_mode(const char *output, size_t n, uint8_t *ret_mode,
                    char ret_word[WSL_WORD_MAX + 1]) {
        static const struct {
                const char *word;
                WireMode mode;
        } modes[] = {
                {"nat", WIRE_MODE_NAT},
                {"mirrored", WIRE_MODE_MIRRORED},
                {"bridged", WIRE_MODE_BRIDGED},
                {"virtioproxy", WIRE_MODE_VIRTIOPROXY},
                {"consomme", WIRE_MODE_VIRTIOPROXY},
                {"none", WIRE_MODE_NONE},
                {"wsl1", WIRE_MODE_MIRRORED},
        };
        char line[TEXT_LINE_MAX + 1];

        *ret_mode = WIRE_MODE_UNKNOWN;
        ret_word[0] = '\0';
        if (!first_line(output, n, line))
                return false;
        wire_text_clean(line, WSL_WORD_MAX);
        memcpy(ret_word, line, strlen(line) + 1);
        for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
                if (strcasecmp(line, modes[i].word) == 0)
                        *ret_mode = (uint8_t) modes[i].mode;
        return true;
}

bool wsl_name_valid(const char *name) {
        size_t n = strlen(name);

        if (n == 0 || n > WIRE_DISTRO_MAX)
                return false;
        for (size_t i = 0; i < n; i++)
                if (name[i] <= ' ' || name[i] > '~' || name[i] == '/' || name[i] == '\\')
                        return false;
        return true;
}

char *wsl_find_distro(char *path) {
        static const char *const hosts[] = {"\\\\wsl.localhost\\", "\\\\wsl$\\"};

        for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
                char *name = path + strlen(hosts[i]);

                if (strncasecmp(path, hosts[i], strlen(hosts[i])) != 0)
                        continue;
                if (*name && name[strlen(name) - 1] == '\\')
                        name[strlen(name) - 1] = '\0';
                return name;
        }
        return NULL;
}

bool wsl_parse_distro(const char *output, size_t n, char ret_name[WIRE_DISTRO_MAX + 1]) {
        char line[TEXT_LINE_MAX + 1];
        const char *name = first_line(output, n, line) ? wsl_find_distro(line) : NULL;

        if (!name || !wsl_name_valid(name))
                return false;
        memcpy(ret_name, name, strlen(name) + 1);
        return true;
}

bool wsl_parse_vm_id(const char *output, size_t n, uint8_t ret_id[WIRE_ID_SIZE]) {
        static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
        uint8_t id[WIRE_ID_SIZE] = {0};
        char line[TEXT_LINE_MAX + 1], *p = line;
        size_t length, nibble = 0;

        if (!first_line(output, n, line))
                return false;
        length = strlen(p);
        if (length >= 2 && p[0] == '{' && p[length - 1] == '}') {
                p++;
                length -= 2;
        }
        if (length != strlen(form))
                return false;
        for (size_t i = 0; i < length; i++) {
                int digit = hex_digit(p[i]);

                if (form[i] == 'x' ? digit < 0 : p[i] != '-')
                        return false;
                if (form[i] == 'x') {
                        id[nibble / 2] = (uint8_t) (id[nibble / 2] << 4 | digit);
                        nibble++;
                }
        }
        memcpy(ret_id, id, sizeof(id));
        return true;
}

bool wsl_release_is_wsl(const char *release) {
        return strcasestr(release, "microsoft") != NULL;
}

bool wsl_release_is_wsl1(const char *release) {
        return strstr(release, "-Microsoft") != NULL;
}
