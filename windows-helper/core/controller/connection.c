/* SPDX-License-Identifier: MIT */

/*
 * Connections, and which of them speaks for an identity.
 *
 * A connection proves its identity, and then gets the identity's one place: at once if that is
 * free, else the session that has it is sent a PING. If a frame of any kind comes from there, it
 * lives and the newcomer is refused as busy; if nothing comes for WIRE_SLOT_PROBE_MS (a guest that
 * was killed, or resumed with a new boot), the newcomer takes its place.
 */

#include "windows-helper/core/controller/controller-private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a peer may have in flight before it was admitted: one small frame. */
#define CONNECTION_UNPROVEN_INPUT_MAX (WIRE_HEADER_SIZE + WIRE_SMALL_PAYLOAD_MAX)

/* The connection's end, as far as we are concerned: the transport is closed by the host, which
 * reports controller_disconnect() later. Gives up the identity's place at once. */
static void connection_close(PeerConnection *c, uint64_t now_usec) {
        if (!c->closing) {
                c->closing = true;
                c->slot_deadline = SESSION_NO_DEADLINE;
                c->controller->host.connections.close(c->controller->host.connections.userdata,
                                                      c->peer);
        }
        connection_leave(c, now_usec);
}

/* Send what the session has put in @out, and close if it has ended. */
static void connection_flush(PeerConnection *c, Buffer *out, uint64_t now_usec) {
        const ConnectionHost *h = &c->controller->host.connections;
        int r = 0;

        if (buffer_length(out) > 0 && !c->closing)
                r = h->send(h->userdata, c->peer, buffer_bytes(out), buffer_length(out));
        buffer_done(out);
        if (r < 0 || helper_session_state(c->session) == HELPER_SESSION_CLOSED)
                connection_close(c, now_usec);
}

static void connection_end(PeerConnection *c, Buffer *out, uint64_t now_usec) {
        connection_flush(c, out, now_usec);
        connection_close(c, now_usec);
}

/* A machine-level failure (no memory, no MAC): nothing sensible can be said to the peer. */
static void connection_fail(PeerConnection *c, int error, Buffer *out, uint64_t now_usec) {
        controller_log(c->controller, LOG_LEVEL_ERROR, EVENT_PROBLEM, "connection closed: %s",
                       strerror(-error));
        connection_end(c, out, now_usec);
}

/* A refused agent tries again every half minute; that is one line, not one each time. */
static void connection_log_refusal(PeerConnection *c, const char *text, uint64_t now_usec) {
        char line[sizeof(c->controller->last_refusal)], name[CONTROLLER_NAME_MAX];

        controller_owner_name(c->owner[0] ? c->owner : "unknown peer", name);
        (void) snprintf(line, sizeof(line), "%s: refused: %s", name, text);
        if (strcmp(line, c->controller->last_refusal) != 0) {
                memcpy(c->controller->last_refusal, line, sizeof(line));
                controller_log_stranger(c->controller, now_usec, "%s", line);
        }
}

void connection_refuse(PeerConnection *c, WireRefusal code, const char *text, uint64_t now_usec) {
        Buffer out = BUFFER_NULL;

        connection_log_refusal(c, text, now_usec);
        (void) helper_session_refuse(c->session, code, text, &out);
        connection_end(c, &out, now_usec);
}

static PeerConnection *connection_waiting_for(const Controller *b, const char *owner) {
        for (PeerConnection *c = b->connections; c; c = c->next)
                if (c->slot_deadline != SESSION_NO_DEADLINE && !c->closing &&
                    strcmp(c->owner, owner) == 0)
                        return c;
        return NULL;
}

