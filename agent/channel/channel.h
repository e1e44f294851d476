/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Channel: the agent's connection to the helper. It connects, shakes hands, reconnects with
 * backoff, and carries whole messages without interpreting them. It does not log.
 *
 * There is one connection at a time, and a fresh socket for every try. All callbacks come from the
 * event loop, never from inside a channel_*() call.
 */

#include "agent/config/config.h"

#include "protocol/session/session-agent.h"

#include <systemd/sd-event.h>

/* The kernel gives up a vsock connect after 2 s; this limit is for everything else that hangs. */
#define CHANNEL_CONNECT_USEC (5 * USEC_PER_SEC)
/* When a timer fires this late, the process or the whole machine did not run. */
#define CHANNEL_LATE_USEC (1 * USEC_PER_SEC)
#define CHANNEL_READ_SIZE (64u * 1024)
#define CHANNEL_READS_MAX 16           /* per wake-up, so that other sources get their turn */
#define CHANNEL_OUT_PAUSE (64u * 1024) /* more answers unsent than this: stop reading */
#define CHANNEL_BYE_MSEC  500          /* how long the goodbye may wait for the socket */

typedef struct Channel Channel;

typedef enum ChannelState {
        CHANNEL_IDLE,    /* not configured yet */
        CHANNEL_WAITING, /* until the next try */
        CHANNEL_CONNECTING,
        CHANNEL_HANDSHAKE,
        CHANNEL_READY,
        _CHANNEL_STATE_END,
} ChannelState;

typedef enum ChannelCause {
        CHANNEL_NO_VSOCK,    /* this kernel has no AF_VSOCK, or no transport for it */
        CHANNEL_UNREACHABLE, /* no listener, or another failure to connect */
        CHANNEL_LOST,        /* closed or broken without a goodbye */
        CHANNEL_SILENT,      /* handshake not finished, or nothing heard, in time */
        CHANNEL_UNANSWERED,  /* the helper is there, but did not answer our state in time */
        CHANNEL_GOODBYE,     /* the helper ended the session */
        CHANNEL_REFUSED,     /* the helper refuses this guest */
        CHANNEL_VIOLATION,   /* the peer does not speak the protocol */
        _CHANNEL_CAUSE_END,
} ChannelCause;

typedef struct ChannelDown {
        ChannelCause cause;
        bool was_ready;               /* a session was up before */
        int error;                    /* positive errno, or 0 */
        uint16_t code;                /* WireRefusal or WireBye, or 0 */
        char text[WIRE_TEXT_MAX + 1]; /* for people */
} ChannelDown;

/* All return 0, or negative errno to end the event loop. */
typedef struct ChannelHandler {
        void *userdata;
        int (*on_ready)(void *userdata);   /* push the state now */
        int (*on_drained)(void *userdata); /* a push that was -EAGAIN is possible now */
        int (*on_result)(void *userdata, WireResult *result);    /* take what is wanted */
        int (*on_down)(void *userdata, const ChannelDown *down); /* once per failed try or end */
        int (*on_heard)(void *userdata); /* the helper said something (a PING), and was answered */
} ChannelHandler;

/* @event: borrowed, must outlive the channel. Return: 0 or negative errno. */
int channel_new(Channel **ret_channel, sd_event *event, const ChannelHandler *handler);
Channel *channel_free(Channel *c); /* closes without a goodbye; returns NULL */
DEFINE_CLEANUP(Channel *, channel_free);

/**
 * channel_configure() - set the helper to connect to, and the identity to use
 * @hello: the identity, copied; each session gets a fresh nonce
 * @key: WIRE_KEY_SIZE bytes, copied, or NULL for an unpaired agent
 *
 * Ends a session that was made with another helper, identity or key (with a goodbye, and without
 * on_down), resets the backoff and tries at once. When all three are the same it does what
 * channel_hurry() does, also after a refusal; everything else in @hello is sent with the next
 * session.
 *
 * Return: 0 or negative errno.
 */
int channel_configure(Channel *c, const ConfigHelper *helper, const WireHello *hello,
                      const uint8_t *key);

/* Something has changed that may have brought the helper back: reset the backoff and, when waiting,
 * try at once. After a refusal that lasts (not paired, wrong key, version, policy) this does
 * nothing, because no change of the address ends it. Return: 0 or negative errno. */
int channel_hurry(Channel *c);

/* The machine was asleep, or its clock jumped: do what channel_hurry() does, and give the helper
 * one heartbeat before it counts as silent. Return: 0 or negative errno. */
int channel_resume(Channel *c);

/**
 * channel_push() - send the state
 *
 * Return: 0; -ENOTCONN when no session is up (on_ready will come); -EAGAIN when earlier output has
 * not drained (on_drained will come, push the newest state then); -E2BIG, -EMSGSIZE or -EINVAL when
 * the helper's limits or the wire's do not allow it; -ENOMEM.
 */
int channel_push(Channel *c, WireState *state, uint64_t *ret_sequence);

/* Say goodbye and close; waits at most CHANNEL_BYE_MSEC. The channel is idle afterwards. */
void channel_bye(Channel *c, const char *text);

/* The same when the agent ends. It also waits until the helper has read the goodbye, within the
 * same time. */
void channel_leave(Channel *c, const char *text);

ChannelState channel_state(const Channel *c); /* now */

/* Fixed words for status.json and the journal; constants. */
const char *channel_state_name(ChannelState state);
const char *channel_cause_name(ChannelCause cause);

const WireChallenge *channel_challenge(const Channel *c); /* of this session; NULL before it */
uint64_t channel_n_connects(const Channel *c);            /* sessions that became ready */

/* Of the protocol in a session that is ready; 0: there is none. @c: may be NULL, before the start.
 */
uint8_t channel_version(const Channel *c);
