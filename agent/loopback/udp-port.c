/* SPDX-License-Identifier: MIT */

/*
 * Datagrams of the host and the server's answers; see udp-port.h.
 *
 * The kernel tells that nobody listens on a port of this machine by an error of the next call on
 * the socket, mostly at once. Then the other loopback address is tried with the same datagram.
 */

#include "agent/loopback/udp-port.h"

#include "agent/loop/require.h"
#include "agent/loop/timer.h"
#include "agent/loopback/sessions.h"
#include "agent/loopback/socket.h"
#include "agent/loopback/strangers.h"
#include "agent/util/cleanup.h"

#include <errno.h>
#include <sys/epoll.h>

#define DATAGRAM_MAX      65535 /* more than a datagram of either family can have */
#define DATAGRAMS_AT_ONCE 64    /* then others have their turn */
#define ACCURACY          USEC_PER_SEC

typedef struct UdpSession {
        Session entry; /* first, because the table returns pointers to it */
        UdpPort *port;
        int fd; /* owned; connected to the server */
        sd_event_source *io;
        bool v6;
} UdpSession;

struct UdpPort {
        Shared *shared;
        LoopbackPort port;

        /* owned */
        int fd;
        sd_event_source *io, *timer;
        Sessions sessions;
        uint8_t buffer[DATAGRAM_MAX];
};
DEFINE_CLEANUP(UdpPort *, udp_port_free);

static void session_close(UdpSession *s) {
        s->io = sd_event_source_disable_unref(s->io);
        closep(&s->fd);
        s->fd = -1;
}

static void session_free(UdpSession *s) {
        Shared *shared = s->port->shared;

        sessions_remove(&s->port->sessions, &s->entry);
        session_close(s);
        free(s);
        if (--shared->n_sessions == 0 && shared->n_connections == 0)
                shared->on_idle(shared->userdata);
}

static void session_answer(UdpSession *s, size_t n) {
        UdpPort *p = s->port;
        SocketAddress host;

        sessions_touch(&p->sessions, &s->entry, true, now_usec());
        socket_address(&p->shared->host.gateway, s->entry.port, &host);
        /* Like any datagram, it may be lost. */
        (void) sendto(p->fd, p->buffer, n, 0, (const struct sockaddr *) &host.storage, host.n);
}

static int session_open(UdpSession *s);

static int session_on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        UdpSession *s = userdata;

        for (unsigned i = 0; i < DATAGRAMS_AT_ONCE; i++) {
                ssize_t n = recv(fd, s->port->buffer, DATAGRAM_MAX, 0);

                if (n < 0 && errno == ECONNREFUSED) {
                        /* The datagram is lost, but the next one goes where a server may be. */
                        s->v6 = !s->v6;
                        if (session_open(s) < 0)
                                session_free(s);
                        return 0;
                }
                if (n < 0)
                        return 0;
                session_answer(s, (size_t) n);
        }
        return 0;
}

/* Begin anew, with a socket to 127.0.0.1 or ::1. Return: 0 or negative errno. */
static int session_open(UdpSession *s) {
        int r;

        session_close(s);
        r = socket_connect(&s->port->port, s->v6, 0, &s->fd);
        if (r < 0)
                return r;
        r = sd_event_add_io(s->port->shared->event, &s->io, s->fd, EPOLLIN, session_on_io, s);
        return r < 0 ? r : 0;
}

static int session_send(UdpSession *s, size_t n) {
        if (send(s->fd, s->port->buffer, n, 0) < 0)
                return -errno;
        return socket_error(s->fd);
}

/* Send the first @n bytes of the buffer to the server. */
static void session_forward(UdpSession *s, size_t n) {
        int r = session_send(s, n);

        if (r == -ECONNREFUSED) {
                s->v6 = !s->v6;
                r = session_open(s);
                if (r == 0)
                        r = session_send(s, n);
        }
        if (r == -ECONNREFUSED || s->fd < 0) /* nobody is there; the next datagram begins anew */
                session_free(s);
        else
                sessions_touch(&s->port->sessions, &s->entry, false, now_usec());
}

/* Wake up when the first session's time is over. Use moves that time on, and then it is a wake-up
 * for nothing; one for each datagram would cost more. A new session may bring it forward: that of
 * others that were answered is later. */
