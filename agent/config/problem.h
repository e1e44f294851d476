/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Internal to agent/config: the list to which every step of loading adds its problems.
 *
 * For the caller, adding never fails: the list remembers when it runs out of memory, and
 * config_load() returns that at the end. This keeps the parsers free of error paths that could only
 * report a failed report.
 */

#include "agent/config/config.h"

/* A file of garbage must not fill the memory with its problems. */
#define CONFIG_PROBLEMS_PER_FILE_MAX 100

typedef struct ConfigProblems {
        ConfigProblem *items; /* owned */
        size_t n, n_allocated;
        bool oom;
        bool passing; /* as in Config */

        char *file;    /* owned: the file that is being read, as config_problems_begin() got it */
        size_t n_file; /* problems of that file */
} ConfigProblems;

#define CONFIG_PROBLEMS_NULL ((ConfigProblems){0})

void config_problems_done(ConfigProblems *p);

/* From now on, problems belong to @file. Its name may have any bytes; what is not printable UTF-8
 * is shown as \xNN. */
void config_problems_begin(ConfigProblems *p, const char *file);

/**
 * config_problems_add() - add a problem of the current file
 * @line: 0 for the file as a whole
 * @key: NULL when the problem is not about a key
 * @format: what is wrong, and what to do; one sentence, printable UTF-8
 */
__attribute__((format(printf, 4, 5))) void config_problems_add(ConfigProblems *p, unsigned line,
                                                               const char *key, const char *format,
                                                               ...);

/* By file, then by line. */
void config_problems_sort(ConfigProblems *p);

/* A copy of @text in which everything but printable UTF-8 is \xNN; owned by the caller. NULL when
 * out of memory. */
char *config_escape(const char *text);

/* Whether @file, as problems name it, is @name: CONFIG_AGENT_FILE or CONFIG_SERVICE_DIR. */
bool is_config_path(const char *file, const char *name);