static void connection_admit(PeerConnection *c, uint64_t now_usec) {
        Controller *b = c->controller;
        Guest *agent = guests_find(&b->agents, c->owner);
        uint64_t grace = now_usec + b->options.goodbye_ms * CONTROLLER_USEC_PER_MSEC;
        Buffer out = BUFFER_NULL;
        int r = agent ? 0 : guests_add(&b->agents, c->owner, &agent);

        c->slot_deadline = SESSION_NO_DEADLINE;
        if (r < 0) {
                connection_refuse(c, r == -ENOSPC ? WIRE_REFUSAL_BUSY : WIRE_REFUSAL_INTERNAL,
                                  r == -ENOSPC ? "too many agents" : "out of memory", now_usec);
                return;
        }
        /* Its earlier claim, if any, holds until it has had time to say what it wants now. */
        if ((agent->hold || agent->has_state) && agent->expires < grace)
                agent->expires = grace;
        c->agent = agent;
        agent->connection = c;
        agent->vm = c->info.vm;
        agent->wsl = c->info.wsl;
        connection_note(c, true);
        b->last_refusal[0] = '\0';
        connection_log_up(c);
        r = helper_session_admit(c->session, now_usec, &out);
        if (r < 0) {
                connection_fail(c, r, &out, now_usec);
                return;
        }
        connection_flush(c, &out, now_usec);
}

/* The place of @c's identity has become free, or is known to be kept. */
static void connection_settle_waiting(Controller *b, const char *owner, bool free,
                                      uint64_t now_usec) {
        PeerConnection *waiting = connection_waiting_for(b, owner);

        if (waiting && free) {
                connection_admit(waiting, now_usec);
        } else if (waiting) {
                connection_refuse(waiting, WIRE_REFUSAL_BUSY,
                                  "another live session has this identity (two distros with the "
                                  "same machine id and name?)",
                                  now_usec);
        }
}

void connection_leave(PeerConnection *c, uint64_t now_usec) {
        Controller *b = c->controller;
        Guest *agent = c->agent;
        char name[CONTROLLER_NAME_MAX];
        uint64_t expires;

        if (!agent)
                return;
        connection_note(c, false);
        if (c->unpaired) {
                expires = now_usec;
        } else if (c->said_goodbye) {
                expires = now_usec + b->options.goodbye_ms * CONTROLLER_USEC_PER_MSEC;
        } else {
                expires = helper_session_last_heard(c->session) +
                          (uint64_t) b->options.heartbeat_ms * WIRE_SILENCE_FACTOR *
                                  CONTROLLER_USEC_PER_MSEC;
        }
        c->agent = NULL;
        agent->connection = NULL;
        if (agent->hold || agent->has_state) {
                if (!agent->hold || agent->expires < expires)
                        agent->expires = expires;
                agent->answer_due = false;
        }
        controller_owner_name(c->owner, name);
        controller_log(b, LOG_LEVEL_NOTICE, EVENT_AGENT_DOWN, "%s: %s", name,
                       c->said_goodbye ? "said goodbye" : "connection lost");
        connection_settle_waiting(b, c->owner, true, now_usec);
}

static void connection_on_hello(PeerConnection *c, const WireHello *hello, uint64_t now_usec) {
        static const char digits[] = "0123456789abcdef";
        const IdentityHost *h = &c->controller->host.identities;
        uint8_t key[WIRE_KEY_SIZE], nonce[WIRE_NONCE_SIZE];
        Buffer out = BUFFER_NULL;
        char *p = c->owner;
        int paired, r;

        for (size_t i = 0; i < WIRE_ID_SIZE; i++) {
                *p++ = digits[hello->agent_id[i] >> 4];
                *p++ = digits[hello->agent_id[i] & 15];
        }
        (void) snprintf(p, sizeof(c->owner) - 2 * WIRE_ID_SIZE, "/%s", hello->distro);

        if (connection_refused_by_policy(c, now_usec))
                return;
        paired = h->key_find(h->userdata, c->owner, key);
        c->has_key = paired == 0;
        if (paired == 0 && connection_mark_key(c, key) < 0)
                paired = -EIO;
        if (paired == -ENOENT && c->controller->options.policy.pairing_required)
                controller_keep_stranger(c->controller, c->owner);
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
        Guest *agent = guests_find(&c->controller->agents, c->owner);
        Buffer out = BUFFER_NULL;
        int r;

        if (!agent || !agent->connection) {
                connection_admit(c, now_usec);
                return;
        }
        if (connection_waiting_for(c->controller, c->owner)) {
                connection_refuse(c, WIRE_REFUSAL_BUSY,
                                  "another session of this identity is about to start", now_usec);
                return;
        }
        c->slot_deadline = now_usec + WIRE_SLOT_PROBE_MS * CONTROLLER_USEC_PER_MSEC;
        r = helper_session_ping(agent->connection->session, now_usec, &out);
        if (r < 0)
                connection_fail(agent->connection, r, &out, now_usec); /* admits @c */
        else
                connection_flush(agent->connection, &out, now_usec);
}

