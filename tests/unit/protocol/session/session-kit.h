/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Two session machines that talk through byte queues. Each has an owner that does the work of the
 * real one: look up the key, admit or refuse. So a test reads like a conversation.
 */

#include "protocol/session/session-agent.h"
#include "protocol/session/session-helper.h"

#define KIT_EVENTS_MAX 64
#define KIT_START_USEC UINT64_C(1000000)

typedef struct Kit {
        AgentSession *agent;
        HelperSession *helper;
        uint64_t now; /* usec; the tests advance it */

        /* how the helper's owner decides */
        const uint8_t *helper_key; /* NULL: this identity is not paired */
        bool busy;                 /* refuse instead of admit */
        bool leave_proven;         /* leave PROVEN to the test */

        /* bytes: written but not delivered, delivered but not consumed */
        Buffer agent_out, helper_out, agent_in, helper_in;

        /* the events so far, and the last message of each kind */
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

/* A MAC function that fails, for error paths. */
int kit_mac_broken(const uint8_t *key, const uint8_t *data, size_t n, uint8_t *ret_mac);

HelperSessionConfig kit_config(void); /* defaults, pairing required */
void kit_init(Kit *k, const uint8_t *agent_key, const uint8_t *helper_key,
              const HelperSessionConfig *config);
void kit_done(Kit *k);

/* Deliver at most @chunk bytes at a time in each direction, until nothing moves. */
void kit_run(Kit *k, size_t chunk);

/* agent_session_start() with the sample HELLO, then kit_run(). */
void kit_connect(Kit *k);

/* Advance the clock by @ms and tick both machines, then kit_run(). */
void kit_wait(Kit *k, uint64_t ms);

/* Types of the frames in @b, as "HELLO PROOF". */
const char *kit_frames(const Buffer *b, char *ret_text, size_t size);

/* Push the sample STATE, check its sequence number, deliver it. */
void kit_push(Kit *k, uint64_t expected_sequence);

/* Assert that exactly these events were seen, in this order. */
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
