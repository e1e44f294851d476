/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Shared by the tests of the configuration: compares problems with what a case expects.
 */

#include "agent/config/problem.h"
#include "tests/suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define EXPECTED_MAX 8 /* a list in a case of a table; adds the NULL at the end */

/* True when @text begins with the first piece of @pattern and has the others in this order; "..."
 * separates pieces. */
static inline bool text_matches(const char *text, const char *pattern) {
        bool first = true;

        for (;;) {
                const char *end = strstr(pattern, "..."), *found;
                size_t n = end ? (size_t) (end - pattern) : strlen(pattern);
                char piece[512];

                ck_assert_uint_lt(n, sizeof(piece));
                memcpy(piece, pattern, n);
                piece[n] = '\0';
                found = strstr(text, piece);
                if (!found || (first && found != text))
                        return false;
                if (!end)
                        return true;
                text = found + n;
                pattern = end + 3;
                first = false;
        }
}

/* @expected: NULL-terminated patterns for "file:line: key: message", one for each problem. */
static inline void check_problems(const char *name, const ConfigProblem *problems, size_t n,
                                  const char *const *expected) {
        size_t n_expected = 0;

        while (expected[n_expected])
                n_expected++;
        for (size_t i = 0; i < n; i++) {
                char *text;

                ck_assert_int_eq(config_problem_format(&problems[i], &text), 0);
                ck_assert_msg(i < n_expected, "%s: unexpected problem: %s", name, text);
                ck_assert_msg(text_matches(text, expected[i]), "%s: got '%s', expected '%s'", name,
                              text, expected[i]);
                free(text);
        }
        ck_assert_msg(n == n_expected, "%s: missing problem: %s", name, expected[n]);
}