static void udp_port_arm(UdpPort *p) {
        uint64_t deadline = sessions_deadline(&p->sessions), armed = UINT64_MAX;
        int r, enabled = SD_EVENT_OFF;

        (void) sd_event_source_get_enabled(p->timer, &enabled);
        (void) sd_event_source_get_time(p->timer, &armed);
        if (p->sessions.n == 0 || (enabled != SD_EVENT_OFF && armed <= deadline))
                return;
        r = sd_event_source_set_time(p->timer, deadline);
        if (r >= 0)
                r = sd_event_source_set_enabled(p->timer, SD_EVENT_ONESHOT);
        loop_require(p->timer, r);
}

static int udp_port_on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        UdpPort *p = userdata;
        Session *s;

        while ((s = sessions_expired(&p->sessions, now_usec())))
                session_free((UdpSession *) s);
        udp_port_arm(p);
        return 0;
}

unsigned udp_port_unanswered(const UdpPort *p) {
        return p->sessions.unanswered.n;
}

bool udp_port_end_unanswered(UdpPort *p) {
        Session *least = sessions_least(&p->sessions);

        if (least)
                session_free((UdpSession *) least);
        return least != NULL;
}

/* Return: whether there is room for one more session. */
static bool make_room(UdpPort *p) {
        if (p->sessions.n >= PORT_SESSIONS_MAX)
                return udp_port_end_unanswered(p);
        return p->shared->n_sessions < SESSIONS_MAX || p->shared->on_full(p->shared->userdata);
}

static UdpSession *session_new(UdpPort *p, uint16_t port) {
        UdpSession *s = make_room(p) ? malloc(sizeof(*s)) : NULL;

        if (!s)
                return NULL;
        *s = (UdpSession){.entry = {.port = port}, .port = p, .fd = -1};
        sessions_add(&p->sessions, &s->entry, now_usec());
        p->shared->n_sessions++;
        if (session_open(s) < 0) {
                session_free(s);
                return NULL;
        }
        udp_port_arm(p);
        return s;
}

static int udp_port_on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        UdpPort *p = userdata;

        for (unsigned i = 0; i < DATAGRAMS_AT_ONCE; i++) {
                SocketAddress address = {.n = sizeof(address.storage)};
                UdpSession *s;
                uint16_t port;
                IpAddr peer;
                ssize_t n = recvfrom(fd, p->buffer, DATAGRAM_MAX, 0,
                                     (struct sockaddr *) &address.storage, &address.n);

                if (n < 0)
                        return 0;
                if (!socket_parse(&address, &peer, &port) ||
                    ip_compare(&peer, &p->shared->host.gateway) != 0) {
                        strangers_log(p->shared, &p->port, &peer);
                        continue;
                }
                s = (UdpSession *) sessions_find(&p->sessions, port);
                if (!s)
                        s = session_new(p, port);
                if (s)
                        session_forward(s, (size_t) n);
        }
        return 0;
}

int udp_port_new(UdpPort **ret_port, Shared *shared, const LoopbackPort *port) {
        _cleanup_(udp_port_freep) UdpPort *p = calloc(1, sizeof(*p));
        int r;

        if (!p)
                return -ENOMEM;
        p->shared = shared;
        p->port = *port;
        p->fd = -1;
        r = socket_open_port(&shared->host, port, &p->fd);
        shared->unbound = shared->unbound || r == 0;
        if (r >= 0)
                r = sd_event_add_io(shared->event, &p->io, p->fd, EPOLLIN, udp_port_on_io, p);
        if (r >= 0)
                r = loop_timer_new(shared->event, ACCURACY, udp_port_on_timer, p, &p->timer);
        if (r < 0)
                return r;
        *ret_port = TAKE_PTR(p);
        return 0;
}

UdpPort *udp_port_free(UdpPort *p) {
        if (!p)
                return NULL;
        while (p->sessions.unanswered.oldest)
                session_free((UdpSession *) p->sessions.unanswered.oldest);
        while (p->sessions.answered.oldest)
                session_free((UdpSession *) p->sessions.answered.oldest);
        sd_event_source_disable_unref(p->timer);
        sd_event_source_disable_unref(p->io);
        closep(&p->fd);
        free(p);
        return NULL;
}
