/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The state machines of both ends: how an owner drives them and which events they report.
 *
 * A session is pure: it takes bytes, ticks and requests, appends bytes to an output buffer, and
 * reports at most one event per call. It reads no clock (the caller passes now_usec, from any
 * monotonic clock), no socket and no source of randomness, and it does not log. The owner sends
 * the bytes in the buffer, closes the connection when an event says so, and calls tick() no later
 * than the deadline.
 *
 * The owner has two more duties. It passes all bytes that have arrived to receive() before it calls
 * tick(), so that a peer does not count as silent while its frames wait to be read. And it stops
 * calling receive() while much output is waiting, because each PING of a peer that does not read
 * adds a PONG.
 *
 * When start(), receive(), challenge() or admit() fails because memory or the MAC function fails,
 * the session is CLOSED. The call cannot be repeated.
 */

#include "protocol/wire/wire.h"

#define SESSION_NO_DEADLINE UINT64_MAX

/*
 * HMAC-SHA256 of @data under a WIRE_KEY_SIZE key: libsodium in the guest, BCrypt on Windows.
 * Return: 0 or negative errno.
 */
typedef int (*SessionMac)(const uint8_t *key, const uint8_t *data, size_t n,
                          uint8_t ret_mac[WIRE_MAC_SIZE]);

/* The two labels keep one end's proof from being played back as the other's. Each MAC is over
 * label (with its NUL) ‖ HELLO frame ‖ CHALLENGE frame, headers included. */
#define SESSION_LABEL_AGENT  "wslbridge agent proof v1"
#define SESSION_LABEL_HELPER "wslbridge helper proof v1"

typedef enum SessionEventType {
        SESSION_EVENT_NONE,
        SESSION_EVENT_HELLO,       /* helper: .hello; answer with helper_session_challenge() */
        SESSION_EVENT_PROVEN,      /* helper: admit() or refuse() */
        SESSION_EVENT_ESTABLISHED, /* agent: WELCOME was good, push() may be called */
        SESSION_EVENT_STATE,     /* helper: .state, the caller owns it; .version, that it came in */
        SESSION_EVENT_RESULT,    /* agent: .result, the caller owns it */
        SESSION_EVENT_REFUSED,   /* .notice. Agent: the helper refused; close. Helper: this session
                                    refused the peer (version, keys) and REFUSED is in the output;
                                    send what you can, then close */
        SESSION_EVENT_BYE,       /* the peer said goodbye: .notice; close */
        SESSION_EVENT_VIOLATION, /* the peer broke the protocol: .notice is in the output as BYE;
                                    send what you can, then close */
        SESSION_EVENT_TIMEOUT,   /* handshake deadline or silence; otherwise like VIOLATION */
} SessionEventType;

typedef struct SessionEvent {
        SessionEventType type;
        WireHello hello;
        WireNotice notice;
        WireState state;
        uint8_t version;
        WireResult result;
} SessionEvent;

#define SESSION_EVENT_NULL ((SessionEvent){0})

/* Release everything that @event still owns. */
void session_event_done(SessionEvent *event);

/* Compare two MACs in constant time. */
bool session_mac_equal(const uint8_t a[WIRE_MAC_SIZE], const uint8_t b[WIRE_MAC_SIZE]);

/* Overwrite a secret in a way that the compiler does not remove. */
void session_wipe(void *p, size_t n);
