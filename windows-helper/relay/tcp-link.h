/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One TCP connection through the relay: the client's socket, the guest's, and the bytes between
 * them. It has memory for bytes only while somebody does not take them.
 */

#include "windows-helper/core/relay/peer-table.h"
#include "windows-helper/core/relay/relay-limits.h"
#include "windows-helper/core/relay/relay-table.h"
#include "windows-helper/relay/later.h"
#include "windows-helper/relay/sockets.h"

#define TCP_CHUNK (256 * 1024) /* bytes moved at once, at most */

/* What all connections share. */
typedef struct TcpContext {
        Loop *loop;                /* borrowed */
        const SocketCalls *calls;  /* borrowed */
        const RelayLimits *limits; /* borrowed */
        LaterList *later;          /* borrowed */
        PeerTables peers;
        ListNode connecting; /* those that wait for the guest, in the order of their deadlines */
        ListNode paused;     /* endpoints that accept nobody now */
        ListNode ready;      /* directions that have more to move, in the order of their turns */
        LoopOp turns;        /* in flight as long as there are some */
        bool turns_posted;
        uint32_t n_links;
        size_t n_held; /* bytes in memory that slow receivers have not taken yet */
        /* An endpoint is broken, or cannot accept for now: look after all of them soon. */
        void (*troubled)(void *userdata);
        void *userdata;
        uint8_t scratch[TCP_CHUNK]; /* for bytes on their way */
} TcpContext;

/* To whom a connection belongs. */
typedef struct TcpOwner TcpOwner;

struct TcpOwner {
        TcpContext *context; /* borrowed */
        ListNode links;
        uint32_t n_links; /* not freed yet */
        /* There is one less, which was for @guest. */
        void (*released)(TcpOwner *owner, const IpAddr *guest);
};

/**
 * tcp_link_new() - take over an accepted socket, and connect to the guest
 * @client, @asked: both ends of the client's connection
 *
 * The client must have been admitted: its socket is attached to the loop and does not block.
 *
 * Return: 0; or a Windows error, and then @socket was reset.
 */
DWORD tcp_link_new(TcpOwner *owner, SOCKET socket, const IpEndpoint *client,
                   const IpEndpoint *asked, const RelayEntry *entry);

/* Reset all connections of @owner. */
void tcp_links_reset(TcpOwner *owner);

/* Prepare the lists of a context that has its loop, calls, limits and clients. */
void tcp_links_init(TcpContext *c);

/* Give up on guests that have not answered in time. */
void tcp_links_tick(TcpContext *c, uint64_t now_usec);
uint64_t tcp_links_deadline(const TcpContext *c);
