/* SPDX-License-Identifier: MIT */

/*
 * The agent's state machine: HELLO → CHALLENGE → PROOF → WELCOME, then STATE and RESULT. It sends
 * no STATE before the helper has proven itself.
 */

#include "protocol/session/session-agent.h"

#include "protocol/session/session-private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct AgentSession {
        /* configuration */
        SessionMac mac;
        bool has_key;
        uint8_t key[WIRE_KEY_SIZE]; /* until READY or CLOSED */

        /* state */
        AgentSessionState state;
        Buffer transcript; /* HELLO ‖ CHALLENGE, until READY or CLOSED */
        uint8_t version_min, version_max;
        bool has_challenge;
        WireChallenge challenge;
        uint64_t handshake_deadline;
        uint64_t last_heard; /* usec */
        uint64_t sequence;   /* of the last STATE, 0 = none */
        uint32_t n_services; /* of the last STATE */
        bool unanswered;     /* no RESULT has answered it yet … */
        uint64_t asked_usec; /* … for this long: since the first such STATE, or the last RESULT */
};

int agent_session_new(AgentSession **ret_session, SessionMac mac, const uint8_t *key) {
        AgentSession *s = calloc(1, sizeof(*s));

        if (s == NULL)
                return -ENOMEM;
        s->mac = mac;
        s->state = AGENT_SESSION_IDLE;
        if (key != NULL) {
                s->has_key = true;
                memcpy(s->key, key, WIRE_KEY_SIZE);
        }
        *ret_session = s;
        return 0;
}

/* The key and the frames that it signs are not needed any longer. */
static void forget_handshake(AgentSession *s) {
        session_wipe(s->key, sizeof(s->key));
        buffer_done(&s->transcript);
}

static void close_session(AgentSession *s) {
        forget_handshake(s);
        s->state = AGENT_SESSION_CLOSED;
}

AgentSession *agent_session_free(AgentSession *s) {
        if (s == NULL)
                return NULL;
        forget_handshake(s);
        free(s);
        return NULL;
}

AgentSessionState agent_session_state(const AgentSession *s) {
        return s->state;
}

const WireChallenge *agent_session_challenge(const AgentSession *s) {
        return s->has_challenge ? &s->challenge : NULL;
}

static uint64_t silence_deadline(const AgentSession *s) {
        return session_after(s->last_heard,
                             (uint64_t) s->challenge.heartbeat_ms * WIRE_SILENCE_FACTOR);
}

static uint64_t answer_deadline(const AgentSession *s) {
        if (!s->unanswered)
                return SESSION_NO_DEADLINE;
        return session_after(s->asked_usec,
                             (uint64_t) s->challenge.heartbeat_ms * WIRE_SILENCE_FACTOR);
}

uint64_t agent_session_deadline(const AgentSession *s) {
        uint64_t silence = silence_deadline(s), answer = answer_deadline(s);

        switch (s->state) {
        case AGENT_SESSION_HELLO_SENT:
        case AGENT_SESSION_PROOF_SENT:
                return s->handshake_deadline;
        case AGENT_SESSION_READY:
                return silence < answer ? silence : answer;
        case AGENT_SESSION_IDLE:
        case AGENT_SESSION_CLOSED:
        case _AGENT_SESSION_STATE_END:
                break;
        }
        return SESSION_NO_DEADLINE;
}

int agent_session_start(AgentSession *s, const WireHello *hello, uint64_t now_usec, Buffer *out) {
        int r;

        if (s->state != AGENT_SESSION_IDLE)
                return -ENOTRECOVERABLE;
        r = wire_hello_encode(hello, &s->transcript);
        if (r == 0)
                r = buffer_append(out, buffer_bytes(&s->transcript), buffer_length(&s->transcript));
        if (r < 0) {
                close_session(s);
                return r;
        }
        s->version_min = hello->version_min;
        s->version_max = hello->version_max;
        s->handshake_deadline = session_after(now_usec, WIRE_HANDSHAKE_MS);
        s->state = AGENT_SESSION_HELLO_SENT;
        return 0;
}

/* The types that the helper may send in this state. */
static uint32_t allowed_types(AgentSessionState state) {
        switch (state) {
        case AGENT_SESSION_HELLO_SENT:
                return SESSION_ALLOW(WIRE_CHALLENGE) | SESSION_ALLOW(WIRE_REFUSED) |
                       SESSION_ALLOW(WIRE_BYE);
        case AGENT_SESSION_PROOF_SENT:
                return SESSION_ALLOW(WIRE_WELCOME) | SESSION_ALLOW(WIRE_REFUSED) |
                       SESSION_ALLOW(WIRE_BYE);
        case AGENT_SESSION_READY:
                return SESSION_ALLOW(WIRE_RESULT) | SESSION_ALLOW(WIRE_PING) |
                       SESSION_ALLOW(WIRE_PONG) | SESSION_ALLOW(WIRE_BYE);
        case AGENT_SESSION_IDLE:
        case AGENT_SESSION_CLOSED:
        case _AGENT_SESSION_STATE_END:
                break;
        }
        return 0;
}

