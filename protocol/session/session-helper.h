/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The helper's end of a session. One object lives as long as one connection. docs/protocol.md has
 * the diagram of its states; session.h says how an owner drives it.
 *
 * Two states wait for the owner and not for the peer. In KEY_WAIT the owner looks up the key of the
 * identity in HELLO. In SLOT_WAIT it decides whether this identity may have a session now; an older
 * session of the same identity first gets WIRE_SLOT_PROBE_MS to answer a PING.
 */

#include "protocol/session/session.h"

#define WIRE_SLOT_PROBE_MS 2000

typedef enum HelperSessionState {
        HELPER_SESSION_HELLO_WAIT,
        HELPER_SESSION_KEY_WAIT,
        HELPER_SESSION_PROOF_WAIT,
        HELPER_SESSION_SLOT_WAIT,
        HELPER_SESSION_READY,
        HELPER_SESSION_CLOSED,
        _HELPER_SESSION_STATE_END,
} HelperSessionState;

typedef struct HelperSession HelperSession;

typedef struct HelperSessionConfig {
        SessionMac mac;
        bool pairing_required;
        uint32_t endpoints_max;
        uint32_t heartbeat_ms;
        uint32_t handshake_ms;
        const char *software; /* borrowed, must outlive the session */
} HelperSessionConfig;

/* A session that waits for HELLO from @now_usec on. Return: 0 or -ENOMEM. */
int helper_session_new(HelperSession **ret_session, const HelperSessionConfig *config,
                       uint64_t now_usec);
HelperSession *helper_session_free(HelperSession *s); /* wipes keys; takes NULL, returns NULL */

HelperSessionState helper_session_state(const HelperSession *s);
const char *helper_session_state_name(HelperSessionState state);
const WireHello *helper_session_hello(const HelperSession *s); /* NULL before HELLO */
uint64_t helper_session_deadline(const HelperSession *s);
/* Time of the last whole frame, or of WELCOME when that is later, in usec. */
uint64_t helper_session_last_heard(const HelperSession *s);

/* Like agent_session_receive(). Nothing is consumed while the session waits for its owner. */
int helper_session_receive(HelperSession *s, const uint8_t *data, size_t n, uint64_t now_usec,
                           Buffer *out, size_t *ret_consumed, SessionEvent *ret_event);

/* Time has passed: send the heartbeat PING when it is due, close when the handshake takes too long
 * or the agent is silent. Return: 0 or -ENOMEM. */
int helper_session_tick(HelperSession *s, uint64_t now_usec, Buffer *out, SessionEvent *ret_event);

/* KEY_WAIT → PROOF_WAIT. @key: copied; NULL if this identity is not paired. @nonce: fresh random
 * bytes. Return: 0; -ENOTRECOVERABLE in another state; -ENOMEM, or -EINVAL for a configuration
 * outside the protocol's limits (both close the session). */
int helper_session_challenge(HelperSession *s, const uint8_t *key,
                             const uint8_t nonce[WIRE_NONCE_SIZE], uint64_t now_usec, Buffer *out);

/* The policy has changed: whether an agent without a key may come in is judged by @required from
 * now on. It does not end a session that is further on; that is up to the owner. */
void helper_session_require_pairing(HelperSession *s, bool required);

/* SLOT_WAIT → READY with WELCOME. Return: 0; -ENOTRECOVERABLE in another state; -ENOMEM or the
 * error of the MAC function (both close the session). */
int helper_session_admit(HelperSession *s, uint64_t now_usec, Buffer *out);

/* Any state before READY → CLOSED with REFUSED. Return: 0, -ENOMEM, -ENOTRECOVERABLE. */
int helper_session_refuse(HelperSession *s, WireRefusal code, const char *text, Buffer *out);

/* READY: send a PING now. Return: 0, -ENOMEM, -ENOTRECOVERABLE. */
int helper_session_ping(HelperSession *s, uint64_t now_usec, Buffer *out);

/* READY: send a result. Return: 0; -EINVAL, also for a sequence that is newer than the last STATE
 * and for a number of services that differs from that STATE; -ENOMEM, -ENOTRECOVERABLE. */
int helper_session_result(HelperSession *s, const WireResult *result, Buffer *out);

/* Say goodbye and close. A CLOSED session says nothing. Return: 0 or -ENOMEM. */
int helper_session_bye(HelperSession *s, WireBye reason, const char *text, Buffer *out);
