/* SPDX-License-Identifier: MIT */

/*
 * Claim: the two session machines really produce the worked sessions of docs/protocol.md. The test
 * passes the contents of the vectors to each machine as its owner would, and the machine must write
 * exactly the bytes of the vectors.
 *
 *     test-worked-session vectors/session.txt
 *     test-worked-session vectors/session-v2.txt
 */

#include "protocol/session/session-agent.h"
#include "protocol/session/session-helper.h"
#include "tests/wire/vectors.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Stage {
        Vectors vectors;
        AgentSession *agent;
        HelperSession *helper;
        uint64_t now;
        uint8_t version;
        Buffer out; /* of the end that sends */
        unsigned passed, failed;
} Stage;

static int mac(const uint8_t *key, const uint8_t *data, size_t n, uint8_t *ret_mac) {
        return crypto_auth_hmacsha256(ret_mac, data, n, key) == 0 ? 0 : -EIO;
}

static void expect(Stage *s, bool good, const char *what) {
        (void) printf("%s %s\n", good ? "ok" : "FAILED", what);
        s->passed += good;
        s->failed += !good;
}

/* A vector that must be there; without it the rest of the test makes no sense. */
static const Vector *vector(Stage *s, const char *name, size_t least) {
        const Vector *v = vectors_find(&s->vectors, name);

        if (v == NULL || buffer_length(&v->bytes) < least) {
                (void) printf("the vector '%s' is missing\n0 passed, 1 failed\n", name);
                exit(EXIT_FAILURE);
        }
        return v;
}

static const uint8_t *payload(const Vector *v) {
        return buffer_bytes(&v->bytes) + WIRE_HEADER_SIZE;
}

static size_t payload_length(const Vector *v) {
        return buffer_length(&v->bytes) - WIRE_HEADER_SIZE;
}

/* Expect that exactly the vector was written, and deliver it to the other end. */
static SessionEvent deliver(Stage *s, const char *name, int r) {
        const Vector *v = vector(s, name, WIRE_HEADER_SIZE);
        SessionEvent event = SESSION_EVENT_NULL;
        size_t consumed = 0;

        expect(s,
               r == 0 && buffer_length(&s->out) == buffer_length(&v->bytes) &&
                       memcmp(buffer_bytes(&s->out), buffer_bytes(&v->bytes),
                              buffer_length(&s->out)) == 0,
               name);
        buffer_done(&s->out);
        if (strncmp(name, "agent-", 6) == 0)
                r = helper_session_receive(s->helper, buffer_bytes(&v->bytes),
                                           buffer_length(&v->bytes), s->now, &s->out, &consumed,
                                           &event);
        else
                r = agent_session_receive(s->agent, buffer_bytes(&v->bytes),
                                          buffer_length(&v->bytes), s->now, &s->out, &consumed,
                                          &event);
        if (r < 0 || consumed != buffer_length(&v->bytes))
                expect(s, false, "the other end takes it");
        return event;
}

static void handshake(Stage *s) {
        const Vector *v = vector(s, "agent-hello", WIRE_HEADER_SIZE);
        const uint8_t *key = buffer_bytes(&vector(s, "key", WIRE_KEY_SIZE)->bytes);
        const uint8_t *nonce = buffer_bytes(&vector(s, "helper-nonce", WIRE_NONCE_SIZE)->bytes);
        WireHello hello = {0};

        expect(s, wire_hello_decode(payload(v), payload_length(v), &hello) == 0, "HELLO decodes");
        s->version = hello.version_max;
        expect(s,
               deliver(s, "agent-hello", agent_session_start(s->agent, &hello, s->now, &s->out))
                               .type == SESSION_EVENT_HELLO,
               "the helper looks up the key");
        /* The PROOF is the agent's answer to the CHALLENGE. */
        (void) deliver(s, "helper-challenge",
                       helper_session_challenge(s->helper, key, nonce, s->now, &s->out));
        expect(s, deliver(s, "agent-proof", 0).type == SESSION_EVENT_PROVEN,
               "the agent has proven itself");
        expect(s,
               deliver(s, "helper-welcome", helper_session_admit(s->helper, s->now, &s->out))
                               .type == SESSION_EVENT_ESTABLISHED,
               "the helper has proven itself");
}

static void work(Stage *s) {
        const Vector *v = vector(s, "agent-state", WIRE_HEADER_SIZE);
        WireState state = WIRE_STATE_NULL;
        WireResult result = WIRE_RESULT_NULL;
        SessionEvent event;
        uint64_t sequence;

        expect(s, wire_state_decode(payload(v), payload_length(v), s->version, &state) == 0,
               "STATE decodes");
        event = deliver(s, "agent-state",
                        agent_session_push(s->agent, &state, s->now, &s->out, &sequence));
        expect(s, event.type == SESSION_EVENT_STATE && event.state.n_services == 2,
               "the helper has the services");
        session_event_done(&event);
        wire_state_done(&state);

        v = vector(s, "helper-result", WIRE_HEADER_SIZE);
        expect(s, wire_result_decode(payload(v), payload_length(v), s->version, &result) == 0,
               "RESULT decodes");
        event = deliver(s, "helper-result", helper_session_result(s->helper, &result, &s->out));
        expect(s, event.type == SESSION_EVENT_RESULT && event.result.n_services == 2,
               "the agent has the result");
        session_event_done(&event);
        wire_result_done(&result);
}

static void heartbeat_and_goodbye(Stage *s) {
        SessionEvent event;
        WireNotice bye = {0};
        const Vector *v = vector(s, "agent-bye", WIRE_HEADER_SIZE);
        int r;

        s->now += WIRE_HEARTBEAT_MS * UINT64_C(1000);
        r = helper_session_tick(s->helper, s->now, &s->out, &event);
        (void) deliver(s, "helper-ping", r);
        (void) deliver(s, "agent-pong", 0);
        expect(s, wire_notice_decode(payload(v), payload_length(v), &bye) == 0, "BYE decodes");
        event = deliver(s, "agent-bye",
                        agent_session_bye(s->agent, (WireBye) bye.code, bye.text, &s->out));
        expect(s, event.type == SESSION_EVENT_BYE, "the helper knows that the agent stops");
        expect(s, helper_session_state(s->helper) == HELPER_SESSION_CLOSED, "it is over");
}

int main(int argc, char **argv) {
        HelperSessionConfig config = {
                .mac = mac,
                .pairing_required = true,
                .endpoints_max = WIRE_ENDPOINTS_MAX,
                .heartbeat_ms = WIRE_HEARTBEAT_MS,
                .handshake_ms = WIRE_HANDSHAKE_MS,
                .software = "wslbridge-helper 0.1.0",
        };
        Stage s = {.now = 1};

        /* In version 1 it is as an older agent would begin it; the helper is always ours. */
        if (argc != 2 || sodium_init() < 0 || vectors_read(argv[1], &s.vectors) < 0)
                return EXIT_FAILURE;
        if (agent_session_new(&s.agent, mac,
                              buffer_bytes(&vector(&s, "key", WIRE_KEY_SIZE)->bytes)) < 0 ||
            helper_session_new(&s.helper, &config, s.now) < 0)
                return EXIT_FAILURE;
        handshake(&s);
        work(&s);
        heartbeat_and_goodbye(&s);
        s.agent = agent_session_free(s.agent);
        s.helper = helper_session_free(s.helper);
        buffer_done(&s.out);
        vectors_done(&s.vectors);
        (void) printf("%u passed, %u failed\n", s.passed, s.failed);
        return s.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
