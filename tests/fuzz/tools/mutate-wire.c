/* SPDX-License-Identifier: MIT */

/*
 * Changes frames in a way that knows their structure: fields and services come, go, move and
 * change, and the counts and lengths around them stay right. Without this, nearly every change of a
 * STATE ends at a count that no longer fits. One change in four is a blind one all the same.
 *
 * libFuzzer calls LLVMFuzzerCustomMutator() in place of its own mutator. The target says where in
 * its input a frame is.
 */

#include "tests/fuzz/tools/mutate-wire.h"

#include "protocol/wire/wire.h"

#include <stdlib.h>
#include <string.h>

#define PARTS_MAX     256
#define FIELD_HEAD    4 /* id and length */
#define SEQUENCE_SIZE 8
#define VALUE_MAX     64 /* what a new value has at most */

/* libFuzzer's own. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t n, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed);

typedef struct Part { /* a field or a service */
        size_t at, n; /* its bytes */
        size_t count; /* where the number of its kind is */
        bool field;
} Part;

typedef struct Frame {
        uint8_t *data;
        size_t n, max;
        Part parts[PARTS_MAX];
        size_t n_parts;
        unsigned seed;
} Frame;

static unsigned draw(Frame *f, unsigned n) {
        f->seed = f->seed * 1103515245u + 12345u;
        return (f->seed >> 16) % n;
}

static size_t get(const Frame *f, size_t at, size_t bytes) {
        size_t value = 0;

        for (size_t i = 0; i < bytes; i++)
                value = value << 8 | f->data[at + i];
        return value;
}

static void put(Frame *f, size_t at, size_t bytes, size_t value) {
        for (size_t i = 0; i < bytes; i++)
                f->data[at + i] = (uint8_t) (value >> (8 * (bytes - 1 - i)));
}

static void add_part(Frame *f, size_t at, size_t n, size_t count, bool field) {
        if (f->n_parts < PARTS_MAX)
                f->parts[f->n_parts++] = (Part){at, n, count, field};
}

/* Return: where the field list at @at ends, or 0 when it does not fit. */
static size_t scan_fields(Frame *f, size_t at) {
        size_t count = at, n_fields;

        if (at >= f->n)
                return 0;
        n_fields = f->data[at++];
        for (size_t i = 0; i < n_fields; i++) {
                size_t n;

                if (f->n - at < FIELD_HEAD)
                        return 0;
                n = FIELD_HEAD + get(f, at + 2, 2);
                if (f->n - at < n)
                        return 0;
                add_part(f, at, n, count, true);
                at += n;
        }
        return at;
}

/* Find the parts of a STATE or a RESULT of version 2. */
static void scan(Frame *f) {
        bool named = f->data[1] == WIRE_STATE;
        size_t at, count, n_services;

        f->n_parts = 0;
        if (f->n < WIRE_HEADER_SIZE + SEQUENCE_SIZE || (!named && f->data[1] != WIRE_RESULT))
                return;
        at = scan_fields(f, WIRE_HEADER_SIZE + SEQUENCE_SIZE);
        if (at == 0 || f->n - at < 4)
                return;
        count = at;
        n_services = get(f, at, 4);
        at += 4;
        for (size_t i = 0; i < n_services && at < f->n; i++) {
                size_t begin = at;

                if (named)
                        at += 1 + (size_t) f->data[at];
                at = at < f->n ? scan_fields(f, at) : 0;
                if (at == 0)
                        return;
                add_part(f, begin, at - begin, count, false);
        }
}

/* Put @n bytes in the place of @old bytes at @at. Return: whether there was room. */
static bool splice(Frame *f, size_t at, size_t old, const uint8_t *bytes, size_t n) {
        if (f->n - old + n > f->max)
                return false;
        memmove(f->data + at + n, f->data + at + old, f->n - at - old);
        if (n > 0)
                memcpy(f->data + at, bytes, n);
        f->n = f->n - old + n;
        return true;
}

static void count_more(Frame *f, const Part *p, int more) {
        size_t bytes = p->field ? 1 : 4;

        put(f, p->count, bytes, get(f, p->count, bytes) + (size_t) more);
}

