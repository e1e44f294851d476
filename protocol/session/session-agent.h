/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The agent's end of a session. One object lives as long as one connection. docs/protocol.md has
 * the diagram of its states; session.h says how an owner drives it.
 */

#include "protocol/session/session.h"

typedef enum AgentSessionState {
        AGENT_SESSION_IDLE,       /* not started */
        AGENT_SESSION_HELLO_SENT, /* waits for CHALLENGE */
        AGENT_SESSION_PROOF_SENT, /* waits for WELCOME */
        AGENT_SESSION_READY,      /* STATE, RESULT, PING, PONG */
        AGENT_SESSION_CLOSED,     /* terminal */
        _AGENT_SESSION_STATE_END,
} AgentSessionState;

typedef struct AgentSession AgentSession;

/**
 * agent_session_new() - a session in state IDLE
 * @mac: HMAC function
 * @key: WIRE_KEY_SIZE bytes, copied (and wiped when freed), or NULL for an unpaired agent
 *
 * Return: 0 or -ENOMEM.
 */
int agent_session_new(AgentSession **ret_session, SessionMac mac, const uint8_t *key);
AgentSession *agent_session_free(AgentSession *s); /* wipes keys; takes NULL, returns NULL */

AgentSessionState agent_session_state(const AgentSession *s);
const char *agent_session_state_name(AgentSessionState state);
const WireChallenge *agent_session_challenge(const AgentSession *s); /* NULL before CHALLENGE */
uint64_t agent_session_deadline(const AgentSession *s); /* usec, or SESSION_NO_DEADLINE */

/* The connection is up: IDLE → HELLO_SENT. Return: 0, -EINVAL, -ENOMEM, -ENOTRECOVERABLE. */
int agent_session_start(AgentSession *s, const WireHello *hello, uint64_t now_usec, Buffer *out);

/**
 * agent_session_receive() - take bytes from the peer
 * @data: the @n bytes that have arrived and are not consumed yet
 * @now_usec: monotonic time
 * @out: answers are appended here
 * @ret_consumed: bytes used; 0 when no whole frame is there yet
 * @ret_event: what happened; session_event_done() releases it
 *
 * Handles at most one frame; call again with the rest until it consumes nothing. The answer to a
 * PING goes to @out. After REFUSED, BYE, VIOLATION or TIMEOUT the state is CLOSED, and nothing is
 * consumed any longer.
 *
 * Return: 0, or -ENOMEM, or the error of @mac.
 */
int agent_session_receive(AgentSession *s, const uint8_t *data, size_t n, uint64_t now_usec,
                          Buffer *out, size_t *ret_consumed, SessionEvent *ret_event);

/* Time has passed: close when a deadline is over. Return: 0 or -ENOMEM. */
int agent_session_tick(AgentSession *s, uint64_t now_usec, Buffer *out, SessionEvent *ret_event);

/* The machine or this process did not run for a while, and frames of the helper may still be on
 * their way. In READY, the helper counts as silent, and a STATE as unanswered, one full heartbeat
 * from now at the earliest. */
void agent_session_resume(AgentSession *s, uint64_t now_usec);

/* Append STATE with the next sequence number, which also goes to @ret_sequence. From @now_usec on
 * the helper has WIRE_SILENCE_FACTOR heartbeats to answer with RESULT. Return: 0, -EINVAL,
 * -EMSGSIZE, -ENOMEM; -E2BIG when @state asks for more endpoints than the helper's endpoints_max;
 * -ENOTRECOVERABLE in another state than READY. */
int agent_session_push(AgentSession *s, WireState *state, uint64_t now_usec, Buffer *out,
                       uint64_t *ret_sequence);

/* Say goodbye and close. In IDLE and CLOSED it only closes. Return: 0 or -ENOMEM. */
int agent_session_bye(AgentSession *s, WireBye reason, const char *text, Buffer *out);
