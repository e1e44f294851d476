/* SPDX-License-Identifier: MIT */

/*
 * What arrives on a connection: bytes for its session, the events that result, and its timers.
 */

#include "windows-helper/core/controller/scope-private.h"

#include <errno.h>
#include <string.h>

/* What a peer may send before it is admitted: one small frame. */
#define CONNECTION_UNPROVEN_INPUT_MAX (WIRE_HEADER_SIZE + WIRE_SMALL_PAYLOAD_MAX)

static void connection_on_hello(PeerConnection *c, const WireHello *hello, uint64_t now_usec) {
        const ControllerOptions *options = &c->controller->options;
        const IdentityHost *h = &c->controller->host.identities;
        const char *refusal =
                identity_policy_refusal(&options->policy, identity_is_privileged(&c->peer));
        uint8_t key[WIRE_KEY_SIZE], nonce[WIRE_NONCE_SIZE];
        Buffer out = BUFFER_NULL;
        int paired, r;

        identity_set_owner(&c->identity, hello);
        if (refusal) {
                connection_refuse(c, WIRE_REFUSAL_POLICY, refusal, now_usec);
                return;
        }
        paired = identity_find_key(&c->identity, h, options->mac, key);
        if (paired == -ENOENT && options->policy.pairing_required) {
                unpaired_peers_add(&c->controller->unpaired, c->identity.owner, now_usec);
                c->controller->generation++;
        }
        r = h->random(h->userdata, nonce, sizeof(nonce));
        if ((paired < 0 && paired != -ENOENT) || r < 0) {
                connection_refuse(c, WIRE_REFUSAL_INTERNAL,
                                  r < 0 ? "the helper has no random numbers"
                                        : "the helper cannot read its keys",
                                  now_usec);
        } else {
                r = helper_session_challenge(c->session, paired == 0 ? key : NULL, nonce, now_usec,
                                             &out);
                if (r < 0)
                        connection_fail(c, r, &out, now_usec);
                else
                        connection_flush(c, &out, now_usec);
        }
        session_wipe(key, sizeof(key));
}

static void connection_on_proven(PeerConnection *c, uint64_t now_usec) {
        Guest *guest = guests_find(&c->controller->guests, c->identity.owner);
        Buffer out = BUFFER_NULL;
        int r;

        c->proven = true;
        if (!guest || !guest->connection) {
                connection_admit(c, now_usec);
                return;
        }
        if (connection_waiting_for(c->controller, c->identity.owner)) {
                connection_refuse(c, WIRE_REFUSAL_BUSY,
                                  "another session of this identity is about to start", now_usec);
                return;
        }
        c->slot_deadline = now_usec + WIRE_SLOT_PROBE_MS * CONTROLLER_USEC_PER_MSEC;
        r = helper_session_ping(guest->connection->session, now_usec, &out);
        if (r < 0)
                connection_fail(guest->connection, r, &out, now_usec); /* this admits @c */
        else
                connection_flush(guest->connection, &out, now_usec);
}

static void connection_on_closed(PeerConnection *c, const SessionEvent *event, Buffer *out,
                                 uint64_t now_usec) {
        LogCause cause = connection_cause(c);
        char name[CONTROLLER_NAME_MAX];

        if (event->type == SESSION_EVENT_BYE)
                c->said_goodbye = event->notice.code == WIRE_BYE_STOPPING;
        if (event->type == SESSION_EVENT_REFUSED) {
                controller_log_refusal(&c->controller->log, &cause, event->notice.text);
        } else if (c->guest && !c->said_goodbye) {
                controller_log_name(c->identity.owner, name);
                controller_log_peer(&c->controller->log, &cause, LOG_LEVEL_WARNING,
                                    EVENT_AGENT_DOWN, "%s: connection closed: %s", name,
                                    event->notice.text);
        } else if (!c->guest) {
                controller_log_stranger(&c->controller->log, &cause,
                                        "unknown peer: connection closed: %s", event->notice.text);
        }
        connection_end(c, out, now_usec);
}

