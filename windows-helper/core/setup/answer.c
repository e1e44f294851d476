/* SPDX-License-Identifier: MIT */

/*
 * Finds marker lines in what came from a distro, and takes their values out.
 */

#include "windows-helper/core/setup/answer.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define OCTAL_LINE 32 /* bytes in a line */

/* Return: the value in @line, which has @n bytes, or NULL. */
static const char *answer_value(const char *line, size_t n, const char *key) {
        size_t marker = strlen(SETUP_MARKER), length = strlen(key);

        if (n < marker + length + 1 || memcmp(line, SETUP_MARKER, marker) != 0 ||
            memcmp(line + marker, key, length) != 0 || line[marker + length] != '=')
                return NULL;
        return line + marker + length + 1;
}

void setup_answer_each(const char *text, const char *key,
                       void (*fn)(void *userdata, const char *value), void *userdata) {
        const char *end;

        for (; (end = strchr(text, '\n')) != NULL; text = end + 1) {
                const char *from = answer_value(text, (size_t) (end - text), key);
                size_t n = from ? (size_t) (end - from) : 0;
                char value[SETUP_VALUE_MAX];

                if (!from || n >= SETUP_VALUE_MAX)
                        continue;
                memcpy(value, from, n);
                value[n] = '\0';
                fn(userdata, value);
        }
}

typedef struct AnswerLast {
        char *value;
        bool found;
} AnswerLast;

static void answer_on_value(void *userdata, const char *value) {
        AnswerLast *last = userdata;

        memcpy(last->value, value, strlen(value) + 1);
        last->found = true;
}

bool setup_answer(const char *text, const char *key, char ret_value[SETUP_VALUE_MAX]) {
        AnswerLast last = {.value = ret_value};

        ret_value[0] = '\0';
        setup_answer_each(text, key, answer_on_value, &last);
        return last.found;
}

bool setup_answer_is(const char *text, const char *key, const char *value) {
        char found[SETUP_VALUE_MAX];

        return setup_answer(text, key, found) && strcmp(found, value) == 0;
}

bool setup_answer_is_whole(const char *text) {
        return setup_answer_is(text, "begin", "yes") && setup_answer_is(text, "end", "yes");
}

typedef struct AnswerOctal {
        Buffer *out;
        int error;
} AnswerOctal;

static void answer_on_octal(void *userdata, const char *value) {
        AnswerOctal *a = userdata;
        const char *p = value + strspn(value, " ");

        while (*p && a->error == 0) {
                char *end;
                unsigned long number = strtoul(p, &end, 8);
                uint8_t byte = (uint8_t) number;

                if (*p < '0' || *p > '7' || number > UINT8_MAX) /* strtoul() takes signs */
                        a->error = -EINVAL;
                else if (buffer_append(a->out, &byte, 1) < 0)
                        a->error = -ENOMEM;
                p = end + strspn(end, " ");
        }
}

int setup_answer_octal(const char *text, const char *key, Buffer *out) {
        AnswerOctal a = {.out = out};

        setup_answer_each(text, key, answer_on_octal, &a);
        return a.error;
}

void setup_octal(const uint8_t *data, size_t n, Buffer *out) {
        for (size_t i = 0; i < n; i++)
                buffer_printf(out, "\\%03o%s", (unsigned) data[i],
                              i + 1 == n || i % OCTAL_LINE == OCTAL_LINE - 1 ? "\n" : "");
}
