/* SPDX-License-Identifier: MIT */

/*
 * The owners of the two session machines and the pipe between them.
 */

#include "tests/unit/protocol/session/session-kit.h"

#include "tests/unit/protocol/sample.h"

#include <check.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

const uint8_t kit_key[WIRE_KEY_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8, [31] = 0x99};
const uint8_t kit_other_key[WIRE_KEY_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8, [31] = 0x98};
const uint8_t kit_nonce[WIRE_NONCE_SIZE] = {0x77, 0x66, 0x55, [31] = 0x44};

int kit_mac(const uint8_t *key, const uint8_t *data, size_t n, uint8_t ret_mac[WIRE_MAC_SIZE]) {
        return crypto_auth_hmacsha256(ret_mac, data, n, key) == 0 ? 0 : -EIO;
}

int kit_mac_broken(const uint8_t *key, const uint8_t *data, size_t n, uint8_t *ret_mac) {
        return -EIO;
}

HelperSessionConfig kit_config(void) {
        return (HelperSessionConfig){
                .mac = kit_mac,
                .pairing_required = true,
                .endpoints_max = WIRE_ENDPOINTS_MAX,
                .heartbeat_ms = WIRE_HEARTBEAT_MS,
                .handshake_ms = WIRE_HANDSHAKE_MS,
                .software = "wslbridge-helper 0.1.0",
        };
}

void kit_init(Kit *k, const uint8_t *agent_key, const uint8_t *helper_key,
              const HelperSessionConfig *config) {
        HelperSessionConfig defaults = kit_config();

        *k = (Kit){.now = KIT_START_USEC, .helper_key = helper_key};
        ck_assert_int_eq(agent_session_new(&k->agent, kit_mac, agent_key), 0);
        ck_assert_int_eq(helper_session_new(&k->helper, config ? config : &defaults, k->now), 0);
}

void kit_done(Kit *k) {
        k->agent = agent_session_free(k->agent);
        k->helper = helper_session_free(k->helper);
        buffer_done(&k->agent_out);
        buffer_done(&k->helper_out);
        buffer_done(&k->agent_in);
        buffer_done(&k->helper_in);
        wire_state_done(&k->state);
        wire_result_done(&k->result);
}

static void on_helper_event(Kit *k, SessionEvent *event) {
        if (event->type == SESSION_EVENT_NONE)
                return;
        ck_assert_uint_lt(k->n_helper_seen, KIT_EVENTS_MAX);
        k->helper_seen[k->n_helper_seen++] = event->type;
        if (event->notice.code != 0)
                k->helper_notice = event->notice;
        if (event->type == SESSION_EVENT_HELLO)
                ck_assert_int_eq(helper_session_challenge(k->helper, k->helper_key, kit_nonce,
                                                          k->now, &k->helper_out),
                                 0);
        if (event->type == SESSION_EVENT_PROVEN && k->busy)
                ck_assert_int_eq(helper_session_refuse(k->helper, WIRE_REFUSAL_BUSY,
                                                       "another session is live", &k->helper_out),
                                 0);
        else if (event->type == SESSION_EVENT_PROVEN && !k->leave_proven)
                ck_assert_int_eq(helper_session_admit(k->helper, k->now, &k->helper_out), 0);
        if (event->type == SESSION_EVENT_STATE) {
                wire_state_done(&k->state);
                k->state = event->state;
                event->state = WIRE_STATE_NULL;
        }
        ck_assert_ptr_null(event->state.services); /* nobody gets one that breaks the rules */
        session_event_done(event);
        ck_assert_int_eq(event->type, SESSION_EVENT_NONE);
}

static void on_agent_event(Kit *k, SessionEvent *event) {
        if (event->type == SESSION_EVENT_NONE)
                return;
        ck_assert_uint_lt(k->n_agent_seen, KIT_EVENTS_MAX);
        k->agent_seen[k->n_agent_seen++] = event->type;
        if (event->notice.code != 0)
                k->agent_notice = event->notice;
        if (event->type == SESSION_EVENT_RESULT) {
                wire_result_done(&k->result);
                k->result = event->result;
                event->result = WIRE_RESULT_NULL;
        }
        ck_assert_ptr_null(event->result.services); /* nobody gets one that breaks the rules */
        session_event_done(event);
        ck_assert_int_eq(event->type, SESSION_EVENT_NONE);
}

