/* SPDX-License-Identifier: MIT */

/*
 * Fields of the wire format: big-endian numbers, strings, addresses.
 */

#include "protocol/wire/io-private.h"

#include "protocol/wire/text.h"

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

void wire_get_string(WireReader *r, size_t min, size_t max, char *ret) {
        size_t n = wire_get_u8(r);
        const uint8_t *p = take(r, n);

        if (p == NULL)
                return;
        if (n < min || n > max || !wire_text_valid(p, n)) {
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
        if (buffer_length(w->out) - w->start + n > w->max) {
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

        wire_put_check(w, n >= min && n <= max && wire_text_valid((const uint8_t *) s, n));
        wire_put_u8(w, (uint8_t) n);
        wire_put_bytes(w, (const uint8_t *) s, n);
}

void wire_put_addr(WireWriter *w, const IpAddr *addr) {
        unsigned n = ip_family_bits(addr->family) / 8;

        wire_put_check(w, n > 0 || addr->family == IP_FAMILY_NONE);
        wire_put_u8(w, addr->family);
        wire_put_bytes(w, addr->bytes, n);
}
