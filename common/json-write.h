/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Writes JSON that people can read, too: one member per line. A failed allocation is remembered in
 * .error, at which the caller looks once, at the end.
 */

#include "common/buffer.h"

#include <stdbool.h>
#include <stdint.h>

#define JSON_WRITER_DEPTH_MAX 16

typedef struct JsonWriter {
        Buffer *out; /* borrowed */
        int error;
        unsigned depth;
        bool comma[JSON_WRITER_DEPTH_MAX + 1]; /* a value was written at this depth */
} JsonWriter;

#define JSON_WRITER(out_) ((JsonWriter){.out = (out_)})

/* Begin an object or array. @name: of the member; NULL in an array and at the top. @bracket: '{' or
 * '['. */
void json_open(JsonWriter *w, const char *name, char bracket);
void json_close(JsonWriter *w, char bracket);                               /* '}' or ']' */
void json_string_member(JsonWriter *w, const char *name, const char *text); /* NULL: null */
void json_number(JsonWriter *w, const char *name, uint64_t number);
void json_bool(JsonWriter *w, const char *name, bool value);
