/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reads the golden vectors; plain C for both systems. A file consists of lines of text:
 *
 *     # comment
 *     good NAME           a frame that must be accepted; the programs that read a file define the
 *                         other kinds, such as "bad", "too-large", "good-v2" and "value"
 *     = what it means     as describe() says; several such lines are joined by a space
 *     0102…               its bytes in hex, in as many lines as necessary
 */

#include "common/buffer.h"

#define VECTORS_MAX     256
#define VECTOR_KIND_MAX 15
#define VECTOR_NAME_MAX 63
#define VECTOR_TEXT_MAX 8192
#define VECTOR_LINE_MAX 511

typedef struct Vector {
        char kind[VECTOR_KIND_MAX + 1];
        char name[VECTOR_NAME_MAX + 1];
        char meaning[VECTOR_TEXT_MAX];
        Buffer bytes;
} Vector;

typedef struct Vectors {
        Vector *items; /* owned */
        size_t n;
} Vectors;

/* Read a file. Return: 0, or -1 after a line on stderr that says where the file is wrong. */
int vectors_read(const char *path, Vectors *ret_vectors);
void vectors_done(Vectors *v);

/* Return: the vector called @name, or NULL. */
const Vector *vectors_find(const Vectors *v, const char *name);
