/* SPDX-License-Identifier: MIT */

/*
 * Numbers, port ranges and words, and the "did you mean" of everything that has a name.
 */

#include "agent/config/values.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 24 /* longer texts are not compared, because no word of ours is so long */

static size_t min3(size_t a, size_t b, size_t c) {
        size_t ab = a < b ? a : b;

        return ab < c ? ab : c;
}

static char fold(char c) {
        return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c == '_' ? '-' : c;
}

/* The edits (insert, delete, replace) between the two. Case does not count, nor '_' instead of '-'.
 */
static size_t edit_distance(const char *a, const char *b) {
        size_t row[WORD_MAX + 1], n_b = strlen(b);

        for (size_t j = 0; j <= n_b; j++)
                row[j] = j;
        for (size_t i = 1; a[i - 1] != '\0'; i++) {
                size_t diagonal = row[0];

                row[0] = i;
                for (size_t j = 1; j <= n_b; j++) {
                        size_t above = row[j];
                        bool same = fold(a[i - 1]) == fold(b[j - 1]);

                        row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (same ? 0 : 1));
                        diagonal = above;
                }
        }
        return row[n_b];
}

const char *config_suggest(const char *text, const char *const *words) {
        const char *best = NULL;
        size_t best_distance = SIZE_MAX;

        if (strlen(text) > WORD_MAX)
                return NULL;
        for (; *words; words++) {
                size_t n = strlen(*words), distance = edit_distance(text, *words);

                /* Up to a third of wrong letters is a typing error, and one always is. */
                if (distance <= (n < 6 ? 1 : n / 3) && distance < best_distance) {
                        best = *words;
                        best_distance = distance;
                }
        }
        return best;
}

/* "a, b, c", for the message about a key that resembles none of them. */
static void list_keys(const ConfigKey *keys, size_t n_keys, char *ret_text, size_t size) {
        size_t n = 0;

        ret_text[0] = '\0';
        for (size_t i = 0; i < n_keys; i++) {
                size_t length = strlen(keys[i].name);

                if (n + length + 3 > size)
                        break;
                n = (size_t) (stpcpy(stpcpy(ret_text + n, i > 0 ? ", " : ""), keys[i].name) -
                              ret_text);
        }
}

static void key_unknown(const ConfigKey *keys, size_t n_keys, const ConfigValue *value) {
        const char *near = NULL;
        char known[128];

        for (size_t i = 0; i < n_keys && !near; i++)
                near = config_suggest(value->key, (const char *const[]){keys[i].name, NULL});
        list_keys(keys, n_keys, known, sizeof(known));
        if (value->key[0] == '\0') {
                config_problems_add(value->problems, value->line, NULL,
                                    "there is no key before '='; known keys are: %s", known);
        } else if (near) {
                config_problems_add(value->problems, value->line, value->key,
                                    "unknown key; did you mean '%s'?", near);
        } else {
                config_problems_add(value->problems, value->line, value->key,
                                    "unknown key; known keys are: %s", known);
        }
}

int config_key_find(ConfigKey *keys, size_t n_keys, const ConfigValue *value) {
        for (size_t i = 0; i < n_keys; i++) {
                if (strcmp(keys[i].name, value->key) != 0)
                        continue;
                if (keys[i].first_line != 0 && !keys[i].list) {
                        config_problems_add(value->problems, value->line, value->key,
                                            "was already given in line %u; keep one of the two",
                                            keys[i].first_line);
                        return -1;
                }
                if (keys[i].first_line == 0)
                        keys[i].first_line = value->line;
                if (value->text[0] == '\0') {
                        config_problems_add(value->problems, value->line, value->key,
                                            "has no value; give one, or remove the line");
                        return -1;
                }
                return (int) i;
        }
        key_unknown(keys, n_keys, value);
        return -1;
}

int config_parse_number(const char *text, uint64_t max, uint64_t *ret_number) {
        uint64_t number = 0;

        if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0')
                return -EINVAL;
        for (; *text != '\0'; text++) {
                number = number * 10 + (uint64_t) (*text - '0');
                if (number > max)
                        return -ERANGE;
        }
        *ret_number = number;
        return 0;
}

/* "8080/udp", as other programs write it. Return: whether @text is that; the problem was added. */
static bool has_protocol(const ConfigValue *value, const char *text) {
        const char *slash = strchr(text, '/');

        if (!slash || (strcasecmp(slash, "/tcp") != 0 && strcasecmp(slash, "/udp") != 0))
                return false;
        config_problems_add(value->problems, value->line, value->key,
                            strcasecmp(slash, "/tcp") == 0
                                    ? "TCP is the default; write %.*s"
                                    : "write %.*s, and 'protocol = udp' in a line of its own",
                            (int) (slash - text), text);
        return true;
}

static bool parse_port(const ConfigValue *value, const char *text, uint16_t *ret_port) {
        uint64_t port;
        int r = config_parse_number(text, UINT16_MAX, &port);

        if (r == -EINVAL && has_protocol(value, text))
                return false;
        if (r == -EINVAL) {
                const char *hint = strchr(value->text, '#')
                                           ? " (a comment after a value starts with ' ;')"
                                           : "";

                config_problems_add(value->problems, value->line, value->key,
                                    "'%s' is not a port; write a number from 1 to 65535, or a "
                                    "range such as 8000-8010%s",
                                    text, hint);
                return false;
        }
        if (r < 0 || port == 0) {
                config_problems_add(value->problems, value->line, value->key,
                                    "there is no port %s; ports are 1 to 65535", text);
                return false;
        }
        *ret_port = (uint16_t) port;
        return true;
}

bool config_parse_ports(const ConfigValue *value, const char *text, uint16_t *ret_first,
                        uint16_t *ret_count) {
        char copy[CONFIG_LINE_MAX + 1], *dash, *end;
        uint16_t first, last;

        config_copy_text(copy, text);
        dash = copy[0] != '\0' ? strchr(copy + 1, '-') : NULL;
        if (!dash) {
                if (!parse_port(value, copy, ret_first))
                        return false;
                *ret_count = 1;
                return true;
        }
        for (end = dash; end > copy && (end[-1] == ' ' || end[-1] == '\t'); end--) {
        }
        *end = '\0';
        dash += 1 + strspn(dash + 1, " \t");
        if (!parse_port(value, copy, &first) || !parse_port(value, dash, &last))
                return false;
        if (first > last && strlen(dash) < strlen(copy)) { /* "8000-9", as a person shortens it */
                config_problems_add(value->problems, value->line, value->key,
                                    "the range %u-%u is reversed; write both ports in full, such "
                                    "as %u-%.*s%s",
                                    first, last, first, (int) (strlen(copy) - strlen(dash)), copy,
                                    dash);
                return false;
        }
        if (first > last) {
                config_problems_add(value->problems, value->line, value->key,
                                    "the range %u-%u is reversed; write %u-%u", first, last, last,
                                    first);
                return false;
        }
        *ret_first = first;
        *ret_count = (uint16_t) (last - first + 1);
        return true;
}

void config_copy_text(char ret_copy[CONFIG_LINE_MAX + 1], const char *text) {
        size_t n = strnlen(text, CONFIG_LINE_MAX);

        memcpy(ret_copy, text, n);
        ret_copy[n] = '\0';
}

char *config_next_word(char **list) {
        char *word;

        do {
                word = strsep(list, ", \t");
        } while (word && word[0] == '\0');
        return word;
}