static void connection_on_closed(PeerConnection *c, const SessionEvent *event, Buffer *out,
                                 uint64_t now_usec) {
        char name[CONTROLLER_NAME_MAX];

        if (event->type == SESSION_EVENT_BYE)
                c->said_goodbye = event->notice.code == WIRE_BYE_STOPPING;
        if (event->type == SESSION_EVENT_REFUSED) {
                connection_log_refusal(c, event->notice.text, now_usec);
        } else if (c->agent && !c->said_goodbye) {
                controller_owner_name(c->owner, name);
                controller_log(c->controller, LOG_LEVEL_WARNING, EVENT_AGENT_DOWN,
                               "%s: connection closed: %s", name, event->notice.text);
        } else if (!c->agent) {
                controller_log_stranger(c->controller, now_usec,
                                        "unknown peer: connection closed: %s", event->notice.text);
        }
        connection_end(c, out, now_usec);
}

/* The session has appended to @out, which is sent before anything else is done. */
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
                guests_claim(&c->controller->agents, c->agent, &event->state);
                c->has_asked = true;
                c->controller->dirty = true;
                break;
        case SESSION_EVENT_BYE:
        case SESSION_EVENT_VIOLATION:
        case SESSION_EVENT_TIMEOUT:
        case SESSION_EVENT_REFUSED: /* not paired, bad proof, version: it has told the peer */
                connection_on_closed(c, event, out, now_usec);
                break;
        case SESSION_EVENT_NONE:
        case SESSION_EVENT_ESTABLISHED: /* the agent's end only, as the next */
        case SESSION_EVENT_RESULT:
                connection_flush(c, out, now_usec);
                break;
        }
        session_event_done(event);
}

/* Feed the session from what has arrived. Return: bytes used. */
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
                if (consumed > 0 && c->agent && event.type != SESSION_EVENT_VIOLATION &&
                    event.type != SESSION_EVENT_BYE)
                        connection_settle_waiting(c->controller, c->owner, false, now_usec);
                if (consumed == 0 && event.type == SESSION_EVENT_NONE) {
                        connection_flush(c, &out, now_usec);
                        break;
                }
                connection_on_event(c, &event, &out, now_usec);
        }
        return used;
}

/* Go on with what has been kept. */
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
        if (buffer_length(&c->in) == 0) { /* the usual case: whole frames, not copied */
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
                controller_log_stranger(c->controller, now_usec,
                                        "connection closed: it sends without being admitted");
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
                Guest *agent = guests_find(&c->controller->agents, c->owner);

                if (agent && agent->connection) { /* its end admits @c */
                        connection_bye(agent->connection, WIRE_BYE_REPLACED,
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

void connection_bye(PeerConnection *c, WireBye reason, const char *text, uint64_t now_usec) {
        Buffer out = BUFFER_NULL;

        if (!c->closing) {
                (void) helper_session_bye(c->session, reason, text, &out);
                connection_end(c, &out, now_usec);
        }
}

void connection_result(PeerConnection *c, const WireResult *result, uint64_t now_usec) {
        Buffer out = BUFFER_NULL;
        int r = helper_session_result(c->session, result, &out);

        if (r < 0) /* it will connect again and ask again */
                controller_log(c->controller, LOG_LEVEL_ERROR, EVENT_PROBLEM, "no result sent: %s",
                               strerror(-r));
        connection_flush(c, &out, now_usec);
}
