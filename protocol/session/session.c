/* SPDX-License-Identifier: MIT */

/*
 * The parts that both session state machines share: frames, proofs, goodbyes, wiping secrets.
 */

#include "protocol/session/session.h"

#include "protocol/session/session-private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void session_event_done(SessionEvent *event) {
        wire_state_done(&event->state);
        wire_result_done(&event->result);
        *event = SESSION_EVENT_NULL;
}

bool session_mac_equal(const uint8_t a[WIRE_MAC_SIZE], const uint8_t b[WIRE_MAC_SIZE]) {
        volatile uint8_t difference = 0;

        for (size_t i = 0; i < WIRE_MAC_SIZE; i++)
                difference = (uint8_t) (difference | (a[i] ^ b[i]));
        return difference == 0;
}

void session_wipe(void *p, size_t n) {
        volatile uint8_t *bytes = p;

        for (size_t i = 0; i < n; i++)
                bytes[i] = 0;
}

SessionStep session_next_frame(const uint8_t *data, size_t n, uint32_t allowed,
                               SessionFrame *ret_frame, char ret_problem[WIRE_TEXT_MAX + 1]) {
        SessionFrame frame;
        bool known;
        int r;

        if (n < WIRE_HEADER_SIZE)
                return SESSION_STEP_WAIT;
        r = wire_header_decode(data, &frame.header);
        if (r < 0) {
                (void) snprintf(ret_problem, WIRE_TEXT_MAX + 1, "%s",
                                r == -EMSGSIZE ? "message too large" : "malformed frame header");
                return SESSION_STEP_VIOLATION;
        }
        known = wire_type_known(frame.header.type);
        if (known && !(allowed & SESSION_ALLOW(frame.header.type))) {
                (void) snprintf(ret_problem, WIRE_TEXT_MAX + 1, "%s may not come now",
                                wire_type_name(frame.header.type));
                return SESSION_STEP_VIOLATION;
        }
        if (!known && !(frame.header.flags & WIRE_FLAG_IGNORABLE)) {
                (void) snprintf(ret_problem, WIRE_TEXT_MAX + 1, "unknown message type %u",
                                frame.header.type);
                return SESSION_STEP_VIOLATION;
        }
        if (n - WIRE_HEADER_SIZE < frame.header.length)
                return SESSION_STEP_WAIT;
        frame.payload = data + WIRE_HEADER_SIZE;
        frame.size = WIRE_HEADER_SIZE + (size_t) frame.header.length;
        *ret_frame = frame;
        return known ? SESSION_STEP_FRAME : SESSION_STEP_SKIP;
}

int session_proof(SessionMac mac, const uint8_t *key, const char *label, const Buffer *transcript,
                  uint8_t ret_mac[WIRE_MAC_SIZE]) {
        Buffer data = BUFFER_NULL;
        int r;

        r = buffer_append(&data, label, strlen(label) + 1);
        if (r == 0)
                r = buffer_append(&data, buffer_bytes(transcript), buffer_length(transcript));
        if (r == 0)
                r = mac(key, buffer_bytes(&data), buffer_length(&data), ret_mac);
        buffer_done(&data);
        return r;
}

static void set_notice(SessionEvent *event, SessionEventType type, uint16_t code,
                       const char *text) {
        event->type = type;
        event->notice.code = code;
        (void) snprintf(event->notice.text, sizeof(event->notice.text), "%s", text);
        wire_text_clean(event->notice.text, WIRE_TEXT_MAX);
}

int session_say_bye(WireBye code, const char *text, SessionEventType type, Buffer *out,
                    SessionEvent *ret_event) {
        set_notice(ret_event, type, (uint16_t) code, text);
        return wire_bye_encode(&ret_event->notice, out);
}

int session_say_refused(WireRefusal code, const char *text, Buffer *out, SessionEvent *ret_event) {
        set_notice(ret_event, SESSION_EVENT_REFUSED, (uint16_t) code, text);
        return wire_refused_encode(&ret_event->notice, out);
}

int session_on_token(const SessionFrame *f, Buffer *out) {
        uint64_t token;
        int r;

        r = wire_token_decode(f->payload, f->header.length, &token);
        if (r < 0 || f->header.type == WIRE_PONG)
                return r;
        return wire_pong_encode(token, out);
}

uint8_t session_highest_version(const WireHello *hello) {
        return hello->version_max < WIRE_VERSION_MAX ? hello->version_max : WIRE_VERSION_MAX;
}

static int encode_without_texts(const WireResult *result, uint8_t version, Buffer *out) {
        WireResult bare = *result;
        int r;

        bare.services = malloc(((size_t) result->n_services + 1) * sizeof(*bare.services));
        if (bare.services == NULL)
                return -ENOMEM;
        for (uint32_t i = 0; i < result->n_services; i++) {
                bare.services[i] = result->services[i];
                bare.services[i].text = NULL;
        }
        r = wire_result_encode(&bare, version, out);
        free(bare.services);
        return r;
}

int session_encode_result(const WireResult *result, uint8_t version, Buffer *out) {
        int r = wire_result_encode(result, version, out);

        return r == -EMSGSIZE ? encode_without_texts(result, version, out) : r;
}

uint64_t session_after(uint64_t now_usec, uint64_t ms) {
        uint64_t usec = ms * 1000;

        return usec < SESSION_NO_DEADLINE - now_usec ? now_usec + usec : SESSION_NO_DEADLINE;
}
