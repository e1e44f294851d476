/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What both session state machines share: how they are driven and what they report.
 *
 * A session is pure: it gets bytes, ticks and requests, appends bytes to an output buffer, and
 * reports at most one event per call. It never reads a clock (now_usec comes in, any monotonic
 * clock), a socket or a source of randomness, and does not log. The owner sends what is in the
 * buffer, closes when told to, and calls tick() no later than the deadline.
 *
 * Two duties of the owner: what has arrived is given to receive() before tick() is called, so that
 * a peer does not count as silent while its frames wait to be read; and it stops calling receive()
 * while much output is waiting, because each PING of a peer that reads nothing adds a PONG.
 *
 * When start(), receive(), challenge() or admit() fail for want of memory or a MAC, the session is
 * CLOSED: there is nothing to repeat.
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
        SESSION_EVENT_ESTABLISHED, /* agent: WELCOME was good, state may be pushed */
        SESSION_EVENT_STATE,       /* helper: .state, ownership goes to the caller */
        SESSION_EVENT_RESULT,      /* agent: .result, ownership goes to the caller */
        SESSION_EVENT_REFUSED,   /* .notice; close. Agent: the helper refused. Helper: this session
                                    refused the peer (version, keys); REFUSED is in the output,
                                    send what is possible, then close */
        SESSION_EVENT_BYE,       /* peer said goodbye: .notice; close */
        SESSION_EVENT_VIOLATION, /* peer broke the protocol: .notice was put in the output as BYE;
                                    send what is possible, then close */
        SESSION_EVENT_TIMEOUT,   /* handshake deadline or silence: as VIOLATION */
} SessionEventType;

typedef struct SessionEvent {
        SessionEventType type;
        WireHello hello;
        WireNotice notice;
        WireState state;
        WireResult result;
} SessionEvent;

#define SESSION_EVENT_NULL ((SessionEvent){0})

/* Release what an event that was not taken over still owns. */
void session_event_done(SessionEvent *event);

/* Constant-time comparison; overwriting that the compiler does not remove. */
bool session_mac_equal(const uint8_t a[WIRE_MAC_SIZE], const uint8_t b[WIRE_MAC_SIZE]);
void session_wipe(void *p, size_t n);
