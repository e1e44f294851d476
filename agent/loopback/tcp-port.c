/* SPDX-License-Identifier: MIT */

/* Accepting connections of the host; see tcp-port.h. */

#include "agent/loopback/tcp-port.h"

#include "agent/loop/require.h"
#include "agent/loop/timer.h"
#include "agent/loopback/pair.h"
#include "agent/loopback/socket.h"
#include "agent/loopback/strangers.h"
#include "agent/util/cleanup.h"

#include <errno.h>
#include <sys/epoll.h>

#define ACCEPTED_AT_ONCE 64 /* then others have their turn */
#define PAUSE_USEC       USEC_PER_SEC
#define PAUSE_ACCURACY   (USEC_PER_SEC / 10)

struct TcpPort {
        Shared *shared;
        LoopbackPort port;

        /* owned */
        int fd;
        sd_event_source *io, *pause;
        PairList pairs;
};
DEFINE_CLEANUP(TcpPort *, tcp_port_free);

static bool has_room(const TcpPort *p) {
        return p->shared->n_connections < CONNECTIONS_MAX && p->pairs.n < PORT_CONNECTIONS_MAX;
}

void tcp_port_resume(TcpPort *p) {
        if (has_room(p))
                loop_require(p->io, sd_event_source_set_enabled(p->io, SD_EVENT_ON));
}

static int tcp_port_on_pause(sd_event_source *s, uint64_t usec, void *userdata) {
        tcp_port_resume(userdata);
        return 0;
}

/* Descriptors or memory are used up, here or in the whole guest. The connection stays in the
 * kernel's queue, so without a pause this would be tried again and again. */
static int tcp_port_wait(TcpPort *p) {
        int r = sd_event_source_set_enabled(p->io, SD_EVENT_OFF);

        return r < 0 ? r : loop_timer_start(p->pause, PAUSE_USEC);
}

static void tcp_port_on_end(void *userdata) {
        TcpPort *p = userdata;

        if (p->shared->n_connections == 0 && p->shared->n_sessions == 0)
                p->shared->on_idle(p->shared->userdata);
        if (p->shared->n_connections == CONNECTIONS_MAX - 1)
                p->shared->on_room(p->shared->userdata);
        else if (p->pairs.n == PORT_CONNECTIONS_MAX - 1)
                tcp_port_resume(p);
}

/* Return: 1 to go on, 0 when nobody waits, or negative errno. */
static int tcp_port_accept(TcpPort *p) {
        SocketAddress address = {.n = sizeof(address.storage)};
        IpAddr peer;
        int fd;

        fd = accept4(p->fd, (struct sockaddr *) &address.storage, &address.n,
                     SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
                switch (errno) {
                case EAGAIN:
                        return 0;
                case EMFILE:
                case ENFILE:
                case ENOBUFS:
                case ENOMEM:
                        return tcp_port_wait(p);
                default: /* of this one connection: it has ended already, see accept(2) */
                        return 1;
                }
        if (!socket_parse(&address, &peer, NULL) ||
            ip_compare(&peer, &p->shared->host.gateway) != 0) {
                strangers_log(p->shared, &p->port, &peer);
                socket_will_reset(fd);
                (void) close(fd);
                return 1;
        }
        (void) pair_new(p->shared, &p->pairs, &p->port, fd, tcp_port_on_end, p);
        return 1;
}

static int tcp_port_on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        TcpPort *p = userdata;
        int r = 1;

        for (unsigned i = 0; r > 0 && i < ACCEPTED_AT_ONCE && has_room(p); i++)
                r = tcp_port_accept(p);
        if (r >= 0 && !has_room(p))
                r = sd_event_source_set_enabled(p->io, SD_EVENT_OFF);
        return r < 0 ? r : 0;
}

int tcp_port_new(TcpPort **ret_port, Shared *shared, const LoopbackPort *port) {
        _cleanup_(tcp_port_freep) TcpPort *p = malloc(sizeof(*p));
        int r;

        if (!p)
                return -ENOMEM;
        *p = (TcpPort){.shared = shared, .port = *port, .fd = -1};
        r = socket_open_port(&shared->host, port, &p->fd);
        shared->unbound = shared->unbound || r == 0;
        if (r >= 0)
                r = sd_event_add_io(shared->event, &p->io, p->fd, EPOLLIN, tcp_port_on_io, p);
        if (r >= 0)
                r = loop_timer_new(shared->event, PAUSE_ACCURACY, tcp_port_on_pause, p, &p->pause);
        if (r >= 0)
                r = sd_event_source_set_exit_on_failure(p->io, 1);
        if (r < 0)
                return r;
        *ret_port = TAKE_PTR(p);
        return 0;
}

TcpPort *tcp_port_free(TcpPort *p) {
        if (!p)
                return NULL;
        pair_list_done(&p->pairs);
        sd_event_source_disable_unref(p->pause);
        sd_event_source_disable_unref(p->io);
        closep(&p->fd);
        free(p);
        return NULL;
}
