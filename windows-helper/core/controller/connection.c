/* SPDX-License-Identifier: MIT */

/*
 * Connections: sending, ending, and which of them speaks for an identity.
 *
 * A connection first proves its identity. Then it gets the identity's one place: at once if the
 * place is free. Otherwise the session that has the place is sent a PING. If any frame comes from
 * that session, it is alive and the newcomer is refused as busy. If nothing comes for
 * WIRE_SLOT_PROBE_MS (the guest was killed, or resumed with a new boot), the newcomer takes its
 * place.
 */

#include "windows-helper/core/base/error-text.h"
#include "windows-helper/core/controller/controller-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int connection_new(Controller *controller, void *handle, const Peer *peer, uint64_t now_usec,
                   PeerConnection **ret_connection) {
        HelperSessionConfig config = {
                .mac = controller->options.mac,
                .pairing_required = controller->options.policy.pairing_required,
                .endpoints_max = WIRE_ENDPOINTS_MAX,
                .heartbeat_ms = controller->options.heartbeat_ms,
                .handshake_ms = controller->options.handshake_ms,
                .software = controller->options.software,
        };
        PeerConnection *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        r = helper_session_new(&c->session, &config, now_usec);
        if (r < 0) {
                connection_free(c);
                return r;
        }
        c->controller = controller;
        c->handle = handle;
        c->peer = *peer;
        c->slot_deadline = SESSION_NO_DEADLINE;
        c->next = controller->connections;
        controller->connections = c;
        *ret_connection = c;
        return 0;
}

void connection_free(PeerConnection *c) {
        helper_session_free(c->session);
        buffer_done(&c->in);
        free(c);
}

/* For us the connection ends here. The host closes the transport and reports
 * controller_disconnect() later. The identity's place is given up at once. */
static void connection_close(PeerConnection *c, uint64_t now_usec) {
        const ConnectionHost *h = &c->controller->host.connections;

        if (!c->closing) {
                c->closing = true;
                h->close(h->userdata, c->handle);
        }
        connection_leave(c, now_usec);
}

void connection_flush(PeerConnection *c, Buffer *out, uint64_t now_usec) {
        const ConnectionHost *h = &c->controller->host.connections;
        int r = 0;

        if (buffer_length(out) > 0 && !c->closing)
                r = h->send(h->userdata, c->handle, buffer_bytes(out), buffer_length(out));
        buffer_done(out);
        if (r < 0 || helper_session_state(c->session) == HELPER_SESSION_CLOSED)
                connection_close(c, now_usec);
}

void connection_end(PeerConnection *c, Buffer *out, uint64_t now_usec) {
        connection_flush(c, out, now_usec);
        connection_close(c, now_usec);
}

/* Something failed on this machine (no memory, no MAC). The peer can do nothing about it, so it is
 * not told. */
void connection_fail(PeerConnection *c, int error, Buffer *out, uint64_t now_usec) {
        controller_log(&c->controller->log, LOG_LEVEL_ERROR, EVENT_PROBLEM, "connection closed: %s",
                       error_text(error));
        connection_end(c, out, now_usec);
}

LogCause connection_cause(const PeerConnection *c) {
        return (LogCause){.owner = c->identity.owner,
                          .vm = peer_vm(&c->peer),
                          .keyed = c->identity.has_key && c->proven};
}

void connection_refuse(PeerConnection *c, WireRefusal code, const char *text, uint64_t now_usec) {
        Buffer out = BUFFER_NULL;

        LogCause cause = connection_cause(c);

        controller_log_refusal(&c->controller->log, &cause, text);
        (void) helper_session_refuse(c->session, code, text, &out);
        connection_end(c, &out, now_usec);
}

PeerConnection *connection_waiting_for(const Controller *controller, const char *owner) {
        for (PeerConnection *c = controller->connections; c; c = c->next)
                if (c->slot_deadline != SESSION_NO_DEADLINE && !c->closing &&
                    strcmp(c->identity.owner, owner) == 0)
                        return c;
        return NULL;
}

/* The guest that speaks through @c, with a place that another one may have to give up. Return: 0;
 * -ENOMEM; -ENOSPC when there is no place. */
static int connection_take_place(PeerConnection *c, uint64_t now_usec, Guest **ret_guest) {
        static const char why[] = "its place went to a paired agent";
        Controller *controller = c->controller;
        PeerConnection *waiting;
        Guest *victim;

        *ret_guest = guests_find(&controller->guests, c->identity.owner);
        if (*ret_guest)
                return 0;
        if (!places_for_guest(&controller->guests, peer_vm(&c->peer), c->identity.has_key, &victim))
                return -ENOSPC;
        if (victim) {
                waiting = connection_waiting_for(controller, victim->owner);
                if (waiting)
                        connection_refuse(waiting, WIRE_REFUSAL_BUSY, why, now_usec);
                if (victim->connection)
                        connection_revoke(victim->connection, why, now_usec);
                guests_remove(&controller->guests, victim);
                controller->due.run = true;
        }
        return guests_add(&controller->guests, c->identity.owner, ret_guest);
}

