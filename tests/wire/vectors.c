/* SPDX-License-Identifier: MIT */

/*
 * Reads the golden vectors from their text, line by line.
 */

#include "tests/wire/vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int add_hex(Vector *v, const char *line) {
        for (; line[0] != '\0'; line += 2) {
                int high = hex_digit(line[0]), low = high < 0 ? -1 : hex_digit(line[1]);
                uint8_t byte;

                if (low < 0)
                        return -1;
                byte = (uint8_t) (high << 4 | low);
                if (buffer_append(&v->bytes, &byte, 1) < 0)
                        return -1;
        }
        return 0;
}

static int add_meaning(Vector *v, const char *text) {
        size_t n = strlen(v->meaning);

        if (n + strlen(text) + 2 > sizeof(v->meaning))
                return -1;
        (void) snprintf(v->meaning + n, sizeof(v->meaning) - n, "%s%s", n > 0 ? " " : "", text);
        return 0;
}

static int add_line(Vectors *v, const char *line) {
        Vector *last = v->n > 0 ? &v->items[v->n - 1] : NULL;
        const char *space = strchr(line, ' ');

        if (line[0] == '\0' || line[0] == '#')
                return 0;
        if (line[0] == '=' && line[1] == ' ')
                return last ? add_meaning(last, line + 2) : -1;
        if (space == NULL)
                return last ? add_hex(last, line) : -1;
        if (v->n == VECTORS_MAX || space - line > VECTOR_KIND_MAX ||
            strlen(space + 1) > VECTOR_NAME_MAX)
                return -1;
        last = &v->items[v->n++];
        memcpy(last->kind, line, (size_t) (space - line));
        memcpy(last->name, space + 1, strlen(space + 1));
        return 0;
}

int vectors_read(const char *path, Vectors *ret_vectors) {
        Vectors v = {.items = calloc(VECTORS_MAX, sizeof(Vector))};
        FILE *f = fopen(path, "rb");
        char line[VECTOR_LINE_MAX + 2];
        unsigned number = 0;
        int r = f && v.items ? 0 : -1;

        while (r == 0 && fgets(line, sizeof(line), f) != NULL) {
                number++;
                /* A clone with autocrlf may have changed the line endings. */
                line[strcspn(line, "\r\n")] = '\0';
                r = strlen(line) < VECTOR_LINE_MAX ? add_line(&v, line) : -1;
        }
        if (f != NULL)
                (void) fclose(f);
        if (r < 0) {
                (void) fprintf(stderr, "%s:%u: cannot read the vectors\n", path, number);
                vectors_done(&v);
                return -1;
        }
        *ret_vectors = v;
        return 0;
}

void vectors_done(Vectors *v) {
        for (size_t i = 0; i < v->n; i++)
                buffer_done(&v->items[i].bytes);
        free(v->items);
        *v = (Vectors){0};
}

const Vector *vectors_find(const Vectors *v, const char *name) {
        for (size_t i = 0; i < v->n; i++)
                if (strcmp(v->items[i].name, name) == 0)
                        return &v->items[i];
        return NULL;
}
