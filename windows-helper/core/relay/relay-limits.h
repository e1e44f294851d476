/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the relay may hold at once, and for how long. Each connection and each session takes one of
 * the 16,384 ports that Windows has for outgoing TCP and UDP (fact 9.3.10), so the defaults leave
 * the host some thousand of them. A guest has two addresses at most, of IPv4 and of IPv6; with all
 * that both may have it leaves something to the other guests. An administrator may set others in
 * the registry key "Limits" of the relay's table: values of type REG_SZ, each a number.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct RelayLimits {
        uint32_t connections;          /* of TCP, in all */
        uint32_t guest_connections;    /* to one address of a guest */
        uint32_t endpoint_connections; /* to one listen endpoint */
        uint32_t client_connections;   /* from one client, see peer-table.h */
        uint32_t connect_ms;           /* how long a guest has to answer a connect */
        uint32_t sessions;             /* of UDP, in all */
        uint32_t guest_sessions;       /* to one address of a guest */
        uint32_t client_sessions;      /* from one client */
        uint32_t unanswered_ms;        /* a session without an answer ends after so much silence */
        /* RFC 4787, REQ-5: two minutes at least. Windows Firewall may let the guest speak first for
         * a minute only (fact 5.1.21). */
        uint32_t answered_ms;
} RelayLimits;

/* What the clients of one IPv6 network may have together, where a guest may have @guest: somebody
 * who owns a network, and so has as many addresses as he likes, fills neither a guest nor an
 * endpoint with it. */
static inline uint32_t relay_network_share(uint32_t guest) {
        return guest - guest / 4;
}

/* Bytes that may wait in the system for each of @n endpoints of UDP, and as many on their way back
 * to the clients (fact 9.3.25): room for a burst
 * while they are few, always for the largest datagram, and 64 MiB in all at most where they are
 * 1,024 or less, which is what the policy gives a guest. It is halved, so that most changes of
 * their number change nothing. */
static inline uint32_t relay_udp_queue(size_t n) {
        const uint32_t all = 64U << 20, most = 1U << 20, least = 64U << 10;
        uint32_t share = most;

        while (share > least && (uint64_t) share * n > all)
                share /= 2;
        return share;
}

/* Bytes from the guest that may wait for a session that begins as the one of number @n; 0: what
 * Windows gives by itself, which is 64 KiB. It does not change while the session lasts. At no time
 * are there more sessions of a size than can begin with it or with more, so what they have is 64
 * MiB in all at most, plus what Windows gives to the others. */
static inline uint32_t relay_session_queue(size_t n) {
        uint32_t share = relay_udp_queue(3 * n);

        return share > 64U << 10 ? share : 0;
}

/* @ret_limits: the defaults. */
void relay_limits_init(RelayLimits *ret_limits);

/* Set one limit from a value of the registry; @data is NULL when the value is no plain text.
 * Return: NULL, or a constant phrase that continues a sentence about the value. */
const char *relay_limits_parse(RelayLimits *limits, const char *name, const char *data);
