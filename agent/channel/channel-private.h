/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The state of a channel, and what its three parts offer each other: channel.c (the life of a
 * connection) calls channel-io.c (its bytes), and both call channel-end.c (its end).
 */

#include "agent/channel/backoff.h"
#include "agent/channel/channel.h"
#include "agent/channel/connect.h"

#include <sys/epoll.h>

struct Channel {
        /* configuration */
        ConfigHelper helper;
        WireHello hello;
        uint8_t key[WIRE_KEY_SIZE];
        bool has_key;

        /* borrowed */
        sd_event *event;
        ChannelHandler handler;

        /* owned */
        sd_event_source *timer; /* next try, connect timeout or the session's deadline */
        sd_event_source *io;
        int fd;
        AgentSession *session;
        Buffer in, out;

        /* state */
        ChannelState state;
        Backoff backoff;
        uint32_t io_events;
        size_t out_pause;  /* more than this unsent: stop reading */
        int write_error;   /* positive errno: nothing can be sent any more */
        bool push_waiting; /* a push was -EAGAIN */
        bool refused;      /* the last connection was refused, and that lasts */
        uint64_t n_connects;
};

/* channel-end.c */
int channel_arm(Channel *c, uint64_t usec);      /* SESSION_NO_DEADLINE: off */
void channel_close(Channel *c);                  /* drop the socket, the session and all bytes */
int channel_down(Channel *c, ChannelDown *down); /* close, plan the next try, tell the owner */
int channel_down_errno(Channel *c, ChannelCause cause, int error); /* @error: positive errno */

/* channel-io.c. These return 0, or a negative errno that ends the event loop. Trouble with the peer
 * is not an error for them; only channel_send() returns it. */
int channel_on_event(Channel *c, SessionEvent *event);
int channel_read(Channel *c, bool last); /* @last: nothing comes after what is there already */
int channel_flush(Channel *c);           /* send, and wait for the right events afterwards */
int channel_settle(Channel *c); /* last step of every callback: flush, on_drained, deadline */
int channel_send(Channel *c);   /* Return: 0, also when the socket is full, or negative errno */
