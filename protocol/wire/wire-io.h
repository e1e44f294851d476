/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Private to the codec: reading and writing the fields that messages are made of.
 *
 * Both sides keep the first error and carry on harmlessly (a reader yields zeros, a writer writes
 * nothing), so that a message is one straight list of fields with one check at its end.
 */

#include "protocol/wire/wire.h"

typedef struct WireReader {
        const uint8_t *p;
        size_t left;
        bool bad;
} WireReader;

typedef struct WireWriter {
        Buffer *out;
        size_t start; /* bytes held before the frame */
        uint8_t type;
        int error;
} WireWriter;

uint8_t wire_get_u8(WireReader *r);
uint16_t wire_get_u16(WireReader *r);
uint32_t wire_get_u32(WireReader *r);
uint64_t wire_get_u64(WireReader *r);
bool wire_get_bool(WireReader *r); /* exactly 0 or 1 */
void wire_get_bytes(WireReader *r, uint8_t *ret, size_t n);

/* A string of @min to @max bytes into @ret (@max + 1 bytes; NULL: only checked). */
void wire_get_string(WireReader *r, size_t min, size_t max, char *ret);

/* Family byte, then 4 or 16 bytes, or nothing for family NONE. */
void wire_get_addr(WireReader *r, IpAddr *ret);

/* Return: 0 when everything was there and nothing is left over, else -EPROTO. */
int wire_reader_end(const WireReader *r);

void wire_frame_begin(WireWriter *w, uint8_t type, Buffer *out);

/* Fill in the payload's length. Return: 0 or the first error, with @out as before the frame. */
int wire_frame_end(WireWriter *w);

void wire_put_fail(WireWriter *w, int error);
void wire_put_u8(WireWriter *w, uint8_t v);
void wire_put_u16(WireWriter *w, uint16_t v);
void wire_put_u32(WireWriter *w, uint32_t v);
void wire_put_u64(WireWriter *w, uint64_t v);
void wire_put_bytes(WireWriter *w, const uint8_t *p, size_t n);
void wire_put_string(WireWriter *w, const char *s, size_t min, size_t max);
void wire_put_addr(WireWriter *w, const IpAddr *addr);

/* -EINVAL when @ok is false: a value that the other end would not accept. */
void wire_put_check(WireWriter *w, bool ok);
