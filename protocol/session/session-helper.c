/* SPDX-License-Identifier: MIT */

/*
 * The helper's state machine. It trusts nothing before the proof: until then a peer can cost it one
 * session object, one HELLO of at most 1 KiB and WIRE_HANDSHAKE_MS.
 */

#include "protocol/session/session-helper.h"

#include "protocol/session/session-private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct HelperSession {
        /* configuration */
        HelperSessionConfig config;

        /* state */
        HelperSessionState state;
        bool has_key;
        uint8_t key[WIRE_KEY_SIZE]; /* from KEY_WAIT until READY or CLOSED */
        Buffer transcript;          /* HELLO ‖ CHALLENGE, until READY or CLOSED */
        bool has_hello;
        WireHello hello;
        uint8_t version; /* from CHALLENGE on */
        uint64_t handshake_deadline;
        uint64_t last_heard, ping_due; /* usec */
        uint64_t ping_token;           /* of the last PING */
        uint64_t sequence;             /* of the last STATE, 0 = none */
        uint32_t n_services;           /* of the last STATE */
};

int helper_session_new(HelperSession **ret_session, const HelperSessionConfig *config,
                       uint64_t now_usec) {
        HelperSession *s = calloc(1, sizeof(*s));

        if (s == NULL)
                return -ENOMEM;
        s->config = *config;
        s->state = HELPER_SESSION_HELLO_WAIT;
        s->handshake_deadline = session_after(now_usec, config->handshake_ms);
        s->last_heard = now_usec;
        *ret_session = s;
        return 0;
}

/* The key and the frames that it signs are not needed any longer. */
static void forget_handshake(HelperSession *s) {
        session_wipe(s->key, sizeof(s->key));
        buffer_done(&s->transcript);
}

static void close_session(HelperSession *s) {
        forget_handshake(s);
        s->state = HELPER_SESSION_CLOSED;
}

HelperSession *helper_session_free(HelperSession *s) {
        if (s != NULL)
                forget_handshake(s);
        free(s);
        return NULL;
}

HelperSessionState helper_session_state(const HelperSession *s) {
        return s->state;
}

const WireHello *helper_session_hello(const HelperSession *s) {
        return s->has_hello ? &s->hello : NULL;
}

static uint64_t silence_deadline(const HelperSession *s) {
        return session_after(s->last_heard,
                             (uint64_t) s->config.heartbeat_ms * WIRE_SILENCE_FACTOR);
}

uint64_t helper_session_deadline(const HelperSession *s) {
        uint64_t silence = silence_deadline(s);

        switch (s->state) {
        case HELPER_SESSION_HELLO_WAIT:
        case HELPER_SESSION_KEY_WAIT:
        case HELPER_SESSION_PROOF_WAIT:
        case HELPER_SESSION_SLOT_WAIT:
                return s->handshake_deadline;
        case HELPER_SESSION_READY:
                return s->ping_due < silence ? s->ping_due : silence;
        case HELPER_SESSION_CLOSED:
        case _HELPER_SESSION_STATE_END:
                break;
        }
        return SESSION_NO_DEADLINE;
}

uint64_t helper_session_last_heard(const HelperSession *s) {
        return s->last_heard;
}

/* The types that the agent may send in this state. */
static uint32_t allowed_types(HelperSessionState state) {
        switch (state) {
        case HELPER_SESSION_HELLO_WAIT:
                return SESSION_ALLOW(WIRE_HELLO) | SESSION_ALLOW(WIRE_BYE);
        case HELPER_SESSION_PROOF_WAIT:
                return SESSION_ALLOW(WIRE_PROOF) | SESSION_ALLOW(WIRE_BYE);
        case HELPER_SESSION_READY:
                return SESSION_ALLOW(WIRE_STATE) | SESSION_ALLOW(WIRE_PING) |
                       SESSION_ALLOW(WIRE_PONG) | SESSION_ALLOW(WIRE_BYE);
        case HELPER_SESSION_KEY_WAIT:
        case HELPER_SESSION_SLOT_WAIT:
        case HELPER_SESSION_CLOSED:
        case _HELPER_SESSION_STATE_END:
                break;
        }
        return 0;
}

static int violation(HelperSession *s, const char *text, Buffer *out, SessionEvent *ret_event) {
        close_session(s);
        return session_say_bye(WIRE_BYE_PROTOCOL, text, SESSION_EVENT_VIOLATION, out, ret_event);
}

static int refuse(HelperSession *s, WireRefusal code, const char *text, Buffer *out,
                  SessionEvent *ret_event) {
        close_session(s);
        return session_say_refused(code, text, out, ret_event);
}

