/* SPDX-License-Identifier: MIT */

/*
 * Writes JSON, indented, one member per line.
 */

#include "common/json-write.h"

#include "common/utf8.h"

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

/* Write the character at @text, which has @n bytes or more until the end, as an escape. Return: its
 * bytes. */
static size_t json_escape(JsonWriter *w, const char *text, size_t n) {
        char escape[16];
        uint32_t point;
        size_t length = utf8_decode((const uint8_t *) text, n, &point);

        if (*text == '"' || *text == '\\')
                (void) snprintf(escape, sizeof(escape), "\\%c", *text);
        else if (length == 0)
                (void) snprintf(escape, sizeof(escape), "?");
        else if (point < 0x10000)
                (void) snprintf(escape, sizeof(escape), "\\u%04x", (unsigned) point);
        else
                (void) snprintf(escape, sizeof(escape), "\\u%04x\\u%04x",
                                (unsigned) (0xd800 + ((point - 0x10000) >> 10)),
                                (unsigned) (0xdc00 + (point & 0x3ff)));
        json_put(w, escape, strlen(escape));
        return length > 0 ? length : 1;
}

/* UTF-8 is escaped only where it may not be shown, so that the text can go to a terminal and loses
 * nothing. */
static void json_quote(JsonWriter *w, const char *text) {
        size_t left = strlen(text);

        json_put(w, "\"", 1);
        while (left > 0) {
                size_t n = 0, length = 1; /* bytes that need no escape, which are nearly all */
                uint32_t point;

                while (n < left && length > 0 && text[n] != '"' && text[n] != '\\') {
                        length =
                                utf8_decode_printable((const uint8_t *) text + n, left - n, &point);
                        n += length;
                }
                json_put(w, text, n);
                if (n < left)
                        n += json_escape(w, text + n, left - n);
                text += n;
                left -= n;
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
