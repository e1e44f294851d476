/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A growable byte queue: append at the end, consume from the front. Both ends use one for each
 * direction of a connection. It knows nothing of frames; the limits on what a peer can make it
 * hold are the wire codec's (payload limits) and the owner's.
 */

#include <stddef.h>
#include <stdint.h>

typedef struct Buffer {
        uint8_t *data; /* owned */
        size_t begin;  /* first byte not consumed yet */
        size_t end;    /* one past the last byte */
        size_t size;   /* allocated */
} Buffer;

#define BUFFER_NULL ((Buffer){0})

/* Free the memory; the buffer is empty and usable again afterwards. */
void buffer_done(Buffer *b);

/**
 * buffer_reserve() - make room for @n more bytes at the end
 * @ret_room: where to write them; call buffer_commit() with how many were written
 *
 * Moves what is held to the front before it allocates, so pointers into the buffer are void after.
 *
 * Return: 0 or -ENOMEM (nothing changed).
 */
int buffer_reserve(Buffer *b, size_t n, uint8_t **ret_room);
void buffer_commit(Buffer *b, size_t n);

/* Append a copy of @data. Return: 0 or -ENOMEM (nothing appended). */
int buffer_append(Buffer *b, const void *data, size_t n);

/* Drop @n bytes, at most what is held, from the front. Releases a large, now empty allocation. */
void buffer_consume(Buffer *b, size_t n);

static inline const uint8_t *buffer_bytes(const Buffer *b) {
        return b->data ? b->data + b->begin : NULL;
}

static inline size_t buffer_length(const Buffer *b) {
        return b->end - b->begin;
}