static int on_hello(HelperSession *s, const uint8_t *frame, const SessionFrame *f, Buffer *out,
                    SessionEvent *ret_event) {
        int r;

        r = wire_hello_decode(f->payload, f->header.length, &s->hello);
        if (r < 0)
                return r;
        s->has_hello = true;
        if (s->hello.version_min > WIRE_VERSION_MAX || s->hello.version_max < WIRE_VERSION_MIN) {
                char text[WIRE_TEXT_MAX + 1];

                (void) snprintf(text, sizeof(text),
                                "this helper speaks protocol %u to %u, the agent %u to %u",
                                WIRE_VERSION_MIN, WIRE_VERSION_MAX, s->hello.version_min,
                                s->hello.version_max);
                return refuse(s, WIRE_REFUSAL_VERSION, text, out, ret_event);
        }
        r = buffer_append(&s->transcript, frame, f->size);
        if (r < 0)
                return r;
        s->state = HELPER_SESSION_KEY_WAIT;
        ret_event->type = SESSION_EVENT_HELLO;
        ret_event->hello = s->hello;
        return 0;
}

/*
 * Both ends must have a key, or neither end when policy does not require pairing. A paired identity
 * must prove itself even then; otherwise any guest could claim that identity.
 */
static int on_proof(HelperSession *s, const SessionFrame *f, Buffer *out, SessionEvent *ret_event) {
        uint8_t mac[WIRE_MAC_SIZE];
        WireProof proof;
        bool equal;
        int r;

        r = wire_proof_decode(f->payload, f->header.length, &proof);
        if (r < 0)
                return r;
        if (proof.has_mac != s->has_key || (!s->has_key && s->config.pairing_required)) {
                return refuse(s, WIRE_REFUSAL_NOT_PAIRED,
                              s->has_key ? "the host has a key for this agent, the agent has none"
                                         : "the host has no key for this agent",
                              out, ret_event);
        }
        if (s->has_key) {
                r = session_proof(s->config.mac, s->key, SESSION_LABEL_AGENT, &s->transcript, mac);
                if (r < 0)
                        return r;
                equal = session_mac_equal(mac, proof.mac);
                session_wipe(mac, sizeof(mac));
                if (!equal) {
                        return refuse(s, WIRE_REFUSAL_BAD_PROOF,
                                      "the agent's key is not the host's", out, ret_event);
                }
        }
        s->state = HELPER_SESSION_SLOT_WAIT;
        ret_event->type = SESSION_EVENT_PROVEN;
        return 0;
}

static int on_state(HelperSession *s, const SessionFrame *f, Buffer *out, SessionEvent *ret_event) {
        const char *problem = NULL;
        int r;

        r = wire_state_decode(f->payload, f->header.length, s->version, &ret_event->state);
        if (r < 0)
                return r;
        if (ret_event->state.sequence <= s->sequence)
                problem = "STATE with an old sequence number";
        else if (wire_state_endpoints(&ret_event->state) > s->config.endpoints_max)
                problem = "STATE with more endpoints than allowed";
        if (problem != NULL) {
                wire_state_done(&ret_event->state);
                return violation(s, problem, out, ret_event);
        }
        s->sequence = ret_event->state.sequence;
        s->n_services = ret_event->state.n_services;
        ret_event->version = s->version;
        ret_event->type = SESSION_EVENT_STATE;
        return 0;
}

static int on_bye(HelperSession *s, const SessionFrame *f, SessionEvent *ret_event) {
        int r;

        r = wire_notice_decode(f->payload, f->header.length, &ret_event->notice);
        if (r < 0)
                return r;
        ret_event->type = SESSION_EVENT_BYE;
        close_session(s);
        return 0;
}

/* Return: 0, -EPROTO when the payload is malformed, or -ENOMEM or the error of the MAC function. */
static int on_frame(HelperSession *s, const uint8_t *frame, const SessionFrame *f, Buffer *out,
                    SessionEvent *ret_event) {
        switch ((WireType) f->header.type) {
        case WIRE_HELLO:
                return on_hello(s, frame, f, out, ret_event);
        case WIRE_PROOF:
                return on_proof(s, f, out, ret_event);
        case WIRE_STATE:
                return on_state(s, f, out, ret_event);
        case WIRE_PING:
        case WIRE_PONG:
                return session_on_token(f, out);
        case WIRE_BYE:
                return on_bye(s, f, ret_event);
        case WIRE_CHALLENGE:
        case WIRE_WELCOME:
        case WIRE_REFUSED:
        case WIRE_RESULT:
        case _WIRE_TYPE_END:
                break;
        }
        return -ENOTRECOVERABLE; /* allowed_types() lets none of these through */
}

int helper_session_receive(HelperSession *s, const uint8_t *data, size_t n, uint64_t now_usec,
                           Buffer *out, size_t *ret_consumed, SessionEvent *ret_event) {
        char problem[WIRE_TEXT_MAX + 1];
        SessionFrame frame;
        int r = 0;

        *ret_consumed = 0;
        *ret_event = SESSION_EVENT_NULL;
        if (s->state == HELPER_SESSION_KEY_WAIT || s->state == HELPER_SESSION_SLOT_WAIT ||
            s->state == HELPER_SESSION_CLOSED)
                return 0;
        switch (session_next_frame(data, n, allowed_types(s->state), &frame, problem)) {
        case SESSION_STEP_WAIT:
                return 0;
        case SESSION_STEP_VIOLATION:
                return violation(s, problem, out, ret_event);
        case SESSION_STEP_SKIP:
                break;
        case SESSION_STEP_FRAME:
                r = on_frame(s, data, &frame, out, ret_event);
                break;
        }
        if (r == -EPROTO) {
                (void) snprintf(problem, sizeof(problem), "malformed %s",
                                wire_type_name(frame.header.type));
                return violation(s, problem, out, ret_event);
        }
        if (r < 0) {
                close_session(s);
                return r;
        }
        s->last_heard = now_usec;
        *ret_consumed = frame.size;
        return 0;
}

