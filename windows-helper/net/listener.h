/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A listening socket of any transport, which accepts connections through the completion port.
 */

#include "windows-helper/net/transport.h"
#include "windows-helper/win/loop.h"

typedef struct Listener Listener;

/* A peer has connected. The callee owns @socket. */
typedef void (*ListenerFn)(void *userdata, SOCKET socket, const Peer *peer);

/**
 * listener_new() - bind, listen and start accepting
 * @loop: borrowed, must outlive the listener's last completion
 * @peer: what is known of every peer that connects here
 * @ret_error: on failure, the Windows or Winsock error
 *
 * Return: 0 or negative errno, to be logged by the caller.
 */
int listener_new(Listener **ret_listener, Loop *loop, const Transport *transport,
                 const TransportAddress *address, const Peer *peer, ListenerFn fn, void *userdata,
                 DWORD *ret_error);

/* Stop accepting. The listener frees itself after its last operation has completed. Takes NULL,
 * returns NULL. */
Listener *listener_close(Listener *l);

/* The address to which it is bound, as text. */
void listener_format(const Listener *l, char ret_text[TRANSPORT_TEXT_MAX]);

/* ERROR_SUCCESS as long as it listens. Otherwise the Windows or Winsock error with which the last
 * of several accepts failed: the socket is closed, and the owner has to open another listener. */
DWORD listener_error(const Listener *l);

/* Whether an accept is in flight. */
bool listener_is_waiting(const Listener *l);

/* From now on this is known of every peer that connects here. */
void listener_set_peer(Listener *l, const Peer *peer);

/* When resources are short, accepting fails, and when very many peers have left, it pauses. The
 * tick tries again at the deadline, which is LOOP_NO_DEADLINE as long as all is well. */
uint64_t listener_deadline(const Listener *l);
void listener_tick(Listener *l, uint64_t now_usec);
