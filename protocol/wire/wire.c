/* SPDX-License-Identifier: MIT */

/*
 * The small messages. STATE and RESULT, which have lists, have files of their own.
 */

#include "protocol/wire/wire.h"

#include "protocol/wire/frame-private.h"
#include "protocol/wire/io-private.h"

#include <errno.h>

static bool hello_versions_valid(const WireHello *m) {
        return m->version_min >= 1 && m->version_min <= m->version_max;
}

int wire_hello_encode(const WireHello *m, Buffer *out) {
        WireWriter w;

        wire_frame_begin(&w, WIRE_HELLO, out);
        wire_put_check(&w, hello_versions_valid(m));
        wire_put_u8(&w, m->version_min);
        wire_put_u8(&w, m->version_max);
        wire_put_bytes(&w, m->agent_id, WIRE_ID_SIZE);
        wire_put_bytes(&w, m->boot_id, WIRE_ID_SIZE);
        wire_put_bytes(&w, m->nonce, WIRE_NONCE_SIZE);
        wire_put_u8(&w, m->has_vm_id);
        if (m->has_vm_id)
                wire_put_bytes(&w, m->vm_id, WIRE_ID_SIZE);
        wire_put_string(&w, m->distro, 1, WIRE_DISTRO_MAX);
        wire_put_string(&w, m->software, 1, WIRE_SOFTWARE_MAX);
        return wire_frame_end(&w);
}

int wire_hello_decode(const uint8_t *p, size_t n, WireHello *ret) {
        WireReader r = {.p = p, .left = n};
        WireHello m = {0};

        m.version_min = wire_get_u8(&r);
        m.version_max = wire_get_u8(&r);
        wire_get_bytes(&r, m.agent_id, WIRE_ID_SIZE);
        wire_get_bytes(&r, m.boot_id, WIRE_ID_SIZE);
        wire_get_bytes(&r, m.nonce, WIRE_NONCE_SIZE);
        m.has_vm_id = wire_get_bool(&r);
        if (m.has_vm_id)
                wire_get_bytes(&r, m.vm_id, WIRE_ID_SIZE);
        wire_get_string(&r, 1, WIRE_DISTRO_MAX, m.distro);
        wire_get_string(&r, 1, WIRE_SOFTWARE_MAX, m.software);
        if (wire_reader_end(&r) < 0 || !hello_versions_valid(&m))
                return -EPROTO;
        *ret = m;
        return 0;
}

static bool challenge_valid(const WireChallenge *m) {
        return m->version >= 1 && m->endpoints_max >= 1 && m->endpoints_max <= WIRE_ENDPOINTS_MAX &&
               m->heartbeat_ms >= WIRE_HEARTBEAT_MIN_MS && m->heartbeat_ms <= WIRE_HEARTBEAT_MAX_MS;
}

int wire_challenge_encode(const WireChallenge *m, Buffer *out) {
        WireWriter w;

        wire_frame_begin(&w, WIRE_CHALLENGE, out);
        wire_put_check(&w, challenge_valid(m));
        wire_put_u8(&w, m->version);
        wire_put_bytes(&w, m->nonce, WIRE_NONCE_SIZE);
        wire_put_u32(&w, m->endpoints_max);
        wire_put_u32(&w, m->heartbeat_ms);
        wire_put_string(&w, m->software, 1, WIRE_SOFTWARE_MAX);
        return wire_frame_end(&w);
}

int wire_challenge_decode(const uint8_t *p, size_t n, WireChallenge *ret) {
        WireReader r = {.p = p, .left = n};
        WireChallenge m = {0};

        m.version = wire_get_u8(&r);
        wire_get_bytes(&r, m.nonce, WIRE_NONCE_SIZE);
        m.endpoints_max = wire_get_u32(&r);
        m.heartbeat_ms = wire_get_u32(&r);
        wire_get_string(&r, 1, WIRE_SOFTWARE_MAX, m.software);
        if (wire_reader_end(&r) < 0 || !challenge_valid(&m))
                return -EPROTO;
        *ret = m;
        return 0;
}

static int proof_encode(uint8_t type, const WireProof *m, Buffer *out) {
        WireWriter w;

        wire_frame_begin(&w, type, out);
        wire_put_u8(&w, m->has_mac);
        if (m->has_mac)
                wire_put_bytes(&w, m->mac, WIRE_MAC_SIZE);
        return wire_frame_end(&w);
}

int wire_proof_encode(const WireProof *m, Buffer *out) {
        return proof_encode(WIRE_PROOF, m, out);
}

int wire_welcome_encode(const WireProof *m, Buffer *out) {
        return proof_encode(WIRE_WELCOME, m, out);
}

int wire_proof_decode(const uint8_t *p, size_t n, WireProof *ret) {
        WireReader r = {.p = p, .left = n};
        WireProof m = {0};

        m.has_mac = wire_get_bool(&r);
        if (m.has_mac)
                wire_get_bytes(&r, m.mac, WIRE_MAC_SIZE);
        if (wire_reader_end(&r) < 0)
                return -EPROTO;
        *ret = m;
        return 0;
}

/* Only code 0 is refused. Both messages end the session with any code, and a peer that knows
 * more codes must still be able to say why it ends. */
static int notice_encode(uint8_t type, const WireNotice *m, Buffer *out) {
        WireWriter w;

        wire_frame_begin(&w, type, out);
        wire_put_check(&w, m->code != 0);
        wire_put_u16(&w, m->code);
        wire_put_string(&w, m->text, 0, WIRE_TEXT_MAX);
        return wire_frame_end(&w);
}

int wire_refused_encode(const WireNotice *m, Buffer *out) {
        return notice_encode(WIRE_REFUSED, m, out);
}

int wire_bye_encode(const WireNotice *m, Buffer *out) {
        return notice_encode(WIRE_BYE, m, out);
}

int wire_notice_decode(const uint8_t *p, size_t n, WireNotice *ret) {
        WireReader r = {.p = p, .left = n};
        WireNotice m = {0};

        m.code = wire_get_u16(&r);
        wire_get_string(&r, 0, WIRE_TEXT_MAX, m.text);
        if (wire_reader_end(&r) < 0 || m.code == 0)
                return -EPROTO;
        *ret = m;
        return 0;
}

static int token_encode(uint8_t type, uint64_t token, Buffer *out) {
        WireWriter w;

        wire_frame_begin(&w, type, out);
        wire_put_u64(&w, token);
        return wire_frame_end(&w);
}

int wire_ping_encode(uint64_t token, Buffer *out) {
        return token_encode(WIRE_PING, token, out);
}

int wire_pong_encode(uint64_t token, Buffer *out) {
        return token_encode(WIRE_PONG, token, out);
}

int wire_token_decode(const uint8_t *p, size_t n, uint64_t *ret) {
        WireReader r = {.p = p, .left = n};
        uint64_t token = wire_get_u64(&r);

        if (wire_reader_end(&r) < 0)
                return -EPROTO;
        *ret = token;
        return 0;
}
