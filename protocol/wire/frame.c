/* SPDX-License-Identifier: MIT */

/*
 * The frame around every message: reading a header, and writing one around the fields of a message.
 */

#include "protocol/wire/frame.h"

#include "protocol/wire/frame-private.h"

#include <errno.h>

int wire_header_decode(const uint8_t *data, WireHeader *ret_header) {
        WireReader r = {.p = data, .left = WIRE_HEADER_SIZE};
        WireHeader header;
        uint8_t format = wire_get_u8(&r);

        header.type = wire_get_u8(&r);
        header.flags = wire_get_u16(&r);
        header.length = wire_get_u32(&r);
        if (format != WIRE_HEADER_FORMAT || header.flags & ~WIRE_FLAG_IGNORABLE)
                return -EPROTO;
        /* The messages of this version are never ignorable, so a flag on one is the peer's error.
         * Each message must have exactly one encoding, because the proofs are over frames. */
        if (wire_type_known(header.type) && header.flags != 0)
                return -EPROTO;
        if (header.length > wire_payload_max(header.type))
                return -EMSGSIZE;
        *ret_header = header;
        return 0;
}

bool wire_type_known(uint8_t type) {
        return type >= WIRE_HELLO && type < _WIRE_TYPE_END;
}

uint32_t wire_payload_max(uint8_t type) {
        if (type == WIRE_STATE)
                return WIRE_STATE_PAYLOAD_MAX;
        return type == WIRE_RESULT ? WIRE_RESULT_PAYLOAD_MAX : WIRE_SMALL_PAYLOAD_MAX;
}

void wire_frame_begin(WireWriter *w, uint8_t type, Buffer *out) {
        *w = (WireWriter){
                .out = out,
                .start = buffer_length(out),
                .max = WIRE_HEADER_SIZE + (size_t) wire_payload_max(type),
        };
        wire_put_u8(w, WIRE_HEADER_FORMAT);
        wire_put_u8(w, type);
        wire_put_u16(w, 0); /* flags */
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
