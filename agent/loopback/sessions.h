/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Sessions of one UDP port, as a table: found by the host's source port, and kept in the order in
 * which they were used, those that were answered apart from those that were not. Pure: udp-port.c
 * has their sockets and the clock.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SESSION_UNANSWERED_USEC UINT64_C(30000000)  /* as the relay on the host has it, which */
#define SESSION_ANSWERED_USEC   UINT64_C(180000000) /* goes by RFC 4787, REQ-5 */

#define SESSION_BUCKETS 256 /* a power of two */

typedef struct Session Session;
struct Session {
        uint16_t port; /* of the host */
        bool answered;
        uint64_t used_usec; /* when a datagram went through last, in either direction */
        Session *same_bucket, *older, *newer;
};

typedef struct SessionOrder {
        Session *oldest, *newest;
        unsigned n;
} SessionOrder;

typedef struct Sessions {
        Session *buckets[SESSION_BUCKETS];
        SessionOrder unanswered, answered;
        unsigned n;
} Sessions;

/* NULL: none. */
Session *sessions_find(const Sessions *t, uint16_t port);

/* Add @s, which is all zero except for its port; borrowed until it is removed. */
void sessions_add(Sessions *t, Session *s, uint64_t now_usec);
void sessions_remove(Sessions *t, Session *s);

/* A datagram went through. @answer: it came from the server. */
void sessions_touch(Sessions *t, Session *s, bool answer, uint64_t now_usec);

/* The session whose time is over, or NULL. */
Session *sessions_expired(const Sessions *t, uint64_t now_usec);

/* When the next session's time is over; UINT64_MAX: there is none. */
uint64_t sessions_deadline(const Sessions *t);

/* The session that makes room for a new one: the oldest without an answer. NULL: all were answered,
 * and none of them has to go for somebody whose address may be made up. */
Session *sessions_least(const Sessions *t);
