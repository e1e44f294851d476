/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reads JSON token by token, without allocation: names and strings are copied to a buffer of fixed
 * size. It is strict about the structure and bounded in depth, and it keeps no pointer into a
 * token.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH_MAX  16
#define JSON_STRING_MAX 256 /* bytes; a longer string is cut, and .cut is set */

typedef enum JsonType {
        JSON_END, /* the whole text was read */
        JSON_OBJECT,
        JSON_OBJECT_END,
        JSON_ARRAY,
        JSON_ARRAY_END,
        JSON_STRING,
        JSON_NUMBER, /* .text is the number as it was written */
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
        bool started, comma; /* a value was read, so the next one needs a comma */
} JsonReader;

void json_reader_init(JsonReader *r, const char *text, size_t n);

/* Read one token. Return: 0, or -EINVAL when the text is not JSON; then every further call returns
 * that, too. */
int json_next(JsonReader *r, JsonToken *ret_token);

/* Read the next member of the object that was begun last. The content of a member that is an object
 * or array itself is skipped. Return: 1 with a member; 0 at the end of the object; -EINVAL. */
int json_member(JsonReader *r, JsonToken *ret_token);

/* Skip the rest of the object or array that began with @token, the last token read. Return: as
 * json_next(). */
int json_skip(JsonReader *r, const JsonToken *token);
