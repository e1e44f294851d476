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

static bool is_space(char c) {
        return c == ' ' || c == '\t';
}

/* What is left of an output. */
typedef struct Lines {
        const char *p;
        size_t n;
        bool utf16;
} Lines;

static Lines lines_of(const char *output, size_t n) {
        Lines l = {.p = output, .n = n, .utf16 = is_utf16(output, n)};
        size_t mark = 0;

        if (l.utf16 && output[0] == '\xff')
                mark = 2;
        else if (n >= 3 && memcmp(output, "\xef\xbb\xbf", 3) == 0)
                mark = 3;
        l.p += mark;
        l.n -= mark;
        return l;
}

/* Take the next character; of UTF-16, anything but ASCII is '?', which no answer contains. Return:
 * whether there was one. */
static bool next_char(Lines *l, char *ret) {
        size_t size = l->utf16 ? 2 : 1;

        if (l->n < size)
                return false;
        *ret = *l->p;
        if (l->utf16 && (l->p[1] != '\0' || (unsigned char) *ret >= 0x80))
                *ret = '?';
        l->p += size;
        l->n -= size;
        return true;
}

/* Take the next line that is not blank, without the space around it. Return: whether there is one.
 */
static bool next_line(Lines *l, char ret_line[TEXT_LINE_MAX + 1]) {
        size_t k = 0;
        char c;

        while (next_char(l, &c)) {
                if (c == '\n' || c == '\r' || c == '\0') {
                        if (k > 0)
                                break;
                } else if (k < TEXT_LINE_MAX && (k > 0 || !is_space(c))) {
                        ret_line[k++] = c;
                }
        }
        while (k > 0 && is_space(ret_line[k - 1]))
                k--;
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
        Lines lines = lines_of(output, n);
        char line[TEXT_LINE_MAX + 1];

        *ret_mode = WIRE_MODE_UNKNOWN;
        ret_word[0] = '\0';
        while (*ret_mode == WIRE_MODE_UNKNOWN && next_line(&lines, line)) {
                wire_text_clean(line, WSL_WORD_MAX);
                for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
                        if (strcasecmp(line, modes[i].word) == 0)
                                *ret_mode = (uint8_t) modes[i].mode;
                if (!*ret_word || *ret_mode != WIRE_MODE_UNKNOWN)
                        memcpy(ret_word, line, strlen(line) + 1);
        }
        return *ret_word;
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
        Lines lines = lines_of(output, n);
        char line[TEXT_LINE_MAX + 1];

        while (next_line(&lines, line)) {
                const char *name = wsl_find_distro(line);

                if (!name || !wsl_name_valid(name))
                        continue;
                memcpy(ret_name, name, strlen(name) + 1);
                return true;
        }
        return false;
}

static bool parse_guid(const char *p, uint8_t ret_id[WIRE_ID_SIZE]) {
        static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
        uint8_t id[WIRE_ID_SIZE] = {0};
        size_t length = strlen(p), nibble = 0;

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

bool wsl_parse_vm_id(const char *output, size_t n, uint8_t ret_id[WIRE_ID_SIZE]) {
        Lines lines = lines_of(output, n);
        char line[TEXT_LINE_MAX + 1] = "";

        while (next_line(&lines, line))
                if (parse_guid(line, ret_id))
                        return true;
        return false;
}

bool wsl_release_is_wsl(const char *release) {
        return strcasestr(release, "microsoft") != NULL;
}

bool wsl_release_is_wsl1(const char *release) {
        return strstr(release, "-Microsoft") != NULL;
}