static int violation(AgentSession *s, WireBye code, const char *text, Buffer *out,
                     SessionEvent *ret_event) {
        close_session(s);
        return session_say_bye(code, text, SESSION_EVENT_VIOLATION, out, ret_event);
}

static int on_challenge(AgentSession *s, const uint8_t *frame, const SessionFrame *f, Buffer *out,
                        SessionEvent *ret_event) {
        WireProof proof = {.has_mac = s->has_key};
        int r;

        r = wire_challenge_decode(f->payload, f->header.length, &s->challenge);
        if (r < 0)
                return r;
        s->has_challenge = true;
        if (s->challenge.version < s->version_min || s->challenge.version > s->version_max)
                return violation(s, WIRE_BYE_PROTOCOL, "CHALLENGE chose a version not offered", out,
                                 ret_event);
        r = buffer_append(&s->transcript, frame, f->size);
        if (r == 0 && s->has_key)
                r = session_proof(s->mac, s->key, SESSION_LABEL_AGENT, &s->transcript, proof.mac);
        if (r == 0)
                r = wire_proof_encode(&proof, out);
        if (r == 0)
                s->state = AGENT_SESSION_PROOF_SENT;
        return r;
}

/* A helper that does not know our key is not ours and gets no STATE. An agent without a key cannot
 * check a MAC, so it refuses one: an unchecked MAC is as bad as a missing one. */
static int on_welcome(AgentSession *s, const SessionFrame *f, Buffer *out,
                      SessionEvent *ret_event) {
        uint8_t mac[WIRE_MAC_SIZE];
        WireProof proof;
        int r;

        r = wire_proof_decode(f->payload, f->header.length, &proof);
        if (r < 0)
                return r;
        if (proof.has_mac != s->has_key)
                return violation(s, WIRE_BYE_UNPROVEN,
                                 s->has_key ? "WELCOME without proof of the key"
                                            : "WELCOME with a proof, but this agent has no key",
                                 out, ret_event);
        if (s->has_key) {
                bool equal;

                r = session_proof(s->mac, s->key, SESSION_LABEL_HELPER, &s->transcript, mac);
                if (r < 0)
                        return r;
                equal = session_mac_equal(mac, proof.mac);
                session_wipe(mac, sizeof(mac));
                if (!equal)
                        return violation(s, WIRE_BYE_UNPROVEN, "WELCOME with a wrong proof", out,
                                         ret_event);
        }
        forget_handshake(s);
        s->state = AGENT_SESSION_READY;
        ret_event->type = SESSION_EVENT_ESTABLISHED;
        return 0;
}

static int on_result(AgentSession *s, const SessionFrame *f, uint64_t now_usec, Buffer *out,
                     SessionEvent *ret_event) {
        const char *problem = NULL;
        int r;

        r = wire_result_decode(f->payload, f->header.length, s->challenge.version,
                               &ret_event->result);
        if (r < 0)
                return r;
        if (ret_event->result.sequence > s->sequence)
                problem = "RESULT for a STATE that was not sent";
        else if (ret_event->result.sequence == s->sequence &&
                 ret_event->result.n_services != s->n_services)
                problem = "RESULT with another number of services than its STATE";
        if (problem != NULL) {
                wire_result_done(&ret_event->result);
                return violation(s, WIRE_BYE_PROTOCOL, problem, out, ret_event);
        }
        s->unanswered = s->unanswered && ret_event->result.sequence < s->sequence;
        s->asked_usec = now_usec;
        ret_event->type = SESSION_EVENT_RESULT;
        return 0;
}

static int on_notice(AgentSession *s, const SessionFrame *f, SessionEvent *ret_event) {
        int r;

        r = wire_notice_decode(f->payload, f->header.length, &ret_event->notice);
        if (r < 0)
                return r;
        ret_event->type = f->header.type == WIRE_BYE ? SESSION_EVENT_BYE : SESSION_EVENT_REFUSED;
        close_session(s);
        return 0;
}

