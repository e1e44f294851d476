/* SPDX-License-Identifier: MIT */

/*
 * Who a connection is: which VM and port it comes from, which key it was proven with, and what is
 * remembered of it.
 */

#include "windows-helper/core/controller/controller-private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Where and when the agent was there, for our next start and for people. */
void connection_note(const PeerConnection *c, bool connected) {
        const IdentityHost *h = &c->controller->host.identities;
        int r = h->guest_note(h->userdata, c->owner, &c->info.vm, connected);

        c->controller->generation++;
        if (r < 0) {
                controller_log(c->controller, LOG_LEVEL_WARNING, EVENT_RULES_PROBLEM,
                               "cannot note when an agent was here (%s), ignoring", strerror(-r));
        }
}

/* Something of the key that tells it from another one and does not tell the key: the label is none
 * that the handshake uses. */
static int key_mark(const Controller *b, const uint8_t *key, uint8_t ret_mark[WIRE_MAC_SIZE]) {
        static const uint8_t label[] = "wslbridge key mark";

        return b->options.mac(key, label, sizeof(label) - 1, ret_mark);
}

int connection_mark_key(PeerConnection *c, const uint8_t *key) {
        return key_mark(c->controller, key, c->key_mark);
}

int connection_check_key(PeerConnection *c, uint64_t now_usec) {
        const IdentityHost *h = &c->controller->host.identities;
        uint8_t key[WIRE_KEY_SIZE], mark[WIRE_MAC_SIZE];
        bool same;
        int r;

        if (c->closing || !c->owner[0])
                return 0;
        r = h->key_find(h->userdata, c->owner, key);
        same = (r == 0) == c->has_key;
        if (r == 0 && same)
                same = key_mark(c->controller, key, mark) == 0 &&
                       memcmp(mark, c->key_mark, sizeof(mark)) == 0;
        session_wipe(key, sizeof(key));
        if (same)
                return 0;
        if (c->agent) /* nothing that it asked for outlives its pairing */
                c->agent->expires = now_usec;
        c->unpaired = true;
        connection_bye(c, WIRE_BYE_STOPPING, "the pairing was changed", now_usec);
        return -EACCES;
}

bool connection_refused_by_policy(PeerConnection *c, uint64_t now_usec) {
        const Controller *b = c->controller;
        bool privileged = c->info.source_known && c->info.source < CONTROLLER_PRIVILEGED_PORTS;

        if (privileged || !b->options.policy.privileged_source)
                return false;
        connection_refuse(c, WIRE_REFUSAL_POLICY,
                          "policy value " POLICY_NAME_PRIVILEGED_SOURCE
                          " wants a source port below 1024: run the agent with "
                          "CAP_NET_BIND_SERVICE",
                          now_usec);
        return true;
}

/* With the peer's address as the transport tells it: what Hyper-V puts there for connections that a
 * guest starts is not documented (facts 3 and 12.2), so it is shown, once for each connection. */
void connection_log_up(const PeerConnection *c) {
        char name[CONTROLLER_NAME_MAX], vm[VM_ID_TEXT_MAX], peer[96] = "";

        controller_owner_name(c->owner, name);
        vm_id_format(&c->info.vm, vm);
        if (c->info.source_known) {
                (void) snprintf(
                        peer, sizeof(peer), ", VM %s, source port %u%s",
                        vm_id_is_null(&c->info.vm) ? "not told" : vm, (unsigned) c->info.source,
                        c->info.source < CONTROLLER_PRIVILEGED_PORTS ? " (privileged)" : "");
        }
        controller_log(c->controller, LOG_LEVEL_NOTICE, EVENT_AGENT_UP, "%s: connected, %s%s", name,
                       helper_session_hello(c->session)->software, peer);
}
