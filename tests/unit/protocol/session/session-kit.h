/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Two session machines that talk through byte queues, and an owner for each that does what the
 * real ones do: look up the key, admit or refuse. Tests read as conversations.
 */

#include "protocol/session/session-agent.h"
#include "protocol/session/session-helper.h"

#define KIT_EVENTS_MAX 64
#define KIT_START_USEC UINT64_C(1000000)

typedef struct Kit {
        AgentSession *agent;
        HelperSession *helper;
        uint64_t now; /* usec; tests move it */

        /* what the helper's owner does */
        const uint8_t *helper_key; /* NULL: this identity is not paired */
        bool busy;                 /* refuse instead of admit */
        bool hold;                 /* leave PROVEN to the test */

        /* bytes: written but not delivered, delivered but not consumed */
        Buffer agent_out, helper_out, agent_in, helper_in;

        /* what has happened; the last message of each kind is kept */
        SessionEventType agent_seen[KIT_EVENTS_MAX], helper_seen[KIT_EVENTS_MAX];
        unsigned n_agent_seen, n_helper_seen;
        WireNotice agent_notice, helper_notice;
        WireState state;
        WireResult result;
} Kit;

extern const uint8_t kit_key[WIRE_KEY_SIZE], kit_other_key[WIRE_KEY_SIZE];
extern const uint8_t kit_nonce[WIRE_NONCE_SIZE];

/* HMAC-SHA256 by libsodium. */
int kit_mac(const uint8_t *key, const uint8_t *data, size_t n, uint8_t ret_mac[WIRE_MAC_SIZE]);

/* As libsodium's, but fails: for error paths. */
int kit_mac_broken(const uint8_t *key, const uint8_t *data, size_t n, uint8_t *ret_mac);

HelperSessionConfig kit_config(void); /* defaults, pairing required */
void kit_init(Kit *k, const uint8_t *agent_key, const uint8_t *helper_key,
              const HelperSessionConfig *config);
void kit_done(Kit *k);

/* Deliver at most @chunk bytes at a time each way until nothing moves. */
void kit_run(Kit *k, size_t chunk);

/* agent_session_start() with the sample HELLO, then kit_run(). */
void kit_connect(Kit *k);

/* Move the clock by @ms and tick both, then kit_run(). */
void kit_wait(Kit *k, uint64_t ms);

/* Types of the frames in @b, as "HELLO PROOF". */
const char *kit_frames(const Buffer *b, char *ret_text, size_t size);

/* Push the sample STATE, check its number, deliver it. */
void kit_push(Kit *k, uint64_t expected_sequence);

void kit_assert_seen(const SessionEventType *seen, unsigned n_seen,
                     const SessionEventType *expected, size_t n_expected);

#define assert_states(k, a, h)                                                                     \
        do {                                                                                       \
                ck_assert_str_eq(agent_session_state_name(agent_session_state((k)->agent)), a);    \
                ck_assert_str_eq(helper_session_state_name(helper_session_state((k)->helper)), h); \
        } while (0)

#define assert_agent_saw(k, ...)                                                               \
        kit_assert_seen((k)->agent_seen, (k)->n_agent_seen, (SessionEventType[]){__VA_ARGS__}, \
                        sizeof((SessionEventType[]){__VA_ARGS__}) / sizeof(SessionEventType))
#define assert_helper_saw(k, ...)                                                                \
        kit_assert_seen((k)->helper_seen, (k)->n_helper_seen, (SessionEventType[]){__VA_ARGS__}, \
                        sizeof((SessionEventType[]){__VA_ARGS__}) / sizeof(SessionEventType))
