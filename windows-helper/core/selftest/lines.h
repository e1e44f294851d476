/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the self-test has seen: one line for each call of Windows. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SELFTEST_STEPS     17
#define SELFTEST_WORD_MAX  47  /* bytes of a key, or of the name of a function */
#define SELFTEST_TEXT_MAX  239 /* bytes; what the JSON reader keeps of a string is more */
#define SELFTEST_LINES_MAX 1000

/* Who asked: an administrator, or a service with the settings of the helper's, or of the relay's.
 */
typedef enum SelftestPass {
        SELFTEST_USER,
        SELFTEST_SERVICE,
        SELFTEST_RELAY,
        _SELFTEST_PASS_END
} SelftestPass;

typedef struct SelftestLine {
        SelftestPass pass;
        uint8_t step;  /* 1 to SELFTEST_STEPS */
        bool done;     /* false: not done, and the text says why */
        uint32_t code; /* of Windows: 0, an error of Win32 or Winsock, or an HRESULT */
        uint32_t ms;
        char key[SELFTEST_WORD_MAX +
                 1]; /* what was asked, such as "hcs.list.none"; stays the same */
        char api[SELFTEST_WORD_MAX + 1];  /* the function */
        char text[SELFTEST_TEXT_MAX + 1]; /* what came, for people */
} SelftestLine;

typedef struct SelftestLines {
        SelftestLine *items; /* owned */
        size_t n, size;
        bool oom; /* a line was lost */
} SelftestLines;

#define SELFTEST_LINES_NULL ((SelftestLines){.items = NULL})

/* Append a copy. A line above SELFTEST_LINES_MAX is lost. */
void selftest_lines_add(SelftestLines *l, const SelftestLine *line);

/* The last line with @key in @pass that was done, or NULL. */
const SelftestLine *selftest_lines_find(const SelftestLines *l, SelftestPass pass, const char *key);

/* Append the lines of a report as selftest_report_json() writes it. Return: 0 or -EINVAL; then some
 * may have been appended. */
int selftest_lines_read(SelftestLines *l, const char *json, size_t n);

void selftest_lines_done(SelftestLines *l);

const char *selftest_pass_name(SelftestPass pass); /* "user", "service", "relay" */
const char *selftest_step_title(uint8_t step);
