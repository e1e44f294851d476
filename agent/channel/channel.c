/* SPDX-License-Identifier: MIT */

/*
 * The life of a connection: waiting → connecting → handshake → ready, and back to waiting after any
 * trouble. channel-io.c moves the bytes, channel-end.c ends a connection.
 *
 * The loop is level-triggered, and EPOLLERR and EPOLLHUP arrive even when not requested. So in
 * every state an event either consumes something or ends the connection.
 */

#include "agent/channel/channel-private.h"
#include "agent/loop/timer.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>

#define CHANNEL_TIMER_ACCURACY (10 * USEC_PER_MSEC)

static int channel_mac(const uint8_t *key, const uint8_t *data, size_t n,
                       uint8_t ret_mac[WIRE_MAC_SIZE]) {
        _Static_assert(crypto_auth_hmacsha256_BYTES == WIRE_MAC_SIZE, "MAC size");
        _Static_assert(crypto_auth_hmacsha256_KEYBYTES == WIRE_KEY_SIZE, "key size");

        return crypto_auth_hmacsha256(ret_mac, data, n, key) == 0 ? 0 : -EIO;
}

static int channel_handshake(Channel *c) {
        WireHello hello = c->hello;
        int r;

        c->state = CHANNEL_HANDSHAKE;
        r = agent_session_new(&c->session, channel_mac, c->has_key ? c->key : NULL);
        if (r < 0)
                return r;
        randombytes_buf(hello.nonce, sizeof(hello.nonce));
        r = agent_session_start(c->session, &hello, now_usec(), &c->out);
        return r < 0 ? r : channel_settle(c);
}

static int channel_on_connected(Channel *c) {
        int r = connect_finish(c->fd);

        if (r == -ENODEV)
                return channel_down_errno(c, CHANNEL_NO_VSOCK, -r);
        if (r < 0)
                return channel_down_errno(c, CHANNEL_UNREACHABLE, -r);
        return channel_handshake(c);
}

static int channel_on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        Channel *c = userdata;
        bool hup = revents & (EPOLLHUP | EPOLLERR);
        bool was_ready = c->state == CHANNEL_READY;
        int r;

        if (c->state == CHANNEL_CONNECTING)
                return channel_on_connected(c);
        if (revents & EPOLLOUT) {
                r = channel_flush(c);
                if (r < 0)
                        return r;
        }
        if (hup || (revents & EPOLLIN)) {
                r = channel_read(c, hup || c->write_error);
                if (r < 0)
                        return r;
        }
        r = channel_settle(c);
        if (r < 0 || !was_ready || c->state != CHANNEL_READY || !c->handler.on_heard)
                return r;
        return c->handler.on_heard(c->handler.userdata);
}

static int channel_try(Channel *c) {
        int r, fd = -1;

        r = connect_start(&c->helper, &fd);
        if (r == -EAFNOSUPPORT || r == -ENODEV)
                return channel_down_errno(c, CHANNEL_NO_VSOCK, -r);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return channel_down_errno(c, CHANNEL_UNREACHABLE, -r);
        c->fd = fd;
        c->out_pause = CHANNEL_OUT_PAUSE;
        c->io_events = r == CONNECT_E_PENDING ? EPOLLOUT : EPOLLIN;
        c->state = CHANNEL_CONNECTING;
        r = sd_event_add_io(c->event, &c->io, fd, c->io_events, channel_on_io, c);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return channel_down_errno(c, CHANNEL_UNREACHABLE, -r);
        r = sd_event_source_set_exit_on_failure(c->io, 1);
        if (r < 0)
                return r;
        if (c->io_events == EPOLLIN)
                return channel_handshake(c);
        return channel_arm(c, now_usec() + CHANNEL_CONNECT_USEC);
}

