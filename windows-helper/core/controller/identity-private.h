/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Who a connection's peer is: the name it goes by in the ledger and the key it was proven with.
 * These functions find out and remember; connection.c acts on what they return.
 */

#include "windows-helper/core/controller/controller-log-private.h"
#include "windows-helper/core/controller/controller.h"

typedef struct Identity {
        char owner[LEDGER_OWNER_MAX + 1]; /* "" before HELLO */
        bool has_key;                     /* a key was found at HELLO */
        uint8_t key_mark[WIRE_MAC_SIZE];  /* of that key, see identity.c */
} Identity;

/* Set the owner from what a peer says of itself. */
void identity_set_owner(Identity *identity, const WireHello *hello);

/**
 * identity_find_key() - find the key of this identity and remember a mark of it
 * @ret_key: the caller wipes it
 *
 * Return: 0; -ENOENT when the identity is not paired; or another negative errno.
 */
int identity_find_key(Identity *identity, const IdentityHost *host, SessionMac mac,
                      uint8_t ret_key[WIRE_KEY_SIZE]);

/* Return: 1 when the key of this identity is not what it was at HELLO: it came, went or was
 * replaced. 0 when it is the same, and before HELLO. Negative errno: it could not be read. */
int identity_key_changed(const Identity *identity, const IdentityHost *host, SessionMac mac);

/* Whether @r, which key_find() returned, says that nothing is known. -EINVAL says that what is
 * there is no key. */
bool identity_key_unread(int r);

/* True when @peer is known to use a port that only root may use. */
bool identity_is_privileged(const Peer *peer);

/* Why @policy refuses to talk to a peer with such a port at all, or NULL. */
const char *identity_policy_refusal(const Policy *policy, bool privileged);

/* Record in which VM the guest was seen, for people and for our next start. A failure is logged. */
void identity_note(const Identity *identity, const ControllerHost *host, ControllerLog *log,
                   const Peer *peer, bool connected);

/* Log that the guest is connected. */
void identity_log_connected(const Identity *identity, ControllerLog *log, const Peer *peer,
                            const char *software);
