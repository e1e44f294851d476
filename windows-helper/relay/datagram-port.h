/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A UDP socket of which the loop says that datagrams are there. It waits without a buffer, so
 * thousands of them cost nothing but their sockets; whoever is told then reads with a buffer that
 * all share.
 */

#include "windows-helper/relay/later.h"
#include "windows-helper/relay/sockets.h"

typedef struct DatagramPort DatagramPort;

/* None is called before the loop's next turn, except that a port without anything in flight is gone
 * at once. The port may be closed in each. */
typedef struct DatagramPortEvents {
        /* Read what is there, up to some number. Return: whether there may be more; then it is
         * called again when others have had their turn. */
        bool (*readable)(DatagramPort *p);
        /* The other end has answered an earlier datagram with an ICMP message. NULL: it does not
         * matter. */
        void (*refused)(DatagramPort *p);
        /* It cannot receive any more. */
        void (*failed)(DatagramPort *p);
        /* It was closed and may be freed. */
        void (*gone)(DatagramPort *p);
} DatagramPortEvents;

struct DatagramPort {
        Loop *loop;            /* borrowed */
        LaterList *later_list; /* borrowed */
        SOCKET socket;         /* owned */
        const DatagramPortEvents *events;

        /* private */
        LoopOp receive, again;
        Later later;  /* Windows had no memory to wait */
        bool waiting; /* .receive is in flight */
        bool closed, dead;
        unsigned n_pending;
};

/* The peer has answered an earlier datagram of ours with an ICMP message. SIO_UDP_CONNRESET, which
 * is off, is about these (fact 9.3.12); Wine reports them all the same. Nothing else is wrong. */
bool datagram_error_is_of_peer(int error);

/* Take over @socket and begin to wait. @loop, @later and @events are borrowed. */
void datagram_port_open(DatagramPort *p, Loop *loop, LaterList *later, SOCKET socket,
                        const DatagramPortEvents *events);

/* Close the socket. .gone is called when nothing is in flight, which may be before this returns. */
void datagram_port_close(DatagramPort *p);
