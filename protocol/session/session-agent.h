/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The agent's end of a session, see docs/protocol.md for the diagram and session.h for how it is
 * driven. One object lives as long as one connection.
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
AgentSession *agent_session_free(AgentSession *s); /* wipes; takes NULL, returns NULL */

AgentSessionState agent_session_state(const AgentSession *s);
const char *agent_session_state_name(AgentSessionState state);
const WireChallenge *agent_session_challenge(const AgentSession *s); /* NULL before CHALLENGE */
uint64_t agent_session_deadline(const AgentSession *s); /* usec, or SESSION_NO_DEADLINE */

/* The connection is up: IDLE → HELLO_SENT. Return: 0, -EINVAL, -ENOMEM, -ENOTRECOVERABLE. */
int agent_session_start(AgentSession *s, const WireHello *hello, uint64_t now_usec, Buffer *out);

/**
 * agent_session_receive() - take bytes from the peer
 * @data: what has arrived and was not consumed so far
 *
 * Handles at most one frame; call again with the rest until it consumes nothing. PINGs are answered
 * into @out. After REFUSED, BYE, VIOLATION or TIMEOUT the state is CLOSED and nothing is consumed.
 *
 * @ret_consumed: bytes used; 0 when a whole frame is not there yet
 *
 * Return: 0, or -ENOMEM, or the error of @mac.
 */
int agent_session_receive(AgentSession *s, const uint8_t *data, size_t n, uint64_t now_usec,
                          Buffer *out, size_t *ret_consumed, SessionEvent *ret_event);

/* Time has passed. Return: 0 or -ENOMEM. */
int agent_session_tick(AgentSession *s, uint64_t now_usec, Buffer *out, SessionEvent *ret_event);

/* The machine, or this process, did not run for a while: what the helper sent meanwhile may still
 * be on its way. READY: it counts as silent one full heartbeat from now at the earliest. */
void agent_session_resume(AgentSession *s, uint64_t now_usec);

/* Append STATE; gives it the next sequence number, told in @ret_sequence. READY only, else
 * -ENOTRECOVERABLE. Return: 0, -EINVAL, -EMSGSIZE, -ENOMEM; or -E2BIG when the helper's
 * endpoints_max is smaller than what @state asks for. */
int agent_session_push(AgentSession *s, WireState *state, Buffer *out, uint64_t *ret_sequence);

/* Say goodbye and close. In IDLE and CLOSED it only closes. Return: 0 or -ENOMEM. */
int agent_session_bye(AgentSession *s, WireBye reason, const char *text, Buffer *out);
