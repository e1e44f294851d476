/* SPDX-License-Identifier: MIT */

/*
 * Fields of the wire format: big-endian numbers, strings, addresses, and the frame around them.
 */

#include "protocol/wire/wire-io.h"

#include <errno.h>
#include <string.h>

static const uint8_t *take(WireReader *r, size_t n) {
        const uint8_t *p = r->p;

        if (r->bad || n > r->left) {
                r->bad = true;
                return NULL;
        }
        if (n > 0)
                r->p += n;
        r->left -= n;
        return p;
}

static uint64_t get_number(WireReader *r, size_t n) {
        const uint8_t *p = take(r, n);
        uint64_t v = 0;

        if (p != NULL)
                for (size_t i = 0; i < n; i++)
                        v = v << 8 | p[i];
        return v;
}

uint8_t wire_get_u8(WireReader *r) {
        return (uint8_t) get_number(r, 1);
}

uint16_t wire_get_u16(WireReader *r) {
        return (uint16_t) get_number(r, 2);
}

uint32_t wire_get_u32(WireReader *r) {
        return (uint32_t) get_number(r, 4);
}

uint64_t wire_get_u64(WireReader *r) {
        return get_number(r, 8);
}

bool wire_get_bool(WireReader *r) {
        uint8_t v = wire_get_u8(r);

        if (v > 1)
                r->bad = true;
        return v == 1;
}

void wire_get_bytes(WireReader *r, uint8_t *ret, size_t n) {
        const uint8_t *p = take(r, n);

        if (p != NULL)
                memcpy(ret, p, n);
}

/*
 * Length of the UTF-8 character at @p, or 0 when it may not be in a string: malformed, overlong,
 * a surrogate, past U+10FFFF, or a control character (C0, DEL, C1), which could forge log lines.
 */
static size_t character_length(const uint8_t *p, size_t n) {
        uint32_t c;
        size_t length;

        if (p[0] < 0x80)
                return p[0] >= 0x20 && p[0] != 0x7f ? 1 : 0;
        if (p[0] >= 0xc2 && p[0] <= 0xdf) {
                length = 2;
                c = p[0] & 0x1fu;
        } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
                length = 3;
                c = p[0] & 0x0fu;
        } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
                length = 4;
                c = p[0] & 0x07u;
        } else {
                return 0;
        }
        if (n < length)
                return 0;
        for (size_t i = 1; i < length; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3fu);
        }
        if (c < 0xa0 || (length == 3 && c < 0x800) || (length == 4 && c < 0x10000))
                return 0;
        if ((c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
                return 0;
        return length;
}

static bool text_valid(const uint8_t *p, size_t n) {
        while (n > 0) {
                size_t length = character_length(p, n);

                if (length == 0)
                        return false;
                p += length;
                n -= length;
        }
        return true;
}

void wire_text_clean(char *text, size_t max) {
        uint8_t *p = (uint8_t *) text;
        size_t at = 0;

        while (p[at] != 0) {
                size_t length = character_length(p + at, strlen(text + at));

                if (length == 0) {
                        p[at] = '?';
                        length = 1;
                }
                if (at + length > max)
                        break;
                at += length;
        }
        p[at] = 0;
}

void wire_get_string(WireReader *r, size_t min, size_t max, char *ret) {
        size_t n = wire_get_u8(r);
        const uint8_t *p = take(r, n);

        if (p == NULL)
                return;
        if (n < min || n > max || !text_valid(p, n)) {
                r->bad = true;
                return;
        }
        if (ret != NULL) {
                memcpy(ret, p, n);
                ret[n] = '\0';
        }
}

void wire_get_addr(WireReader *r, IpAddr *ret) {
        IpAddr addr = {.family = wire_get_u8(r)};

        if (addr.family != IP_FAMILY_NONE && ip_family_bits(addr.family) == 0)
                r->bad = true;
        wire_get_bytes(r, addr.bytes, ip_family_bits(addr.family) / 8);
        *ret = addr;
}

int wire_reader_end(const WireReader *r) {
        return r->bad || r->left > 0 ? -EPROTO : 0;
}

void wire_frame_begin(WireWriter *w, uint8_t type, Buffer *out) {
        *w = (WireWriter){.out = out, .start = buffer_length(out), .type = type};
        wire_put_u8(w, WIRE_HEADER_FORMAT);
        wire_put_u8(w, type);
        wire_put_u16(w, /* flags= */ 0);
        wire_put_u32(w, /* length, known at the end= */ 0);
}

int wire_frame_end(WireWriter *w) {
        size_t n = buffer_length(w->out) - w->start;

        if (w->error < 0) {
                w->out->end -= n;
                return w->error;
        }
        n -= WIRE_HEADER_SIZE;
        for (size_t i = 0; i < 4; i++)
                w->out->data[w->out->begin + w->start + 4 + i] = (uint8_t) (n >> (24 - 8 * i));
        return 0;
}

void wire_put_fail(WireWriter *w, int error) {
        if (w->error == 0)
                w->error = error;
}

void wire_put_check(WireWriter *w, bool ok) {
        if (!ok)
                wire_put_fail(w, -EINVAL);
}

void wire_put_bytes(WireWriter *w, const uint8_t *p, size_t n) {
        int r;

        if (w->error < 0)
                return;
        if (buffer_length(w->out) - w->start + n > WIRE_HEADER_SIZE + wire_payload_max(w->type)) {
                wire_put_fail(w, -EMSGSIZE);
                return;
        }
        r = buffer_append(w->out, p, n);
        if (r < 0)
                wire_put_fail(w, r);
}

static void put_number(WireWriter *w, uint64_t v, size_t n) {
        uint8_t bytes[8];

        for (size_t i = 0; i < n; i++)
                bytes[i] = (uint8_t) (v >> (8 * (n - 1 - i)));
        wire_put_bytes(w, bytes, n);
}

void wire_put_u8(WireWriter *w, uint8_t v) {
        put_number(w, v, 1);
}

void wire_put_u16(WireWriter *w, uint16_t v) {
        put_number(w, v, 2);
}

void wire_put_u32(WireWriter *w, uint32_t v) {
        put_number(w, v, 4);
}

void wire_put_u64(WireWriter *w, uint64_t v) {
        put_number(w, v, 8);
}

void wire_put_string(WireWriter *w, const char *s, size_t min, size_t max) {
        size_t n = strlen(s);

        wire_put_check(w, n >= min && n <= max && text_valid((const uint8_t *) s, n));
        wire_put_u8(w, (uint8_t) n);
        wire_put_bytes(w, (const uint8_t *) s, n);
}

void wire_put_addr(WireWriter *w, const IpAddr *addr) {
        unsigned n = ip_family_bits(addr->family) / 8;

        wire_put_check(w, n > 0 || addr->family == IP_FAMILY_NONE);
        wire_put_u8(w, addr->family);
        wire_put_bytes(w, addr->bytes, n);
}