static int channel_on_tick(Channel *c) {
        uint64_t deadline = agent_session_deadline(c->session), now = now_usec();
        SessionEvent event = SESSION_EVENT_NULL;
        int r;

        /* The monotonic clock of a VM may go on while the host sleeps. */
        if (deadline != SESSION_NO_DEADLINE && now > deadline && now - deadline > CHANNEL_LATE_USEC)
                agent_session_resume(c->session, now);

        /* Bytes that have arrived count, even if we read them late: their sender is not silent. */
        r = channel_read(c, /* last= */ c->write_error != 0);
        if (r >= 0 && c->session) {
                r = agent_session_tick(c->session, now_usec(), &c->out, &event);
                if (r >= 0)
                        r = channel_on_event(c, &event);
                session_event_done(&event);
        }
        return r < 0 ? r : channel_settle(c);
}

static int channel_on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        Channel *c = userdata;

        switch (c->state) {
        case CHANNEL_IDLE:
                return 0;
        case CHANNEL_WAITING:
                return channel_try(c);
        case CHANNEL_CONNECTING:
                return channel_down_errno(c, CHANNEL_UNREACHABLE, ETIMEDOUT);
        case CHANNEL_HANDSHAKE:
        case CHANNEL_READY:
                return channel_on_tick(c);
        case _CHANNEL_STATE_END:
                break;
        }
        return -ENOTRECOVERABLE;
}

int channel_new(Channel **ret_channel, sd_event *event, const ChannelHandler *handler) {
        _cleanup_(channel_freep) Channel *c = NULL;
        int r;

        c = malloc(sizeof(*c));
        if (!c)
                return -ENOMEM;
        *c = (Channel){.event = event, .handler = *handler, .fd = -1};
        r = loop_timer_new(event, CHANNEL_TIMER_ACCURACY, channel_on_timer, c, &c->timer);
        if (r < 0)
                return r;
        *ret_channel = TAKE_PTR(c);
        return 0;
}

Channel *channel_free(Channel *c) {
        if (!c)
                return NULL;
        channel_close(c);
        sd_event_source_disable_unref(c->timer);
        session_wipe(c->key, sizeof(c->key));
        free(c);
        return NULL;
}

static bool identity_equal(const WireHello *a, const WireHello *b) {
        return memcmp(a->agent_id, b->agent_id, sizeof(a->agent_id)) == 0 &&
               strcmp(a->distro, b->distro) == 0;
}

static bool helper_equal(const ConfigHelper *a, const ConfigHelper *b) {
        return a->kind == b->kind && a->cid == b->cid && a->port == b->port &&
               strcmp(a->path, b->path) == 0;
}

int channel_configure(Channel *c, const ConfigHelper *helper, const WireHello *hello,
                      const uint8_t *key) {
        bool same = c->state != CHANNEL_IDLE && helper_equal(&c->helper, helper) &&
                    identity_equal(&c->hello, hello) && c->has_key == !!key &&
                    (!key || session_mac_equal(c->key, key)); /* both are 32 bytes */

        _Static_assert(WIRE_KEY_SIZE == WIRE_MAC_SIZE, "session_mac_equal() compares keys");
        c->refused = false;
        c->hello = *hello;
        if (same)
                return channel_hurry(c);
        channel_bye(c, "new configuration");
        c->helper = *helper;
        c->has_key = !!key;
        session_wipe(c->key, sizeof(c->key));
        if (key)
                memcpy(c->key, key, sizeof(c->key));
        c->state = CHANNEL_WAITING;
        return channel_hurry(c);
}

int channel_hurry(Channel *c) {
        if (c->refused)
                return 0;
        backoff_reset(&c->backoff);
        return c->state == CHANNEL_WAITING ? channel_arm(c, 0) : 0;
}

int channel_resume(Channel *c) {
        int r;

        if (c->session) {
                agent_session_resume(c->session, now_usec());
                r = channel_settle(c);
                if (r < 0)
                        return r;
        }
        return channel_hurry(c);
}

