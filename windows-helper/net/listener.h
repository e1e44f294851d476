/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A listening socket of any transport, accepting through the completion port.
 */

#include "windows-helper/net/transport.h"
#include "windows-helper/win/loop.h"

typedef struct Listener Listener;

/* A peer has connected; @socket goes to the callee. */
typedef void (*ListenerFn)(void *userdata, SOCKET socket, const Peer *peer);

/**
 * listener_new() - bind, listen and start to accept
 * @loop: borrowed, must outlive the listener's last completion
 * @peer: what is known of all peers that come here
 * @ret_error: on failure, the Windows or Winsock error
 *
 * Return: 0 or negative errno, for the caller to tell.
 */
int listener_new(Listener **ret_listener, Loop *loop, const Transport *transport,
                 const TransportAddress *address, const Peer *peer, ListenerFn fn, void *userdata,
                 DWORD *ret_error);

/* Stop to accept. It frees itself when its last operation has completed; takes NULL, returns NULL.
 */
Listener *listener_close(Listener *l);

/* The address it is bound to, as text. */
void listener_format(const Listener *l, char ret_text[TRANSPORT_TEXT_MAX]);

/* Accepting failed for want of resources and is tried again by the tick at the deadline. */
uint64_t listener_deadline(const Listener *l);
void listener_tick(Listener *l, uint64_t now_usec);