static void feed_helper(Kit *k) {
        SessionEvent event;
        size_t consumed;

        do {
                ck_assert_int_eq(helper_session_receive(k->helper, buffer_bytes(&k->helper_in),
                                                        buffer_length(&k->helper_in), k->now,
                                                        &k->helper_out, &consumed, &event),
                                 0);
                buffer_consume(&k->helper_in, consumed);
                on_helper_event(k, &event);
        } while (consumed > 0);
}

static void feed_agent(Kit *k) {
        SessionEvent event;
        size_t consumed;

        /* Before its owner starts it, the agent's session may not receive anything. */
        if (agent_session_state(k->agent) == AGENT_SESSION_IDLE)
                return;
        do {
                ck_assert_int_eq(agent_session_receive(k->agent, buffer_bytes(&k->agent_in),
                                                       buffer_length(&k->agent_in), k->now,
                                                       &k->agent_out, &consumed, &event),
                                 0);
                buffer_consume(&k->agent_in, consumed);
                on_agent_event(k, &event);
        } while (consumed > 0);
}

static size_t deliver(Buffer *from, Buffer *to, size_t chunk) {
        size_t n = buffer_length(from) < chunk ? buffer_length(from) : chunk;

        ck_assert_int_eq(buffer_append(to, buffer_bytes(from), n), 0);
        buffer_consume(from, n);
        return n;
}

void kit_run(Kit *k, size_t chunk) {
        size_t moved;

        do {
                moved = deliver(&k->agent_out, &k->helper_in, chunk);
                feed_helper(k);
                moved += deliver(&k->helper_out, &k->agent_in, chunk);
                feed_agent(k);
        } while (moved > 0);
}

void kit_connect(Kit *k) {
        WireHello hello = sample_hello();

        ck_assert_int_eq(agent_session_start(k->agent, &hello, k->now, &k->agent_out), 0);
        kit_run(k, 1);
}

void kit_wait(Kit *k, uint64_t ms) {
        SessionEvent event;

        k->now += ms * 1000;
        ck_assert_int_eq(helper_session_tick(k->helper, k->now, &k->helper_out, &event), 0);
        on_helper_event(k, &event);
        ck_assert_int_eq(agent_session_tick(k->agent, k->now, &k->agent_out, &event), 0);
        on_agent_event(k, &event);
        kit_run(k, SIZE_MAX);
}

const char *kit_frames(const Buffer *b, char *ret_text, size_t size) {
        size_t at = 0, length = 0;

        ret_text[0] = '\0';
        while (at < buffer_length(b)) {
                WireHeader header;

                ck_assert_uint_ge(buffer_length(b) - at, WIRE_HEADER_SIZE);
                ck_assert_int_eq(wire_header_decode(buffer_bytes(b) + at, &header), 0);
                length += (size_t) snprintf(ret_text + length, size - length, "%s%s",
                                            length > 0 ? " " : "", wire_type_name(header.type));
                ck_assert_uint_lt(length, size);
                at += WIRE_HEADER_SIZE + header.length;
        }
        ck_assert_uint_eq(at, buffer_length(b));
        return ret_text;
}

void kit_push(Kit *k, uint64_t expected_sequence) {
        WireState state = sample_state();
        uint64_t sequence;

        ck_assert_int_eq(agent_session_push(k->agent, &state, k->now, &k->agent_out, &sequence), 0);
        ck_assert_uint_eq(sequence, expected_sequence);
        kit_run(k, SIZE_MAX);
}

void kit_assert_seen(const SessionEventType *seen, unsigned n_seen,
                     const SessionEventType *expected, size_t n_expected) {
        ck_assert_uint_eq(n_seen, n_expected);
        for (unsigned i = 0; i < n_seen; i++)
                ck_assert_int_eq(seen[i], expected[i]);
}
