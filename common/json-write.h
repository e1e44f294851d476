/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Writes JSON, pretty enough for people: one member a line. A failed allocation is remembered and
 * told once, at the end.
 */

#include "common/buffer.h"

#include <stdbool.h>
#include <stdint.h>

#define JSON_WRITER_DEPTH_MAX 16

typedef struct JsonWriter {
        Buffer *out; /* borrowed */
        int error;
        unsigned depth;
        bool comma[JSON_WRITER_DEPTH_MAX + 1]; /* a value came at this depth */
} JsonWriter;

#define JSON_WRITER(out_) ((JsonWriter){.out = (out_)})

/* @name: of the member, NULL in an array and at the top. @bracket: '{' or '['. */
void json_open(JsonWriter *w, const char *name, char bracket);
void json_close(JsonWriter *w, char bracket);                               /* '}' or ']' */
void json_string_member(JsonWriter *w, const char *name, const char *text); /* NULL: null */
void json_number(JsonWriter *w, const char *name, uint64_t number);
void json_bool(JsonWriter *w, const char *name, bool value);