/* A copy of the part behind itself; a field gets the next number, so that the order stays right. */
static void repeat(Frame *f, const Part *p) {
        uint8_t *copy = malloc(p->n);

        if (copy == NULL)
                abort();
        memcpy(copy, f->data + p->at, p->n);
        if (splice(f, p->at + p->n, 0, copy, p->n)) {
                count_more(f, p, 1);
                if (p->field)
                        put(f, p->at + p->n, 2, get(f, p->at, 2) + 1 + draw(f, 2));
                else if (p->n > 2)
                        f->data[p->at + p->n + 1] ^= 1; /* another name */
        }
        free(copy);
}

static void change_value(Frame *f, const Part *p) {
        uint8_t value[VALUE_MAX + FIELD_HEAD];
        size_t n = p->n - FIELD_HEAD;

        if (n > VALUE_MAX)
                n = VALUE_MAX;
        memcpy(value, f->data + p->at + FIELD_HEAD, n);
        n = LLVMFuzzerMutate(value, n, VALUE_MAX);
        if (splice(f, p->at + FIELD_HEAD, p->n - FIELD_HEAD, value, n))
                put(f, p->at + 2, 2, n);
}

/* The value of another field in the place of this one's. */
static void take_value(Frame *f, const Part *p) {
        const Part *from = &f->parts[draw(f, (unsigned) f->n_parts)];
        uint8_t value[VALUE_MAX];
        size_t n;

        if (!from->field || from->n - FIELD_HEAD > VALUE_MAX)
                return;
        n = from->n - FIELD_HEAD;
        memcpy(value, f->data + from->at + FIELD_HEAD, n);
        if (splice(f, p->at + FIELD_HEAD, p->n - FIELD_HEAD, value, n))
                put(f, p->at + 2, 2, n);
}

static void change_part(Frame *f, const Part *p) {
        switch (draw(f, p->field ? 6 : 2)) {
        case 0:
                repeat(f, p);
                break;
        case 1:
                count_more(f, p, -1);
                (void) splice(f, p->at, p->n, NULL, 0);
                break;
        case 2:
                f->data[p->at] ^= 0x80; /* critical */
                break;
        case 3:
                put(f, p->at, 2, (get(f, p->at, 2) & 0x8000) | (1 + draw(f, 32)));
                break;
        case 4:
                take_value(f, p);
                break;
        default:
                change_value(f, p);
        }
}

/* Change the frame that @f has; its header fits afterwards. */
static void change_frame(Frame *f) {
        scan(f);
        if (f->n_parts == 0 || draw(f, 4) == 0)
                f->n = WIRE_HEADER_SIZE + LLVMFuzzerMutate(f->data + WIRE_HEADER_SIZE,
                                                           f->n - WIRE_HEADER_SIZE,
                                                           f->max - WIRE_HEADER_SIZE);
        else
                change_part(f, &f->parts[draw(f, (unsigned) f->n_parts)]);
        put(f, 4, 4, f->n - WIRE_HEADER_SIZE);
}

/* Change the frame at @p, and put it back into its input. Return: the new length of the input. */
static size_t change_place(Frame *f, const FramePlace *p, uint8_t *data, size_t n, size_t max) {
        size_t head = p->bare ? WIRE_HEADER_SIZE : 0, room = max - (n - p->n);

        room = room < p->max ? room : p->max;
        f->max = head + room;
        f->n = head + p->n;
        if (f->n < WIRE_HEADER_SIZE || f->max <= WIRE_HEADER_SIZE)
                return LLVMFuzzerMutate(data, n, max);
        f->data = malloc(f->max);
        if (f->data == NULL)
                abort();
        memcpy(f->data, (const uint8_t[WIRE_HEADER_SIZE]){WIRE_HEADER_FORMAT, WIRE_STATE}, head);
        memcpy(f->data + head, data + p->at, p->n);
        change_frame(f);
        memmove(data + p->at + f->n - head, data + p->at + p->n, n - p->at - p->n);
        memcpy(data + p->at, f->data + head, f->n - head);
        if (p->length > 0)
                data[p->length] = (uint8_t) (data[p->length] + (f->n - head) - p->n);
        free(f->data);
        return n - p->n + f->n - head;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed) {
        Frame f = {.seed = seed};
        FramePlace place;

        if (draw(&f, 4) == 0 || !fuzz_frame_place(data, n, draw(&f, UINT16_MAX), &place))
                return LLVMFuzzerMutate(data, n, max);
        return change_place(&f, &place, data, n, max);
}
