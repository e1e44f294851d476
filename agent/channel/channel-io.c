/* SPDX-License-Identifier: MIT */

/*
 * The bytes of a connection: reading, feeding the session, writing.
 *
 * A peer can make us hold one frame (the session refuses a header that announces more than its type
 * may have), plus one read, plus CHANNEL_OUT_PAUSE of answers that the peer does not read. Beyond
 * that we stop reading until it does.
 *
 * A failed write does not end the connection at once. The peer may have said why (REFUSED, BYE)
 * before it closed, and that can still be read. So the error is noted, and the timer reads the
 * rest.
 */

#include "agent/channel/channel-private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int channel_send(Channel *c) {
        while (buffer_length(&c->out) > 0) {
                ssize_t n =
                        send(c->fd, buffer_bytes(&c->out), buffer_length(&c->out), MSG_NOSIGNAL);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EAGAIN ? 0 : -errno;
                buffer_consume(&c->out, (size_t) n);
        }
        return 0;
}

static bool channel_paused(const Channel *c) {
        return buffer_length(&c->out) > c->out_pause;
}

int channel_flush(Channel *c) {
        uint32_t events = 0;
        int r;

        if (c->write_error)
                return 0;
        r = channel_send(c);
        if (r < 0) {
                c->write_error = -r;
                buffer_done(&c->out);
                return channel_arm(c, 0);
        }
        if (buffer_length(&c->out) == 0)
                c->out_pause = CHANNEL_OUT_PAUSE;
        else
                events |= EPOLLOUT;
        if (!channel_paused(c))
                events |= EPOLLIN;
        if (events == c->io_events)
                return 0;
        r = sd_event_source_set_io_events(c->io, events);
        if (r < 0)
                return r;
        c->io_events = events;
        return 0;
}

int channel_settle(Channel *c) {
        int r;

        if (!c->session)
                return 0; /* the connection ended meanwhile */
        r = channel_flush(c);
        if (r < 0)
                return r;
        if (c->state == CHANNEL_READY && c->push_waiting && buffer_length(&c->out) == 0 &&
            !c->write_error) {
                c->push_waiting = false;
                r = c->handler.on_drained(c->handler.userdata);
                if (r < 0)
                        return r;
        }
        return channel_arm(c, c->write_error ? 0 : agent_session_deadline(c->session));
}

static int channel_down_notice(Channel *c, ChannelCause cause, const WireNotice *notice) {
        ChannelDown down = {.cause = cause, .code = notice->code};

        (void) snprintf(down.text, sizeof(down.text), "%s", notice->text);
        return channel_down(c, &down);
}

int channel_on_event(Channel *c, SessionEvent *event) {
        switch (event->type) {
        case SESSION_EVENT_NONE:
                return 0;
        case SESSION_EVENT_ESTABLISHED:
                c->state = CHANNEL_READY;
                c->n_connects++;
                return c->handler.on_ready(c->handler.userdata);
        case SESSION_EVENT_RESULT:
                /* Only now is it clear that the helper works. A helper that drops us whenever it
                 * has our state must not be tried four times a second. */
                backoff_reset(&c->backoff);
                return c->handler.on_result(c->handler.userdata, &event->result);
        case SESSION_EVENT_REFUSED:
                return channel_down_notice(c, CHANNEL_REFUSED, &event->notice);
        case SESSION_EVENT_BYE:
                return channel_down_notice(c, CHANNEL_GOODBYE, &event->notice);
        case SESSION_EVENT_VIOLATION:
                (void) channel_send(c);
                return channel_down_notice(c, CHANNEL_VIOLATION, &event->notice);
        case SESSION_EVENT_TIMEOUT:
                (void) channel_send(c);
                return channel_down_notice(c,
                                           c->state == CHANNEL_READY &&
                                                           event->notice.code == WIRE_BYE_TIMEOUT
                                                   ? CHANNEL_UNANSWERED
                                                   : CHANNEL_SILENT,
                                           &event->notice);
        case SESSION_EVENT_HELLO:
        case SESSION_EVENT_PROVEN:
        case SESSION_EVENT_STATE:
                break; /* only the helper gets these */
        }
        return -ENOTRECOVERABLE;
}

/* Feed what has arrived to the session, frame by frame. */
static int channel_process(Channel *c) {
        for (;;) {
                SessionEvent event = SESSION_EVENT_NULL;
                size_t consumed = 0;
                int r;

                r = agent_session_receive(c->session, buffer_bytes(&c->in), buffer_length(&c->in),
                                          now_usec(), &c->out, &consumed, &event);
                if (r < 0)
                        return r;
                buffer_consume(&c->in, consumed);
                r = channel_on_event(c, &event);
                session_event_done(&event);
                if (r < 0 || !c->session || consumed == 0)
                        return r;
        }
}

static int channel_ended(Channel *c, int error) {
        ChannelDown down = {.cause = CHANNEL_LOST, .error = error};

        if (error) {
                (void) snprintf(down.text, sizeof(down.text), "%s", strerror(error));
        } else {
                (void) snprintf(down.text, sizeof(down.text), "the helper closed the connection%s",
                                buffer_length(&c->in) > 0 ? " in the middle of a message" : "");
        }
        return channel_down(c, &down);
}

int channel_read(Channel *c, bool last) {
        int r;

        for (unsigned i = 0; i < CHANNEL_READS_MAX && (last || !channel_paused(c)); i++) {
                uint8_t *room;
                ssize_t n;

                r = buffer_reserve(&c->in, CHANNEL_READ_SIZE, &room);
                if (r < 0)
                        return r;
                n = recv(c->fd, room, CHANNEL_READ_SIZE, 0);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EAGAIN) {
                        return last ? channel_ended(c, c->write_error ? c->write_error : ECONNRESET)
                                    : 0;
                }
                if (n <= 0)
                        return channel_ended(c, n < 0 ? errno : c->write_error);
                buffer_commit(&c->in, (size_t) n);
                r = channel_process(c);
                if (r < 0 || !c->session)
                        return r;
                if ((size_t) n < CHANNEL_READ_SIZE && !last)
                        return 0; /* saves the call that would return EAGAIN */
        }
        return 0;
}
