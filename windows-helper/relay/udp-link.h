/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One UDP session: a socket that is connected to the guest, and the way back to the client.
 */

#include "windows-helper/core/relay/udp-sessions.h"
#include "windows-helper/relay/datagram-port.h"

#define UDP_DATAGRAM_MAX 65536 /* more than any datagram has */

/* What all sessions share. */
typedef struct UdpContext {
        Loop *loop;               /* borrowed */
        const SocketCalls *calls; /* borrowed */
        LaterList *later;         /* borrowed */
        UdpSessions sessions;
        uint32_t queue_size; /* bytes that may wait in the system for each endpoint, either way */
        bool source_refused; /* an answer could not leave from the address that was asked: logged */
        /* An endpoint is broken: look after all of them soon. */
        void (*troubled)(void *userdata);
        void *userdata;
        uint8_t scratch[UDP_DATAGRAM_MAX]; /* for one datagram on its way */
} UdpContext;

/* How an answer goes back to the client. */
typedef struct UdpWay {
        SOCKET socket; /* borrowed; the client's datagrams come in here */
        bool choose;   /* the socket has several addresses, of which .key.asked must be chosen */
} UdpWay;

typedef struct UdpLink UdpLink;

/**
 * udp_link_new() - begin a session, for which there is room
 * @siblings: the sessions of the same endpoint; it is taken out when it ends
 *
 * Return: 0 or a Windows error.
 */
DWORD udp_link_new(UdpLink **ret_link, UdpContext *context, ListNode *siblings, const UdpKey *key,
                   const UdpWay *way, const IpEndpoint *guest);
UdpLink *udp_link_close(UdpLink *l); /* takes NULL, returns NULL */

UdpLink *udp_link_of_session(UdpSession *s);
UdpLink *udp_link_of_sibling(ListNode *node);

/* Pass a datagram of the client on to the guest. If that fails it is lost, as datagrams may be. */
void udp_link_forward(UdpLink *l, const uint8_t *data, size_t n);

/* The guest has moved to @guest: go on with the same port if that can be. Return: 0, or a Windows
 * error, and then the session must be closed. */
DWORD udp_link_move(UdpLink *l, const IpEndpoint *guest);
