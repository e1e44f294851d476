/* SPDX-License-Identifier: MIT */

/*
 * The end of a connection: closing it, deciding when to try again, and telling the owner.
 *
 * Everything that ends a connection goes through channel_down(), so that the backoff and the owner
 * see each end exactly once.
 */

#include "agent/channel/channel-private.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

int channel_arm(Channel *c, uint64_t usec) {
        int r;

        if (usec == SESSION_NO_DEADLINE)
                return sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
        r = sd_event_source_set_time(c->timer, usec);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
}

void channel_close(Channel *c) {
        c->io = sd_event_source_disable_unref(c->io);
        closep(&c->fd);
        c->fd = -1;
        c->session = agent_session_free(c->session);
        buffer_done(&c->in);
        buffer_done(&c->out);
        c->write_error = 0;
        c->push_waiting = false;
}

/* A missing or wrong key, another version and a policy stay as they are until somebody does
 * something about them. A helper that is busy, or that refuses for a reason that we do not know,
 * may soon think otherwise. */
static bool channel_refusal_lasts(const ChannelDown *down) {
        return down->cause == CHANNEL_REFUSED &&
               (down->code == WIRE_REFUSAL_NOT_PAIRED || down->code == WIRE_REFUSAL_BAD_PROOF ||
                down->code == WIRE_REFUSAL_VERSION || down->code == WIRE_REFUSAL_POLICY);
}

/* How long to wait after an end of this kind. */
static uint64_t channel_delay(Channel *c, const ChannelDown *down) {
        uint32_t random = randombytes_random();

        if (down->cause == CHANNEL_NO_VSOCK || channel_refusal_lasts(down))
                return backoff_longest(random);
        return backoff_next(&c->backoff, random);
}

int channel_down(Channel *c, ChannelDown *down) {
        int r;

        down->was_ready = c->state == CHANNEL_READY;
        channel_close(c);
        c->state = CHANNEL_WAITING;
        c->refused = channel_refusal_lasts(down);
        r = channel_arm(c, now_usec() + channel_delay(c, down));
        if (r < 0)
                return r;
        return c->handler.on_down(c->handler.userdata, down);
}

int channel_down_errno(Channel *c, ChannelCause cause, int error) {
        ChannelDown down = {.cause = cause, .error = error};

        (void) snprintf(down.text, sizeof(down.text), "%s", strerror(error));
        return channel_down(c, &down);
}
