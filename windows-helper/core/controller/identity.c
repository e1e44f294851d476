/* SPDX-License-Identifier: MIT */

/*
 * Who a connection's peer is: which VM and port it comes from, which key it was proven with, and
 * what is recorded about it.
 */

#include "windows-helper/core/base/error-text.h"
#include "windows-helper/core/controller/identity-private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void identity_set_owner(Identity *identity, const WireHello *hello) {
        static const char digits[] = "0123456789abcdef";
        char *p = identity->owner;

        for (size_t i = 0; i < WIRE_ID_SIZE; i++) {
                *p++ = digits[hello->agent_id[i] >> 4];
                *p++ = digits[hello->agent_id[i] & 15];
        }
        (void) snprintf(p, sizeof(identity->owner) - 2 * WIRE_ID_SIZE, "/%s", hello->distro);
}

/* The mark tells one key from another and does not reveal the key: the handshake never computes a
 * MAC over this label. */
static int identity_mark(SessionMac mac, const uint8_t *key, uint8_t ret_mark[WIRE_MAC_SIZE]) {
        static const char label[] = "wslbridge key mark";

        return mac(key, (const uint8_t *) label, strlen(label), ret_mark);
}

int identity_find_key(Identity *identity, const IdentityHost *host, SessionMac mac,
                      uint8_t ret_key[WIRE_KEY_SIZE]) {
        int r = host->key_find(host->userdata, identity->owner, ret_key);

        identity->has_key = r == 0;
        if (r == 0 && identity_mark(mac, ret_key, identity->key_mark) < 0)
                return -EIO;
        return r;
}

bool identity_key_unread(int r) {
        return r < 0 && r != -ENOENT && r != -EINVAL;
}

int identity_key_changed(const Identity *identity, const IdentityHost *host, SessionMac mac) {
        uint8_t key[WIRE_KEY_SIZE], mark[WIRE_MAC_SIZE];
        bool same;
        int r;

        if (!identity->owner[0])
                return 0;
        r = host->key_find(host->userdata, identity->owner, key);
        same = (r == 0) == identity->has_key;
        if (r == 0 && same)
                same = identity_mark(mac, key, mark) == 0 &&
                       memcmp(mark, identity->key_mark, sizeof(mark)) == 0;
        session_wipe(key, sizeof(key));
        return identity_key_unread(r) ? r : !same;
}

bool identity_is_privileged(const Peer *peer) {
        return peer->source_known && peer->source < CONTROLLER_PRIVILEGED_PORTS;
}

const char *identity_policy_refusal(const Policy *policy, bool privileged) {
        if (privileged || !policy->privileged_source)
                return NULL;
        return "policy value " POLICY_NAME_PRIVILEGED_SOURCE " requires a source port below 1024; "
               "run the agent with CAP_NET_BIND_SERVICE";
}

void identity_note(const Identity *identity, const ControllerHost *host, ControllerLog *log,
                   const Peer *peer, bool connected) {
        const IdentityHost *h = &host->identities;
        /* Without a key, anybody in a guest may come with one name after the other. */
        const VmId *vm = connected || identity->has_key ? peer_vm(peer) : NULL;
        int r = h->guest_note(h->userdata, identity->owner, vm, connected);

        if (r < 0) {
                controller_log(log, LOG_LEVEL_WARNING, EVENT_RULES_PROBLEM,
                               "cannot record when a guest was seen (%s), ignoring", error_text(r));
        }
}

/* The line includes the peer's address as the transport reports it. It is not documented what
 * Hyper-V puts there for connections that a guest starts (fact 3.1.2), so it is shown once
 * for each connection, even if no list has it. */
void identity_log_connected(const Identity *identity, ControllerLog *log, const Peer *peer,
                            const char *software) {
        LogCause cause = {identity->owner, peer_vm(peer), identity->has_key};
        char name[CONTROLLER_NAME_MAX], vm[VM_ID_TEXT_MAX], address[128] = "";

        controller_log_name(identity->owner, name);
        vm_id_format(&peer->vm, vm);
        if (peer->source_known) {
                (void) snprintf(address, sizeof(address), ", VM %s%s, source port %u%s",
                                vm_id_is_null(&peer->vm) ? "not known" : vm,
                                peer->any && !peer->listed ? " (not on the list of running VMs)"
                                                           : "",
                                (unsigned) peer->source,
                                identity_is_privileged(peer) ? " (privileged)" : "");
        }
        controller_log_peer(log, &cause, LOG_LEVEL_NOTICE, EVENT_AGENT_UP, "%s: connected, %s%s",
                            name, software, address);
}
