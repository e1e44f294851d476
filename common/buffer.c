/* SPDX-License-Identifier: MIT */

/*
 * The growable buffer: a single allocation in which everything held is contiguous.
 */

#include "common/buffer.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_SIZE_MIN 512u
#define BUFFER_KEEP_MAX (64u * 1024) /* an empty buffer that is larger gives its memory back */

void buffer_done(Buffer *b) {
        free(b->data);
        *b = BUFFER_NULL;
}

/* Sizes double, so that many small appends cost linear time. Return: 0 when the result would not
 * fit a size_t. */
static size_t grown_size(size_t size, size_t needed) {
        if (needed > SIZE_MAX / 2)
                return 0;
        if (size < BUFFER_SIZE_MIN)
                size = BUFFER_SIZE_MIN;
        while (size < needed)
                size *= 2;
        return size;
}

static int buffer_fail(Buffer *b) {
        b->oom = true;
        return -ENOMEM;
}

int buffer_reserve(Buffer *b, size_t n, uint8_t **ret_room) {
        size_t held = buffer_length(b);

        if (b->data == NULL || n > b->size - b->end) {
                if (n > SIZE_MAX - held)
                        return buffer_fail(b);
                /* Move only when that frees at least as much as is moved, and leave room for as
                 * much when copying a partly consumed buffer. Otherwise a buffer that is always
                 * nearly full would copy its whole content for each small append. */
                if (b->data != NULL && held + n <= b->size && b->begin >= held) {
                        memmove(b->data, b->data + b->begin, held);
                } else {
                        size_t size = grown_size(b->size, held + n + (b->begin > 0 ? held : 0));
                        uint8_t *data = size > 0 ? malloc(size + 1) : NULL;

                        if (data == NULL)
                                return buffer_fail(b);
                        if (b->data != NULL)
                                memcpy(data, b->data + b->begin, held);
                        free(b->data);
                        b->data = data;
                        b->size = size;
                }
                b->begin = 0;
                b->end = held;
        }
        *ret_room = b->data + b->end;
        return 0;
}

void buffer_commit(Buffer *b, size_t n) {
        assert(n <= b->size - b->end);
        b->end += n;
}

int buffer_append(Buffer *b, const void *data, size_t n) {
        uint8_t *room;
        int r;

        if (n == 0)
                return 0;
        r = buffer_reserve(b, n, &room);
        if (r < 0)
                return r;
        memcpy(room, data, n);
        buffer_commit(b, n);
        return 0;
}

void buffer_vprintf(Buffer *b, const char *format, va_list args) {
        uint8_t *room;
        va_list again;
        int n;

        va_copy(again, args);
        n = vsnprintf(NULL, 0, format, args);
        if (n < 0) {
                b->oom = true;
        } else if (buffer_reserve(b, (size_t) n, &room) == 0) {
                /* The NUL goes to the byte behind, which is always there. */
                (void) vsnprintf((char *) room, (size_t) n + 1, format, again);
                buffer_commit(b, (size_t) n);
        }
        va_end(again);
}

void buffer_printf(Buffer *b, const char *format, ...) {
        va_list args;

        va_start(args, format);
        buffer_vprintf(b, format, args);
        va_end(args);
}

void buffer_consume(Buffer *b, size_t n) {
        size_t held = buffer_length(b);

        b->begin += n < held ? n : held;
        if (b->begin < b->end)
                return;
        b->begin = b->end = 0;
        if (b->size > BUFFER_KEEP_MAX)
                buffer_done(b);
}
