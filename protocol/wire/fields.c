/* SPDX-License-Identifier: MIT */

/*
 * Lists of tagged fields: reading and writing them by a table.
 */

#include "protocol/wire/fields-private.h"

#define FIELD_HEAD_SIZE 4u /* id, length */

/* What is written now, at @at bytes behind the begin of the frame. */
static uint8_t *written(WireWriter *w, size_t at) {
        return w->out->data + w->out->begin + w->start + at;
}

static size_t position(const WireWriter *w) {
        return buffer_length(w->out) - w->start;
}

/* Return: whether the field was written. Without a value it was not, and nothing of it is left. */
static bool put_field(WireWriter *w, const WireField *f, const void *message, const void *item) {
        size_t at = position(w), length;

        wire_put_u16(w, f->id);
        wire_put_u16(w, /* length, known at the end= */ 0);
        f->put(f, w, message, item);
        if (w->error < 0)
                return false;
        length = position(w) - at - FIELD_HEAD_SIZE;
        if (length == 0) {
                w->out->end -= FIELD_HEAD_SIZE;
                return false;
        }
        wire_put_check(w, length <= WIRE_FIELD_SIZE_MAX);
        written(w, at)[2] = (uint8_t) (length >> 8);
        written(w, at)[3] = (uint8_t) length;
        return true;
}

void wire_put_fields(WireWriter *w, const WireField *fields, size_t n, const void *message,
                     const void *item) {
        size_t at = position(w);
        uint8_t count = 0;

        wire_put_u8(w, /* count, known at the end= */ 0);
        for (size_t i = 0; i < n && w->error == 0; i++)
                count = (uint8_t) (count + put_field(w, &fields[i], message, item));
        if (w->error == 0)
                *written(w, at) = count;
}

static unsigned number(uint16_t id) {
        return id & ~(unsigned) WIRE_FIELD_CRITICAL;
}

static const WireField *find(const WireField *fields, size_t n, uint16_t id) {
        for (size_t i = 0; i < n; i++)
                if (number(fields[i].id) == number(id))
                        return &fields[i];
        return NULL;
}

/* @value: exactly the bytes of the value. */
static int get_value(WireReader *value, const WireField *field, uint16_t id, void *message,
                     void *item, uint16_t *ret_unknown, uint32_t *n_ignored) {
        int r = WIRE_FIELD_UNKNOWN;

        if (field != NULL) {
                if (field->id != id) /* whether it is critical is a part of its definition */
                        value->bad = true;
                r = field->get(field, value, message, item);
                if (r == 0 && wire_reader_end(value) < 0)
                        value->bad = true;
        }
        if (r != WIRE_FIELD_UNKNOWN)
                return r;
        if (!(id & WIRE_FIELD_CRITICAL))
                (*n_ignored)++;
        else if (*ret_unknown == 0)
                *ret_unknown = id;
        return 0;
}

int wire_get_fields(WireReader *r, const WireField *fields, size_t n, void *message, void *item,
                    uint16_t *ret_unknown, uint32_t *n_ignored) {
        uint8_t count = wire_get_u8(r);
        unsigned last = 0;
        int result = 0;

        if (count > WIRE_FIELDS_MAX)
                r->bad = true;
        for (uint8_t i = 0; i < count && result == 0 && !r->bad; i++) {
                uint16_t id = wire_get_u16(r), length = wire_get_u16(r);
                WireReader value = {.p = r->p, .left = length};

                if (r->bad || number(id) <= last || length == 0 || length > WIRE_FIELD_SIZE_MAX ||
                    length > r->left) {
                        r->bad = true;
                        break;
                }
                last = number(id);
                result = get_value(&value, find(fields, n, id), id, message, item, ret_unknown,
                                   n_ignored);
                r->bad = value.bad;
                r->p += length;
                r->left -= length;
        }
        return result;
}