void connection_admit(PeerConnection *c, uint64_t now_usec) {
        Controller *controller = c->controller;
        Guest *guest;
        uint64_t grace = now_usec + controller->options.goodbye_ms * CONTROLLER_USEC_PER_MSEC;
        Buffer out = BUFFER_NULL;
        LogCause cause;
        int r = connection_take_place(c, now_usec, &guest);

        c->slot_deadline = SESSION_NO_DEADLINE;
        if (r < 0) {
                connection_refuse(c, r == -ENOSPC ? WIRE_REFUSAL_BUSY : WIRE_REFUSAL_INTERNAL,
                                  r == -ENOSPC ? "the host has no place for another agent"
                                               : "out of memory",
                                  now_usec);
                return;
        }
        /* An earlier claim lasts until the agent has had time to say what it wants now. */
        if ((guest->in_grace || guest->has_state) && guest->expires < grace)
                guest->expires = grace;
        c->guest = guest;
        guest->connection = c;
        guest->peer = c->peer;
        guest->keyed = c->identity.has_key;
        guest->privileged = identity_is_privileged(&c->peer);
        identity_note(&c->identity, &controller->host, &controller->log, &c->peer, true);
        unpaired_peers_forget(&controller->unpaired, guest->owner);
        controller->generation++;
        cause = connection_cause(c);
        controller_log_admitted(&controller->log, &cause);
        identity_log_connected(&c->identity, &controller->log, &c->peer,
                               helper_session_hello(c->session)->software);
        r = helper_session_admit(c->session, now_usec, &out);
        if (r < 0) {
                connection_fail(c, r, &out, now_usec);
                return;
        }
        connection_flush(c, &out, now_usec);
}

void connection_keep_place(PeerConnection *c, uint64_t now_usec) {
        PeerConnection *waiting = connection_waiting_for(c->controller, c->identity.owner);

        if (waiting) {
                connection_refuse(waiting, WIRE_REFUSAL_BUSY,
                                  "another live session has this identity (two distros with the "
                                  "same machine id and name?)",
                                  now_usec);
        }
}

/* When the claim of its guest lapses if nothing more is heard. */
static uint64_t connection_claim_end(const PeerConnection *c, uint64_t now_usec) {
        const ControllerOptions *options = &c->controller->options;

        if (c->revoked)
                return now_usec;
        if (c->said_goodbye)
                return now_usec + options->goodbye_ms * CONTROLLER_USEC_PER_MSEC;
        return helper_session_last_heard(c->session) +
               (uint64_t) options->heartbeat_ms * WIRE_SILENCE_FACTOR * CONTROLLER_USEC_PER_MSEC;
}

void connection_leave(PeerConnection *c, uint64_t now_usec) {
        Controller *controller = c->controller;
        Guest *guest = c->guest;
        LogCause cause = connection_cause(c);
        char name[CONTROLLER_NAME_MAX];
        uint64_t expires = connection_claim_end(c, now_usec);
        PeerConnection *waiting;

        if (!guest)
                return;
        identity_note(&c->identity, &controller->host, &controller->log, &c->peer, false);
        controller->generation++;
        guest->next.of_session = false;
        if (c->revoked)
                guest_drop_next(guest);
        c->guest = NULL;
        guest->connection = NULL;
        if (guest->has_state || (guest->in_grace && guest->expires < expires))
                guest->expires = expires;
        controller_log_name(c->identity.owner, name);
        controller_log_peer(&controller->log, &cause, LOG_LEVEL_NOTICE, EVENT_AGENT_DOWN, "%s: %s",
                            name, c->said_goodbye ? "said goodbye" : "connection lost");
        waiting = connection_waiting_for(controller, c->identity.owner);
        if (waiting)
                connection_admit(waiting, now_usec);
}

void connection_bye(PeerConnection *c, WireBye reason, const char *text, uint64_t now_usec) {
        Buffer out = BUFFER_NULL;

        if (!c->closing) {
                (void) helper_session_bye(c->session, reason, text, &out);
                connection_end(c, &out, now_usec);
        }
}

void connection_check_key(PeerConnection *c, uint64_t now_usec) {
        int r = c->closing ? 0
                           : identity_key_changed(&c->identity, &c->controller->host.identities,
                                                  c->controller->options.mac);

        if (r > 0)
                connection_revoke(c, "the pairing was changed", now_usec);
        else if (r < 0)
                c->controller->due.keys_usec = now_usec + CONTROLLER_KEYS_USEC;
}

void connection_revoke(PeerConnection *c, const char *why, uint64_t now_usec) {
        c->revoked = true;
        if (c->guest) /* nothing that it asked for outlives its session */
                c->guest->expires = now_usec;
        connection_bye(c, WIRE_BYE_NOT_ADMITTED, why, now_usec);
}

void connection_send_result(PeerConnection *c, const WireResult *result, uint64_t now_usec) {
        Buffer out = BUFFER_NULL;
        int r = helper_session_result(c->session, result, &out);

        if (r < 0) /* the agent connects again and asks again */
                connection_fail(c, r, &out, now_usec);
        else
                connection_flush(c, &out, now_usec);
}
