/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Private to the two session state machines: taking frames from the stream, computing proofs, and
 * saying goodbye.
 */

#include "protocol/session/session.h"

typedef enum SessionStep {
        SESSION_STEP_WAIT,      /* the frame is not whole yet */
        SESSION_STEP_SKIP,      /* a whole frame of an unknown, ignorable type */
        SESSION_STEP_FRAME,     /* a whole frame of an allowed type */
        SESSION_STEP_VIOLATION, /* its header alone breaks the protocol */
} SessionStep;

typedef struct SessionFrame {
        WireHeader header;
        const uint8_t *payload; /* borrowed, WireHeader.length bytes */
        size_t size;            /* with header */
} SessionFrame;

#define SESSION_ALLOW(type) (1u << (type))

/**
 * session_next_frame() - look at the first frame of the bytes that have arrived
 * @allowed: SESSION_ALLOW() of the types that may come now
 * @ret_frame: set for SKIP and FRAME
 * @ret_problem: set for VIOLATION
 *
 * Judges a frame as soon as its header is there, so it never waits for an unwanted payload.
 */
SessionStep session_next_frame(const uint8_t *data, size_t n, uint32_t allowed,
                               SessionFrame *ret_frame, char ret_problem[WIRE_TEXT_MAX + 1]);

/* MAC over @label (with its NUL) ‖ @transcript. Return: 0, -ENOMEM, or the error of @mac. */
int session_proof(SessionMac mac, const uint8_t *key, const char *label, const Buffer *transcript,
                  uint8_t ret_mac[WIRE_MAC_SIZE]);

/* Append BYE to @out and report the same in @ret_event. Return: 0 or -ENOMEM. */
int session_say_bye(WireBye code, const char *text, SessionEventType type, Buffer *out,
                    SessionEvent *ret_event);

/* Likewise with REFUSED; the event's type is SESSION_EVENT_REFUSED. */
int session_say_refused(WireRefusal code, const char *text, Buffer *out, SessionEvent *ret_event);

/* Answer a PING, check a PONG. Return: 0, -EPROTO when malformed, -ENOMEM. */
int session_on_token(const SessionFrame *f, Buffer *out);

/* The highest version that both ends speak, when there is a common one. */
uint8_t session_highest_version(const WireHello *hello);

/* As wire_result_encode(), but without all texts when they do not fit: the limit has room for the
 * longest text of each service, but not for all other fields of version 2 beside it, and the agent
 * needs the states more than the texts. */
int session_encode_result(const WireResult *result, uint8_t version, Buffer *out);

/* @now_usec + @ms in usec, or SESSION_NO_DEADLINE when the sum is too large. */
uint64_t session_after(uint64_t now_usec, uint64_t ms);
