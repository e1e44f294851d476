/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Private to the codec: reading and writing the fields of a message.
 *
 * A reader and a writer both remember their first error and then do no harm: the reader returns
 * zeros, the writer writes nothing. So the code of a message is one straight list of fields with
 * one check at its end.
 */

#include "common/buffer.h"
#include "protocol/wire/wire-types.h"

typedef struct WireReader {
        const uint8_t *p;
        size_t left;
        bool bad;
} WireReader;

typedef struct WireWriter {
        Buffer *out;
        size_t start; /* length of @out before the frame */
        size_t max;   /* bytes that the frame may have, with its header */
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

/* Return: 0 when every field was there and nothing is left over, else -EPROTO. */
int wire_reader_end(const WireReader *r);

void wire_put_fail(WireWriter *w, int error); /* remember @error if it is the first */
void wire_put_u8(WireWriter *w, uint8_t v);
void wire_put_u16(WireWriter *w, uint16_t v);
void wire_put_u32(WireWriter *w, uint32_t v);
void wire_put_u64(WireWriter *w, uint64_t v);
void wire_put_bytes(WireWriter *w, const uint8_t *p, size_t n);
void wire_put_string(WireWriter *w, const char *s, size_t min, size_t max);
void wire_put_addr(WireWriter *w, const IpAddr *addr);

/* Fail with -EINVAL unless @ok: the other end would not accept the value. */
void wire_put_check(WireWriter *w, bool ok);
