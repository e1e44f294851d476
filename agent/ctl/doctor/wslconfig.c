/* SPDX-License-Identifier: MIT */

/*
 * Looks for the idle timeout of distros, the firewall and the networking mode in the text of a
 * .wslconfig, and for systemd in a wsl.conf.
 */

#include "agent/ctl/doctor/wslconfig.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool wslconfig_is_before_idle(const char *text) {
        static const unsigned long first[] = {2, 5, 7};
        char *end;

        for (size_t i = 0; i < ELEMENTSOF(first); i++) {
                unsigned long n = strtoul(text, &end, 10);

                if (end == text || (i + 1 < ELEMENTSOF(first) && *end != '.'))
                        return false;
                if (n != first[i])
                        return n < first[i];
                text = end + 1;
        }
        return false;
}

#define LINE_TEXT_MAX 255 /* no line of interest is that long */

/* Without the space around it, and without a comment. Return: the rest, in @line. */
static char *trim(char *line) {
        char *end = line + strcspn(line, "#");

        while (end > line && strchr(" \t\r", end[-1]))
                end--;
        *end = '\0';
        return line + strspn(line, " \t\r");
}

static bool is_word(const char *text, size_t n, const char *word) {
        return strlen(word) == n && strncasecmp(text, word, n) == 0;
}

/* Without the quotes, which are allowed. */
static char *unquote(char *value) {
        size_t n;

        value = trim(value);
        n = strlen(value);
        if (n < 2 || value[0] != '"' || value[n - 1] != '"')
                return value;
        value[n - 1] = '\0';
        return value + 1;
}

static bool is_over(const char *text) {
        return strchr("#\r\n", *text) != NULL; /* or the end of the text */
}

static size_t word_length(const char *text) {
        size_t n = 0;

        if (isalpha((unsigned char) *text))
                while (isalnum((unsigned char) text[n]))
                        n++;
        return n;
}

/* What begins at @text, until its line or a comment. @ret_end: there; several lines further when a
 * backslash continues it. Return: whether WSL understands it. */
static bool understood_value(const char *text, const char **ret_end) {
        bool quoted = false, good = true;

        for (; good && *text != '\n' && *text && (quoted || *text != '#'); text++) {
                quoted ^= *text == '"';
                if (*text != '\\')
                        continue;
                text++;
                good = *text && strchr("\\\"bnt\r\n", *text);
                if (!good)
                        text--;
        }
        *ret_end = text;
        return good && !quoted;
}

/* As WSL does it (fact 7.2.1). @ret_end: the end of the line, or of the last one that belongs to it
 */
static bool understood(const char *text, const char **ret_end) {
        size_t n;

        text += strspn(text, " \t");
        *ret_end = text;
        if (is_over(text))
                return true;
        n = word_length(text + (*text == '['));
        if (*text == '[')
                return n > 0 && text[n + 1] == ']' &&
                       is_over(text + n + 2 + strspn(text + n + 2, " \t"));
        text += n;
        text += strspn(text, " \t");
        return n > 0 && *text == '=' && understood_value(text + 1, ret_end);
}

/* Return: the line at which WSL stops reading a wsl.conf, beginning with 1; 0 when it reads all.
 * @ret_n: the bytes before it */
static unsigned stop_of(const char *text, size_t *ret_n) {
        const char *at = text, *end;
        unsigned number = 1;

        for (; *at; at = end) {
                if (!understood(at, &end))
                        break;
                end += strcspn(end, "\n");
                end += *end == '\n';
                for (const char *p = at; p < end; p++)
                        number += *p == '\n';
        }
        *ret_n = (size_t) (at - text);
        return *at ? number : 0;
}

static bool is_section(const char *line, const char *const *sections) {
        for (; *sections; sections++)
                if (strcasecmp(line, *sections) == 0)
                        return true;
        return false;
}

typedef enum Place { NOWHERE, ELSEWHERE, IN_SECTION } Place; /* of a key */

/* Look for the first value of a key in @n_text bytes. @sections: in any of these, with their
 * brackets; NULL-terminated.
 * @ret: the value, of LINE_TEXT_MAX bytes at most. */
static Place find_value(const char *text, size_t n_text, const char *const *sections,
                        const char *key, char *ret) {
        const char *end = text + n_text;
        Place found = NOWHERE;
        bool inside = false;

        while (text < end) {
                size_t n = strcspn(text, "\n");
                char buffer[LINE_TEXT_MAX + 1], *line, *equals;

                (void) snprintf(buffer, sizeof(buffer), "%.*s", (int) n, text);
                text += text[n] ? n + 1 : n;
                line = trim(buffer);
                equals = strchr(line, '=');
                if (*line == '[') {
                        /* A header that is none does not end the section if no letter begins it. */
                        if (isalpha((unsigned char) line[1]))
                                inside = is_section(line, sections);
                } else if (equals) {
                        size_t length = (size_t) (equals - line);

                        while (length > 0 && strchr(" \t", line[length - 1]))
                                length--;
                        if (!is_word(line, length, key))
                                continue;
                        if (inside) {
                                (void) snprintf(ret, LINE_TEXT_MAX + 1, "%s", unquote(equals + 1));
                                return IN_SECTION;
                        }
                        found = ELSEWHERE;
                }
        }
        return found;
}

static bool is_false(const char *value) {
        return strcasecmp(value, "false") == 0 || strcmp(value, "0") == 0;
}

WslSystemd wslconf_systemd(const char *text, unsigned *ret_line) {
        static const char *const sections[] = {"[boot]", NULL};
        char value[LINE_TEXT_MAX + 1];
        size_t n;

        *ret_line = stop_of(text, &n);
        switch (find_value(text, n, sections, "systemd", value)) {
        case NOWHERE:
                return *ret_line > 0 ? WSL_SYSTEMD_UNREAD : WSL_SYSTEMD_UNSET;
        case ELSEWHERE:
                return *ret_line > 0 ? WSL_SYSTEMD_UNREAD : WSL_SYSTEMD_ODD;
        case IN_SECTION:
                break;
        }
        if (strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0)
                return WSL_SYSTEMD_ON;
        return is_false(value) ? WSL_SYSTEMD_OFF : WSL_SYSTEMD_ODD;
}

/* @sections: as for find_value(). @ret: the value, "" for none. */
static void wslconfig_value(const char *text, const char *const *sections, const char *key,
                            char ret[LINE_TEXT_MAX + 1]) {
        static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8, which Windows skips */

        if (strncmp(text, mark, strlen(mark)) == 0)
                text += strlen(mark);
        if (find_value(text, strlen(text), sections, key, ret) != IN_SECTION)
                ret[0] = '\0';
}

IdleStop wslconfig_idle(const char *text) {
        static const char *const sections[] = {"[general]", NULL};
        char value[LINE_TEXT_MAX + 1], *end;

        wslconfig_value(text, sections, "instanceIdleTimeout", value);
        return strtol(value, &end, 0) < 0 && *end == '\0' ? IDLE_STAYS : IDLE_STOPS;
}

/* Of a key that was an experiment once, and so counts in either section. */
static const char *const either[] = {"[wsl2]", "[experimental]", NULL};

bool wslconfig_firewall_off(const char *text) {
        char value[LINE_TEXT_MAX + 1];

        wslconfig_value(text, either, "firewall", value);
        return is_false(value);
}

bool wslconfig_mirrored(const char *text) {
        char value[LINE_TEXT_MAX + 1];

        wslconfig_value(text, either, "networkingMode", value);
        return strcasecmp(value, "mirrored") == 0;
}