/* The session has appended to @out. That is sent before anything else is done. */
static void connection_on_event(PeerConnection *c, SessionEvent *event, Buffer *out,
                                uint64_t now_usec) {
        switch (event->type) {
        case SESSION_EVENT_HELLO:
                connection_flush(c, out, now_usec);
                connection_on_hello(c, &event->hello, now_usec);
                break;
        case SESSION_EVENT_PROVEN:
                connection_flush(c, out, now_usec);
                connection_on_proven(c, now_usec);
                break;
        case SESSION_EVENT_STATE:
                connection_flush(c, out, now_usec);
                share_ask(c, &event->state, event->version, now_usec);
                break;
        case SESSION_EVENT_BYE:
        case SESSION_EVENT_VIOLATION:
        case SESSION_EVENT_TIMEOUT:
        case SESSION_EVENT_REFUSED: /* not paired, bad proof, version; REFUSED was sent */
                connection_on_closed(c, event, out, now_usec);
                break;
        case SESSION_EVENT_NONE:
        case SESSION_EVENT_ESTABLISHED: /* this and the next happen at the agent's end only */
        case SESSION_EVENT_RESULT:
                connection_flush(c, out, now_usec);
                break;
        }
        session_event_done(event);
}

/* Give the session what has arrived. Return: how many bytes it used. */
static size_t connection_consume(PeerConnection *c, const uint8_t *data, size_t n,
                                 uint64_t now_usec) {
        size_t used = 0;

        while (used < n && !c->closing) {
                SessionEvent event = SESSION_EVENT_NULL;
                Buffer out = BUFFER_NULL;
                size_t consumed = 0;
                int r = helper_session_receive(c->session, data + used, n - used, now_usec, &out,
                                               &consumed, &event);

                if (r < 0) {
                        session_event_done(&event);
                        connection_fail(c, r, &out, now_usec);
                        break;
                }
                used += consumed;
                if (consumed > 0 && c->guest && event.type != SESSION_EVENT_VIOLATION &&
                    event.type != SESSION_EVENT_BYE)
                        connection_keep_place(c, now_usec);
                if (consumed == 0 && event.type == SESSION_EVENT_NONE) {
                        connection_flush(c, &out, now_usec);
                        break;
                }
                connection_on_event(c, &event, &out, now_usec);
        }
        return used;
}

/* Go on with the bytes that were kept. */
static void connection_consume_kept(PeerConnection *c, uint64_t now_usec) {
        size_t used = connection_consume(c, buffer_bytes(&c->in), buffer_length(&c->in), now_usec);

        buffer_consume(&c->in, used);
}

void controller_receive(PeerConnection *c, const uint8_t *data, size_t n, uint64_t now_usec) {
        size_t used;
        Buffer out = BUFFER_NULL;
        int r;

        if (c->closing)
                return;
        if (buffer_length(&c->in) == 0) { /* the usual case: whole frames, which are not copied */
                used = connection_consume(c, data, n, now_usec);
                data += used;
                n -= used;
        }
        if (n > 0 && !c->closing) {
                r = buffer_append(&c->in, data, n);
                if (r < 0) {
                        connection_fail(c, r, &out, now_usec);
                        return;
                }
                connection_consume_kept(c, now_usec);
        }
        if (!c->closing && helper_session_state(c->session) != HELPER_SESSION_READY &&
            buffer_length(&c->in) > CONNECTION_UNPROVEN_INPUT_MAX) {
                LogCause cause = connection_cause(c);

                controller_log_stranger(
                        &c->controller->log, &cause,
                        "connection closed: it sends too much before it is admitted");
                connection_end(c, &out, now_usec);
        }
}

void connection_resume(PeerConnection *c, uint64_t now_usec) {
        if (buffer_length(&c->in) > 0 && helper_session_state(c->session) == HELPER_SESSION_READY)
                connection_consume_kept(c, now_usec);
}

void connection_tick(PeerConnection *c, uint64_t now_usec) {
        SessionEvent event = SESSION_EVENT_NULL;
        Buffer out = BUFFER_NULL;
        int r;

        if (c->closing)
                return;
        if (c->slot_deadline <= now_usec) {
                Guest *guest = guests_find(&c->controller->guests, c->identity.owner);

                if (guest && guest->connection) { /* ending it admits @c */
                        connection_bye(guest->connection, WIRE_BYE_REPLACED,
                                       "a newer session of this identity took over", now_usec);
                }
                if (c->closing)
                        return;
        }
        r = helper_session_tick(c->session, now_usec, &out, &event);
        if (r < 0) {
                session_event_done(&event);
                connection_fail(c, r, &out, now_usec);
                return;
        }
        connection_on_event(c, &event, &out, now_usec);
}
