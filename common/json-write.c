/* SPDX-License-Identifier: MIT */

/*
 * Writes JSON, indented, one member per line.
 */

#include "common/json-write.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static void json_put(JsonWriter *w, const char *text, size_t n) {
        if (w->error == 0)
                w->error = buffer_append(w->out, (const uint8_t *) text, n);
}

static void json_line(JsonWriter *w) {
        static const char indent[] = "\n                                ";

        if (w->comma[w->depth])
                json_put(w, ",", 1);
        w->comma[w->depth] = true;
        if (w->depth > 0)
                json_put(w, indent, 1 + 2 * (size_t) w->depth);
}

/* UTF-8 is not escaped. */
static void json_quote(JsonWriter *w, const char *text) {
        char escape[8];

        json_put(w, "\"", 1);
        while (*text) {
                size_t n = 0; /* bytes that need no escape, which are nearly all */

                while ((unsigned char) text[n] >= ' ' && text[n] != '"' && text[n] != '\\')
                        n++;
                json_put(w, text, n);
                text += n;
                if (*text == '\0')
                        break;
                if ((unsigned char) *text < ' ')
                        (void) snprintf(escape, sizeof(escape), "\\u%04x", (unsigned) *text);
                else
                        (void) snprintf(escape, sizeof(escape), "\\%c", *text);
                json_put(w, escape, strlen(escape));
                text++;
        }
        json_put(w, "\"", 1);
}

static void json_begin(JsonWriter *w, const char *name) {
        json_line(w);
        if (name) {
                json_quote(w, name);
                json_put(w, ": ", 2);
        }
}

void json_open(JsonWriter *w, const char *name, char bracket) {
        assert(w->depth < JSON_WRITER_DEPTH_MAX);
        json_begin(w, name);
        json_put(w, &bracket, 1);
        w->comma[++w->depth] = false;
}

void json_close(JsonWriter *w, char bracket) {
        bool any = w->comma[w->depth];

        assert(w->depth > 0);
        w->depth--;
        if (any) {
                w->comma[w->depth] = false;
                if (w->depth > 0)
                        json_line(w);
                else
                        json_put(w, "\n", 1);
                w->comma[w->depth] = true;
        }
        json_put(w, &bracket, 1);
        if (w->depth == 0)
                json_put(w, "\n", 1);
}

void json_string_member(JsonWriter *w, const char *name, const char *text) {
        json_begin(w, name);
        if (text)
                json_quote(w, text);
        else
                json_put(w, "null", 4);
}

void json_number(JsonWriter *w, const char *name, uint64_t number) {
        char text[24];
        int n = snprintf(text, sizeof(text), "%llu", (unsigned long long) number);

        json_begin(w, name);
        json_put(w, text, (size_t) n);
}

void json_bool(JsonWriter *w, const char *name, bool value) {
        json_begin(w, name);
        json_put(w, value ? "true" : "false", value ? 4 : 5);
}
