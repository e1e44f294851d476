/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reads JSON token by token, without allocation: names and strings are copied to a buffer of fixed
 * size. Strict about structure and bounded in depth; nothing of a text is kept.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH_MAX  16
#define JSON_STRING_MAX 256 /* bytes; longer strings are cut, which .cut tells */

typedef enum JsonType {
        JSON_END, /* the whole text was read */
        JSON_OBJECT,
        JSON_OBJECT_END,
        JSON_ARRAY,
        JSON_ARRAY_END,
        JSON_STRING,
        JSON_NUMBER, /* text as it stands */
        JSON_TRUE,
        JSON_FALSE,
        JSON_NULL,
} JsonType;

typedef struct JsonToken {
        JsonType type;
        bool has_name; /* a member of an object */
        bool cut;
        char name[JSON_STRING_MAX + 1], text[JSON_STRING_MAX + 1]; /* UTF-8 */
} JsonToken;

typedef struct JsonReader {
        const char *at, *end;
        char stack[JSON_DEPTH_MAX]; /* '{' or '[' */
        unsigned depth;
        bool started, comma; /* a value came; one more needs a comma before it */
} JsonReader;

void json_reader_init(JsonReader *r, const char *text, size_t n);

/* Return: 0, or -EINVAL for what is no JSON (then every further call says so, too). */
int json_next(JsonReader *r, JsonToken *ret_token);

/* Skip the rest of the object or array that began with the token just read. */
int json_skip(JsonReader *r, const JsonToken *token);