int channel_push(Channel *c, WireState *state, uint64_t *ret_sequence) {
        int r;

        if (c->state != CHANNEL_READY || c->write_error)
                return -ENOTCONN;
        if (buffer_length(&c->out) > 0) {
                c->push_waiting = true;
                return -EAGAIN;
        }
        r = agent_session_push(c->session, state, now_usec(), &c->out, ret_sequence);
        if (r < 0)
                return r;
        /* The STATE itself does not count. */
        c->out_pause = buffer_length(&c->out) + CHANNEL_OUT_PAUSE;
        return channel_flush(c);
}

/* Wait for the socket, but not beyond @end. */
static void channel_wait(const Channel *c, short events, uint64_t now, uint64_t end) {
        struct pollfd p = {.fd = c->fd, .events = events};

        (void) poll(&p, 1, (int) ((end - now) / USEC_PER_MSEC + 1));
}

static void channel_say_bye(Channel *c, const char *text, uint64_t end) {
        if (!c->session || agent_session_bye(c->session, WIRE_BYE_STOPPING, text, &c->out) < 0)
                return;
        while (channel_send(c) >= 0 && buffer_length(&c->out) > 0) {
                uint64_t now = now_usec();

                if (now >= end)
                        return;
                channel_wait(c, POLLOUT, now, end);
        }
}

/* Wait until the helper closes its end, which it does when it has read the goodbye. If we went
 * first, whatever it is just sending would fail, and with that failure it might drop the goodbye
 * unread. */
static void channel_linger(Channel *c, uint64_t end) {
        uint8_t dropped[1024];

        if (shutdown(c->fd, SHUT_WR) < 0)
                return;
        for (uint64_t now = now_usec(); now < end; now = now_usec()) {
                ssize_t n;

                channel_wait(c, POLLIN, now, end);
                n = recv(c->fd, dropped, sizeof(dropped), 0);
                if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                        return;
        }
}

static void channel_rest(Channel *c) {
        channel_close(c);
        (void) channel_arm(c, SESSION_NO_DEADLINE);
        c->state = CHANNEL_IDLE;
}

void channel_bye(Channel *c, const char *text) {
        channel_say_bye(c, text, now_usec() + CHANNEL_BYE_MSEC * USEC_PER_MSEC);
        channel_rest(c);
}

void channel_leave(Channel *c, const char *text) {
        uint64_t end = now_usec() + CHANNEL_BYE_MSEC * USEC_PER_MSEC;

        channel_say_bye(c, text, end);
        if (c->session)
                channel_linger(c, end);
        channel_rest(c);
}

ChannelState channel_state(const Channel *c) {
        return c->state;
}

const WireChallenge *channel_challenge(const Channel *c) {
        return c->session ? agent_session_challenge(c->session) : NULL;
}

uint8_t channel_version(const Channel *c) {
        return c && c->state == CHANNEL_READY ? channel_challenge(c)->version : 0;
}

uint64_t channel_n_connects(const Channel *c) {
        return c->n_connects;
}

const char *channel_state_name(ChannelState state) {
        static const char *const names[_CHANNEL_STATE_END] = {
                [CHANNEL_IDLE] = "idle",
                [CHANNEL_WAITING] = "waiting",
                [CHANNEL_CONNECTING] = "connecting",
                [CHANNEL_HANDSHAKE] = "handshake",
                [CHANNEL_READY] = "connected",
        };

        return names[state];
}

const char *channel_cause_name(ChannelCause cause) {
        static const char *const names[_CHANNEL_CAUSE_END] = {
                [CHANNEL_NO_VSOCK] = "no-vsock",
                [CHANNEL_UNREACHABLE] = "unreachable",
                [CHANNEL_LOST] = "lost",
                [CHANNEL_SILENT] = "silent",
                [CHANNEL_UNANSWERED] = "unanswered",
                [CHANNEL_GOODBYE] = "goodbye",
                [CHANNEL_REFUSED] = "refused",
                [CHANNEL_VIOLATION] = "protocol-error",
        };

        return names[cause];
}
