/* SPDX-License-Identifier: MIT */

/*
 * The list of problems: growing, escaping, sorting, formatting. It does not know any key or file.
 */

#include "agent/config/problem.h"

#include "common/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PROBLEMS_ALLOCATED_MIN 16

static void problem_done(ConfigProblem *problem) {
        free(problem->file);
        free(problem->key);
        free(problem->message);
}

void config_problems_done(ConfigProblems *p) {
        for (size_t i = 0; i < p->n; i++)
                problem_done(&p->items[i]);
        free(p->items);
        free(p->file);
        *p = CONFIG_PROBLEMS_NULL;
}

char *config_escape(const char *text) {
        size_t n = strlen(text), at = 0;
        char *copy = malloc(n * 4 + 1);

        if (!copy)
                return NULL;
        for (size_t i = 0; i < n;) {
                uint32_t point;
                size_t length = utf8_decode_printable((const uint8_t *) text + i, n - i, &point);

                if (length == 0) {
                        at += (size_t) sprintf(copy + at, "\\x%02x", (uint8_t) text[i]);
                        i++;
                        continue;
                }
                memcpy(copy + at, text + i, length);
                at += length;
                i += length;
        }
        copy[at] = '\0';
        return copy;
}

void config_problems_begin(ConfigProblems *p, const char *file) {
        free(p->file);
        p->n_file = 0;
        p->file = strdup(file);
        if (!p->file)
                p->oom = true;
}

static bool problems_grow(ConfigProblems *p) {
        size_t n_allocated = p->n_allocated ? p->n_allocated * 2 : PROBLEMS_ALLOCATED_MIN;
        ConfigProblem *items;

        if (p->n < p->n_allocated)
                return true;
        items = reallocarray(p->items, n_allocated, sizeof(*items));
        if (!items)
                return false;
        p->items = items;
        p->n_allocated = n_allocated;
        return true;
}

void config_problems_add(ConfigProblems *p, unsigned line, const char *key, const char *format,
                         ...) {
        ConfigProblem problem = {.line = line};
        va_list args;
        char *message;
        int r;

        /* Counted even when it is not kept, because a file with problems is left out. */
        p->n_file++;
        if (p->oom || p->n_file > CONFIG_PROBLEMS_PER_FILE_MAX)
                return;
        if (p->n_file == CONFIG_PROBLEMS_PER_FILE_MAX) {
                key = NULL;
                format = "this problem and further ones are not shown, because there are too many; "
                         "correct the ones above first";
        }
        va_start(args, format);
        r = vasprintf(&message, format, args);
        va_end(args);
        /* A value is any text of UTF-8, also of characters that nobody sees. */
        problem.message = r < 0 ? NULL : config_escape(message);
        if (r >= 0)
                free(message);
        problem.file = config_escape(p->file);
        problem.key = key ? config_escape(key) : NULL;
        if (!problem.message || !problem.file || (key && !problem.key) || !problems_grow(p)) {
                problem_done(&problem);
                p->oom = true;
                return;
        }
        p->items[p->n++] = problem;
}

int config_problem_compare(const ConfigProblem *x, const ConfigProblem *y) {
        int r = strcmp(x->file, y->file);

        if (r != 0)
                return r;
        if (x->line != y->line)
                return x->line < y->line ? -1 : 1;
        return strcmp(x->message, y->message); /* any fixed order */
}

static int problem_compare(const void *a, const void *b) {
        return config_problem_compare(a, b);
}

void config_problems_sort(ConfigProblems *p) {
        if (p->n > 1)
                qsort(p->items, p->n, sizeof(*p->items), problem_compare);
}

static int problem_compare_file(const void *file, const void *problem) {
        return strcmp(file, ((const ConfigProblem *) problem)->file);
}

bool config_has_problem(const Config *c, const char *file) {
        return c->n_problems > 0 && bsearch(file, c->problems, c->n_problems, sizeof(*c->problems),
                                            problem_compare_file);
}

bool is_config_path(const char *file, const char *name) {
        size_t n = strlen(file), k = strlen(name);

        return n > k && file[n - k - 1] == '/' && strcmp(file + n - k, name) == 0;
}

const char *config_in_force_text(const char *file, bool previous) {
        if (previous)
                return "what it said before stays in force";
        return is_config_path(file, CONFIG_AGENT_FILE) ? "the defaults are in force"
                                                       : "it is left out";
}

int config_problem_format(const ConfigProblem *p, char **ret_text) {
        char line[16] = "";
        char *text;

        if (p->line > 0)
                (void) snprintf(line, sizeof(line), ":%u", p->line);
        if (asprintf(&text, "%s%s: %s%s%s", p->file, line, p->key ? p->key : "", p->key ? ": " : "",
                     p->message) < 0)
                return -ENOMEM;
        *ret_text = text;
        return 0;
}
