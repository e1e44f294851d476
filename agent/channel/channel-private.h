/* SPDX-License-Identifier: MIT */
#pragma once

/* What channel.c (the connection's life) and channel-io.c (its bytes) share. */

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
        bool refused;      /* how the last connection ended */
        uint64_t n_connects;
};

/* channel.c */
int channel_arm(Channel *c, uint64_t usec); /* SESSION_NO_DEADLINE: off */
int channel_down(Channel *c, ChannelDown *down);
int channel_down_errno(Channel *c, ChannelCause cause, int error);
int channel_on_connected(Channel *c);

/* channel-io.c. They return 0 or negative errno that ends the event loop; trouble with the peer is
 * no error of theirs, but channel_send() returns it. */
int channel_on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata);
int channel_on_event(Channel *c, SessionEvent *event);
int channel_read(Channel *c, bool last); /* @last: nothing comes after what is there already */
int channel_flush(Channel *c);           /* send, and wait for what comes next */
int channel_settle(Channel *c); /* last step of every callback: flush, drained?, deadline */
int channel_send(Channel *c);   /* Return: 0, also when the socket is full, or negative errno */
