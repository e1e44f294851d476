/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * UDP sessions: who has talked to which endpoint, and for how long that is remembered. A session
 * lets the guest answer one client, so only a datagram of that client can begin one.
 *
 * Anybody can send datagrams with made-up senders. Such sessions stay without an answer that their
 * sender would confirm, but a service may answer to them, too. So sessions are bounded in all, for
 * each guest, for each client and for each network of clients (peer-table.h), and when there is no
 * room:
 *
 *   - a client that has its share replaces its own oldest session, first one without an answer. It
 *     is turned away if that is with another guest, and this one has its share, too;
 *   - otherwise the oldest session without an answer goes, whoever has it; if the client's network
 *     has its share, the oldest of this network; else if the guest has its share, the oldest of
 *     this guest;
 *   - when all those have been answered, the newcomer is turned away. A stranger never ends a
 *     session that works.
 *
 * Pure: the owner has the sockets and brings the time.
 */

#include "common/ip.h"
#include "windows-helper/core/relay/peer-table.h"
#include "windows-helper/core/relay/relay-limits.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct UdpKey {
        uint32_t endpoint; /* the owner's number of the listen endpoint */
        uint32_t scope;    /* of link-local addresses: the interface */
        IpAddr asked;      /* the host's address that the client sends to */
        IpEndpoint client;
} UdpKey;

/* A member of the owner's session. */
typedef struct UdpSession UdpSession;

struct UdpSession {
        UdpKey key;
        bool answered;
        uint64_t used_usec;
        Peers peers;
        /* In the lists of the table, and of each of the peers. */
        ListNode all, own, nearby, served;
        UdpSession *hash_next;
};

typedef struct UdpSessions {
        const RelayLimits *limits; /* borrowed; may change at any time */
        const HashSecret *secret;  /* borrowed */
        PeerTables peers;
        ListNode lists[2];   /* without and with an answer, each with the oldest use first */
        UdpSession **places; /* owned */
        uint32_t n_places, n_sessions;
} UdpSessions;

void udp_sessions_init(UdpSessions *t, const RelayLimits *limits, const HashSecret *secret);
void udp_sessions_done(UdpSessions *t); /* all sessions must have been removed */

/* NULL: there is none. */
UdpSession *udp_sessions_find(const UdpSessions *t, const UdpKey *key);

typedef enum UdpVerdict {
        UDP_WELCOME,  /* there is room */
        UDP_REPLACES, /* there is room once another session has been removed */
        UDP_REFUSED,
} UdpVerdict;

/* Whether a new session of @client with @guest may begin. @ret_victim: the session that has to go.
 */
UdpVerdict udp_sessions_judge(const UdpSessions *t, const IpAddr *client, const IpAddr *guest,
                              UdpSession **ret_victim);

/* The session without an answer that has been silent for the longest time, or NULL. */
UdpSession *udp_sessions_unanswered(const UdpSessions *t);

/* Take up @s, of which only .key is set. Return: 0 or -ENOMEM. */
int udp_sessions_add(UdpSessions *t, UdpSession *s, const IpAddr *guest, uint64_t now_usec);

/* It goes on with @guest, which may get more than its share in this way. Return: 0; or -ENOMEM, and
 * then it is still with the old one. */
int udp_sessions_move(UdpSessions *t, UdpSession *s, const IpAddr *guest);
void udp_sessions_remove(UdpSessions *t, UdpSession *s);

/* The client has sent something; the guest has answered. Both keep the session (RFC 4787, REQ-6).
 */
void udp_sessions_heard(UdpSessions *t, UdpSession *s, uint64_t now_usec);
void udp_sessions_answered(UdpSessions *t, UdpSession *s, uint64_t now_usec);

/* A session whose time is over, or NULL. */
UdpSession *udp_sessions_expired(const UdpSessions *t, uint64_t now_usec);

/* When there will be one; UINT64_MAX without sessions. */
uint64_t udp_sessions_deadline(const UdpSessions *t);