/* Return: 0, -EPROTO when the payload is malformed, or -ENOMEM or the error of the MAC function. */
static int on_frame(AgentSession *s, const uint8_t *frame, const SessionFrame *f, uint64_t now_usec,
                    Buffer *out, SessionEvent *ret_event) {
        switch ((WireType) f->header.type) {
        case WIRE_CHALLENGE:
                return on_challenge(s, frame, f, out, ret_event);
        case WIRE_WELCOME:
                return on_welcome(s, f, out, ret_event);
        case WIRE_RESULT:
                return on_result(s, f, now_usec, out, ret_event);
        case WIRE_PING:
        case WIRE_PONG:
                return session_on_token(f, out);
        case WIRE_REFUSED:
        case WIRE_BYE:
                return on_notice(s, f, ret_event);
        case WIRE_HELLO:
        case WIRE_PROOF:
        case WIRE_STATE:
        case _WIRE_TYPE_END:
                break;
        }
        return -ENOTRECOVERABLE; /* allowed_types() lets none of these through */
}

int agent_session_receive(AgentSession *s, const uint8_t *data, size_t n, uint64_t now_usec,
                          Buffer *out, size_t *ret_consumed, SessionEvent *ret_event) {
        char problem[WIRE_TEXT_MAX + 1];
        SessionFrame frame;
        int r = 0;

        *ret_consumed = 0;
        *ret_event = SESSION_EVENT_NULL;
        if (s->state == AGENT_SESSION_IDLE)
                return -ENOTRECOVERABLE;
        if (s->state == AGENT_SESSION_CLOSED)
                return 0;
        switch (session_next_frame(data, n, allowed_types(s->state), &frame, problem)) {
        case SESSION_STEP_WAIT:
                return 0;
        case SESSION_STEP_VIOLATION:
                return violation(s, WIRE_BYE_PROTOCOL, problem, out, ret_event);
        case SESSION_STEP_SKIP:
                break;
        case SESSION_STEP_FRAME:
                r = on_frame(s, data, &frame, now_usec, out, ret_event);
                break;
        }
        if (r == -EPROTO) {
                (void) snprintf(problem, sizeof(problem), "malformed %s",
                                wire_type_name(frame.header.type));
                return violation(s, WIRE_BYE_PROTOCOL, problem, out, ret_event);
        }
        if (r < 0) {
                close_session(s);
                return r;
        }
        s->last_heard = now_usec;
        *ret_consumed = frame.size;
        return 0;
}

int agent_session_tick(AgentSession *s, uint64_t now_usec, Buffer *out, SessionEvent *ret_event) {
        bool established = s->state == AGENT_SESSION_READY;
        bool silent = established && now_usec >= silence_deadline(s);
        uint64_t deadline = agent_session_deadline(s);

        *ret_event = SESSION_EVENT_NULL;
        if (deadline == SESSION_NO_DEADLINE || now_usec < deadline)
                return 0;
        close_session(s);
        return session_say_bye(silent ? WIRE_BYE_SILENT : WIRE_BYE_TIMEOUT,
                               silent        ? "nothing heard from the helper"
                               : established ? "STATE was not answered in time"
                                             : "handshake not finished in time",
                               SESSION_EVENT_TIMEOUT, out, ret_event);
}

void agent_session_resume(AgentSession *s, uint64_t now_usec) {
        uint64_t spent = (uint64_t) s->challenge.heartbeat_ms * (WIRE_SILENCE_FACTOR - 1) * 1000;

        if (s->state != AGENT_SESSION_READY || now_usec <= spent)
                return;
        if (s->last_heard < now_usec - spent)
                s->last_heard = now_usec - spent;
        if (s->asked_usec < now_usec - spent)
                s->asked_usec = now_usec - spent;
}

int agent_session_push(AgentSession *s, WireState *state, uint64_t now_usec, Buffer *out,
                       uint64_t *ret_sequence) {
        uint64_t previous = state->sequence;
        int r;

        if (s->state != AGENT_SESSION_READY)
                return -ENOTRECOVERABLE;
        if (wire_state_endpoints(state) > s->challenge.endpoints_max)
                return -E2BIG;
        state->sequence = s->sequence + 1;
        r = wire_state_encode(state, s->challenge.version, out);
        if (r < 0) {
                state->sequence = previous;
                return r;
        }
        s->sequence++;
        s->n_services = state->n_services;
        if (!s->unanswered)
                s->asked_usec = now_usec;
        s->unanswered = true;
        *ret_sequence = s->sequence;
        return 0;
}

int agent_session_bye(AgentSession *s, WireBye reason, const char *text, Buffer *out) {
        bool connected = s->state != AGENT_SESSION_IDLE && s->state != AGENT_SESSION_CLOSED;
        SessionEvent ignored = SESSION_EVENT_NULL;

        close_session(s);
        if (!connected)
                return 0;
        return session_say_bye(reason, text, SESSION_EVENT_NONE, out, &ignored);
}
