/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to agent/config: the small parsers that several keys share.
 */

#include "agent/config/problem.h"

/* A value and its place, for the problems that it may have. All borrowed. */
typedef struct ConfigValue {
        ConfigProblems *problems;
        unsigned line;
        const char *key;
        const char *text;
} ConfigValue;

/* A value and where it was set, so that a second one can name the first. */
typedef struct ConfigKey {
        const char *name;
        bool list;           /* may be given several times */
        unsigned first_line; /* 0: not given yet */
} ConfigKey;

/**
 * config_key_find() - look up @name among the keys of a section
 *
 * Adds a problem when the key is unknown (with a suggestion when one is similar), when it is given
 * twice and is not a list, or when @value is empty.
 *
 * Return: index in @keys, or -1 when a problem was added.
 */
int config_key_find(ConfigKey *keys, size_t n_keys, const ConfigValue *value);

/* The word of NULL-terminated @words of which @text is probably a misspelling, or NULL. A word that
 * differs only in case counts, too. */
const char *config_suggest(const char *text, const char *const *words);

/* Read a number of decimal digits only. Return: 0, -EINVAL when @text is something else, -ERANGE
 * when it is above @max. */
int config_parse_number(const char *text, uint64_t max, uint64_t *ret_number);

/**
 * config_parse_ports() - read "80" or "8000-8010"
 * @value: only for its place; the ports are in @text
 * @ret_count: the number of ports, 1 for a single one
 *
 * Return: true, or false when a problem was added.
 */
bool config_parse_ports(const ConfigValue *value, const char *text, uint16_t *ret_first,
                        uint16_t *ret_count);

/* Copy the text of a line, or a part of it, to where it may be cut into pieces. */
void config_copy_text(char ret_copy[CONFIG_LINE_MAX + 1], const char *text);

/* Cut the next word off a list that is separated by commas and spaces. NULL at its end. */
char *config_next_word(char **list);
