/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to config*.c: the list that every step of loading adds its problems to.
 *
 * Adding never fails from the caller's view: running out of memory is remembered, and
 * config_load() returns it at the end. That keeps the parsers free of error paths that would do
 * nothing but report that a report failed.
 */

#include "agent/config/config.h"

/* A file of garbage must not fill the memory with reports of garbage. */
#define CONFIG_PROBLEMS_PER_FILE_MAX 100

typedef struct ConfigProblems {
        ConfigProblem *items; /* owned */
        size_t n, n_allocated;
        bool oom;

        char *file;    /* owned: that of the file being read, see config_problems_begin() */
        size_t n_file; /* problems of that file */
} ConfigProblems;

#define CONFIG_PROBLEMS_NULL ((ConfigProblems){0})

void config_problems_done(ConfigProblems *p);

/* From now on problems belong to @file, whose bytes may be anything: what is not printable UTF-8 is
 * shown as \xNN. */
void config_problems_begin(ConfigProblems *p, const char *file);

/**
 * config_problems_add() - note a problem of the current file
 * @line: 0 for the file as a whole
 * @key: NULL when no key is to blame
 * @format: what is wrong, and what to do; one sentence, printable UTF-8
 */
__attribute__((format(printf, 4, 5))) void config_problems_add(ConfigProblems *p, unsigned line,
                                                               const char *key, const char *format,
                                                               ...);

/* By file, then by line. */
void config_problems_sort(ConfigProblems *p);

/* Copy of @text with everything but printable UTF-8 as \xNN. NULL when out of memory. */
char *config_escape(const char *text);

/* Length of the UTF-8 sequence at the start of @s (at most @n bytes), 0 when it is not one. */
size_t config_utf8_length(const uint8_t *s, size_t n);