int helper_session_tick(HelperSession *s, uint64_t now_usec, Buffer *out, SessionEvent *ret_event) {
        bool established = s->state == HELPER_SESSION_READY;
        uint64_t deadline = helper_session_deadline(s);

        *ret_event = SESSION_EVENT_NULL;
        if (deadline == SESSION_NO_DEADLINE || now_usec < deadline)
                return 0;
        if (established && now_usec < silence_deadline(s))
                return helper_session_ping(s, now_usec, out);
        close_session(s);
        return session_say_bye(established ? WIRE_BYE_SILENT : WIRE_BYE_TIMEOUT,
                               established ? "nothing heard from the agent"
                                           : "handshake not finished in time",
                               SESSION_EVENT_TIMEOUT, out, ret_event);
}

int helper_session_challenge(HelperSession *s, const uint8_t *key,
                             const uint8_t nonce[WIRE_NONCE_SIZE], uint64_t now_usec, Buffer *out) {
        WireChallenge challenge = {
                .version = session_highest_version(&s->hello),
                .endpoints_max = s->config.endpoints_max,
                .heartbeat_ms = s->config.heartbeat_ms,
        };
        size_t hello_length = buffer_length(&s->transcript);
        int r;

        if (s->state != HELPER_SESSION_KEY_WAIT)
                return -ENOTRECOVERABLE;
        memcpy(challenge.nonce, nonce, WIRE_NONCE_SIZE);
        (void) snprintf(challenge.software, sizeof(challenge.software), "%s", s->config.software);
        wire_text_clean(challenge.software, WIRE_SOFTWARE_MAX);
        r = wire_challenge_encode(&challenge, &s->transcript);
        if (r == 0)
                r = buffer_append(out, buffer_bytes(&s->transcript) + hello_length,
                                  buffer_length(&s->transcript) - hello_length);
        if (r < 0) {
                close_session(s);
                return r;
        }
        if (key != NULL) {
                s->has_key = true;
                memcpy(s->key, key, WIRE_KEY_SIZE);
        }
        s->version = challenge.version;
        s->state = HELPER_SESSION_PROOF_WAIT;
        return 0;
}

void helper_session_require_pairing(HelperSession *s, bool required) {
        s->config.pairing_required = required;
}

int helper_session_admit(HelperSession *s, uint64_t now_usec, Buffer *out) {
        WireProof welcome = {.has_mac = s->has_key};
        int r = 0;

        if (s->state != HELPER_SESSION_SLOT_WAIT)
                return -ENOTRECOVERABLE;
        if (s->has_key)
                r = session_proof(s->config.mac, s->key, SESSION_LABEL_HELPER, &s->transcript,
                                  welcome.mac);
        if (r == 0)
                r = wire_welcome_encode(&welcome, out);
        if (r < 0) {
                close_session(s);
                return r;
        }
        forget_handshake(s);
        s->state = HELPER_SESSION_READY;
        /* The time that the owner took in SLOT_WAIT does not count as the agent's silence. */
        s->last_heard = now_usec;
        s->ping_due = session_after(now_usec, s->config.heartbeat_ms);
        return 0;
}

int helper_session_refuse(HelperSession *s, WireRefusal code, const char *text, Buffer *out) {
        SessionEvent ignored = SESSION_EVENT_NULL;

        if (s->state == HELPER_SESSION_READY || s->state == HELPER_SESSION_CLOSED)
                return -ENOTRECOVERABLE;
        return refuse(s, code, text, out, &ignored);
}

int helper_session_ping(HelperSession *s, uint64_t now_usec, Buffer *out) {
        int r;

        if (s->state != HELPER_SESSION_READY)
                return -ENOTRECOVERABLE;
        r = wire_ping_encode(s->ping_token + 1, out);
        if (r < 0)
                return r;
        s->ping_token++;
        s->ping_due = session_after(now_usec, s->config.heartbeat_ms);
        return 0;
}

int helper_session_result(HelperSession *s, const WireResult *result, Buffer *out) {
        if (s->state != HELPER_SESSION_READY)
                return -ENOTRECOVERABLE;
        if (result->sequence > s->sequence ||
            (result->sequence == s->sequence && result->n_services != s->n_services))
                return -EINVAL;
        return session_encode_result(result, s->version, out);
}

int helper_session_bye(HelperSession *s, WireBye reason, const char *text, Buffer *out) {
        SessionEvent ignored = SESSION_EVENT_NULL;

        if (s->state == HELPER_SESSION_CLOSED)
                return 0;
        close_session(s);
        return session_say_bye(reason, text, SESSION_EVENT_NONE, out, &ignored);
}
