/* SPDX-License-Identifier: MIT */

/*
 * Decodes and encodes again, one function for each message type.
 */

#include "tests/wire/recode.h"

#include <errno.h>

static int recode_hello(const uint8_t *p, size_t n, Buffer *out, int *ret_encoded) {
        WireHello m;
        int r = wire_hello_decode(p, n, &m);

        if (r == 0)
                *ret_encoded = wire_hello_encode(&m, out);
        return r;
}

static int recode_challenge(const uint8_t *p, size_t n, Buffer *out, int *ret_encoded) {
        WireChallenge m;
        int r = wire_challenge_decode(p, n, &m);

        if (r == 0)
                *ret_encoded = wire_challenge_encode(&m, out);
        return r;
}

static int recode_proof(uint8_t type, const uint8_t *p, size_t n, Buffer *out, int *ret_encoded) {
        WireProof m;
        int r = wire_proof_decode(p, n, &m);

        if (r == 0)
                *ret_encoded = type == WIRE_PROOF ? wire_proof_encode(&m, out)
                                                  : wire_welcome_encode(&m, out);
        return r;
}

static int recode_notice(uint8_t type, const uint8_t *p, size_t n, Buffer *out, int *ret_encoded) {
        WireNotice m;
        int r = wire_notice_decode(p, n, &m);

        if (r == 0)
                *ret_encoded =
                        type == WIRE_BYE ? wire_bye_encode(&m, out) : wire_refused_encode(&m, out);
        return r;
}

static int recode_state(const uint8_t *p, size_t n, uint8_t version, Buffer *out,
                        int *ret_encoded) {
        WireState m = WIRE_STATE_NULL;
        int r = wire_state_decode(p, n, version, &m);
        bool newer = m.unknown_field != 0 || m.n_ignored > 0;

        for (uint32_t i = 0; i < m.n_services; i++)
                newer = newer || m.services[i].unknown_field != 0;
        if (newer)
                r = RECODE_NEWER;
        else if (r == 0)
                *ret_encoded = wire_state_encode(&m, version, out);
        wire_state_done(&m);
        return r;
}

static int recode_result(const uint8_t *p, size_t n, uint8_t version, Buffer *out,
                         int *ret_encoded) {
        WireResult m = WIRE_RESULT_NULL;
        int r = wire_result_decode(p, n, version, &m);
        bool newer = m.unknown_field != 0 || m.n_ignored > 0;

        for (uint32_t i = 0; i < m.n_services; i++)
                newer = newer || m.services[i].unknown_field != 0;
        if (newer)
                r = RECODE_NEWER;
        else if (r == 0)
                *ret_encoded = wire_result_encode(&m, version, out);
        wire_result_done(&m);
        return r;
}

static int recode_token(uint8_t type, const uint8_t *p, size_t n, Buffer *out, int *ret_encoded) {
        uint64_t token;
        int r = wire_token_decode(p, n, &token);

        if (r == 0)
                *ret_encoded = type == WIRE_PING ? wire_ping_encode(token, out)
                                                 : wire_pong_encode(token, out);
        return r;
}

static int recode_payload(uint8_t type, uint8_t version, const uint8_t *p, size_t n, Buffer *out,
                          int *ret_encoded) {
        switch ((WireType) type) {
        case WIRE_HELLO:
                return recode_hello(p, n, out, ret_encoded);
        case WIRE_CHALLENGE:
                return recode_challenge(p, n, out, ret_encoded);
        case WIRE_PROOF:
        case WIRE_WELCOME:
                return recode_proof(type, p, n, out, ret_encoded);
        case WIRE_REFUSED:
        case WIRE_BYE:
                return recode_notice(type, p, n, out, ret_encoded);
        case WIRE_STATE:
                return recode_state(p, n, version, out, ret_encoded);
        case WIRE_RESULT:
                return recode_result(p, n, version, out, ret_encoded);
        case WIRE_PING:
        case WIRE_PONG:
                return recode_token(type, p, n, out, ret_encoded);
        case _WIRE_TYPE_END:
                break;
        }
        return -EPROTO;
}

int recode(const uint8_t *frame, size_t n, uint8_t version, Buffer *out) {
        WireHeader header;
        int r, encoded = 0;

        if (n < WIRE_HEADER_SIZE)
                return -EPROTO;
        r = wire_header_decode(frame, &header);
        if (r < 0)
                return r;
        if (header.length != n - WIRE_HEADER_SIZE)
                return -EPROTO;
        r = recode_payload(header.type, version, frame + WIRE_HEADER_SIZE, header.length, out,
                           &encoded);
        return r == 0 && encoded < 0 ? -EILSEQ : r;
}
