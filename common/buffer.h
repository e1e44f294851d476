/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The one growable buffer: a byte queue for each direction of a connection, and text that is built
 * up piece by piece.
 *
 * Append at the end, consume from the front. The buffer knows nothing of frames: the wire codec
 * (payload limits) and the owner limit what a peer can make it hold.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* mingw's "printf" format is that of msvcrt, without %zu; ours is C99's (see meson.build). */
#ifdef __MINGW32__
#        define BUFFER_PRINTF(f, a) __attribute__((format(gnu_printf, f, a)))
#else
#        define BUFFER_PRINTF(f, a) __attribute__((format(printf, f, a)))
#endif

typedef struct Buffer {
        uint8_t *data; /* owned; one byte more than @size, for the NUL of buffer_text() */
        size_t begin;  /* first byte not consumed yet */
        size_t end;    /* one past the last byte */
        size_t size;   /* bytes that can be held */
        bool oom;      /* something could not be appended, so what is held has a gap */
} Buffer;

#define BUFFER_NULL ((Buffer){0})

/* Free the memory. Afterwards the buffer is empty, usable again, and .oom is false. */
void buffer_done(Buffer *b);

/**
 * buffer_reserve() - make room for @n more bytes at the end
 * @ret_room: where to write them; call buffer_commit() with how many were written
 *
 * Pointers into the buffer are invalid afterwards, because what is held may move.
 *
 * Return: 0, or -ENOMEM (then only .oom changed).
 */
int buffer_reserve(Buffer *b, size_t n, uint8_t **ret_room);
void buffer_commit(Buffer *b, size_t n);

/* Append a copy of @data. Return: 0 or -ENOMEM (nothing appended). */
int buffer_append(Buffer *b, const void *data, size_t n);

/* Append text. Out of memory sets .oom, at which the caller looks once, when the text is complete.
 */
BUFFER_PRINTF(2, 3) void buffer_printf(Buffer *b, const char *format, ...);
BUFFER_PRINTF(2, 0) void buffer_vprintf(Buffer *b, const char *format, va_list args);

/* Drop @n bytes from the front, at most what is held. An allocation that is large and now empty is
 * released. */
void buffer_consume(Buffer *b, size_t n);

static inline const uint8_t *buffer_bytes(const Buffer *b) {
        return b->data ? b->data + b->begin : NULL;
}

static inline size_t buffer_length(const Buffer *b) {
        return b->end - b->begin;
}

/* What is held, as a string; valid until the next change. It ends early at a NUL that was appended.
 */
static inline const char *buffer_text(const Buffer *b) {
        if (!b->data)
                return "";
        b->data[b->end] = '\0';
        return (const char *) b->data + b->begin;
}
