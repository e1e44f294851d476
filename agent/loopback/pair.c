/* SPDX-License-Identifier: MIT */

/*
 * Two connected sockets and what flows between them. Bytes go through a pipe by splice(2), so they
 * are never copied to this program's memory.
 *
 * epoll reports a hang-up even when nothing was asked for. A socket whose both directions have
 * ended has one for good. So an end that has nothing to do any more is switched off.
 */

#include "agent/loopback/pair.h"

#include "agent/loopback/buffers.h"
#include "agent/loopback/flow.h"
#include "agent/loopback/socket.h"
#include "agent/util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>

#define CONNECT_USEC     (10 * USEC_PER_SEC) /* as the relay on the host waits */
#define CONNECT_ACCURACY (USEC_PER_SEC / 4)
#define CHUNK            (64 * 1024) /* what a pipe holds */
#define ROUNDS           16          /* then others have their turn */

typedef struct End { /* one of the two sockets */
        int fd;      /* owned; -1: not there yet */
        sd_event_source *io;
        uint32_t events; /* that are asked for */
        bool off;
} End;

typedef struct Stream { /* one direction */
        Flow flow;
        Pipe pipe;
} Stream;

struct Pair {
        /* configuration */
        Shared *shared;
        PairList *list;
        LoopbackPort port;
        unsigned buffer_size;
        PairEndFn on_end;
        void *userdata;

        /* owned */
        End host, server;
        Stream in, out;            /* from the host to the server, and back */
        sd_event_source *patience; /* while connecting */

        /* state */
        bool connected, v6;
        Pair *previous, *next;
};

static void end_done(End *e, bool reset) {
        sd_event_source_disable_unref(e->io);
        e->io = NULL;
        if (e->fd >= 0 && reset)
                socket_will_reset(e->fd);
        closep(&e->fd);
        e->fd = -1;
}

static void pair_free(Pair *p, bool reset) {
        if (p->previous)
                p->previous->next = p->next;
        else
                p->list->first = p->next;
        if (p->next)
                p->next->previous = p->previous;
        p->list->n--;
        p->shared->n_connections--;
        sd_event_source_disable_unref(p->patience);
        end_done(&p->host, reset);
        end_done(&p->server, reset);
        pipes_drop(&p->in.pipe);
        pipes_drop(&p->out.pipe);
        free(p);
}

void pair_list_done(PairList *list) {
        while (list->first)
                pair_free(list->first, true);
}

/* Return: 0, so that it can end a callback. */
static int pair_end(Pair *p, bool reset) {
        PairEndFn on_end = p->on_end;
        void *userdata = p->userdata;

        pair_free(p, reset);
        on_end(userdata);
        return 0;
}

/* Ask for what the two directions need of this end. @from: the direction that is read from it. */
static int end_ask(End *e, const Stream *from, const Stream *to) {
        uint32_t events = (flow_step(&from->flow) == FLOW_READ ? EPOLLIN : 0u) |
                          (flow_step(&to->flow) == FLOW_WRITE ? EPOLLOUT : 0u);
        bool off = events == 0 && to->flow.closed;
        int r = 0;

        if (events != e->events)
                r = sd_event_source_set_io_events(e->io, events);
        if (r >= 0 && off != e->off)
                r = sd_event_source_set_enabled(e->io, off ? SD_EVENT_OFF : SD_EVENT_ON);
        e->events = events;
        e->off = off;
        return r;
}

/* Return: 1 after some progress, 0 when it has to wait, or negative errno. */
static int splice_some(int from, int to, size_t n, size_t *ret_n) {
        ssize_t k = splice(from, NULL, to, NULL, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

        if (k < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        *ret_n = (size_t) k;
        return 1;
}

/* splice(2) stops before urgent data for good, although the socket stays readable, and then even
 * says that it was all when the end has come. An ordinary read goes on, because the sockets have
 * SO_OOBINLINE. @to: empty. Return: as splice_some(). */
static int copy_byte(int from, int to, size_t *ret_n) {
        char byte;
        ssize_t k = recv(from, &byte, 1, MSG_DONTWAIT);

        if (k < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (k > 0 && write(to, &byte, 1) < 0)
                return -errno;
        *ret_n = (size_t) k;
        return 1;
}

static int stream_read(Pipes *pipes, Stream *s, int from) {
        size_t n = 0;
        int r = s->pipe.in < 0 ? pipes_take(pipes, &s->pipe) : 0;

        if (r < 0)
                return r;
        r = splice_some(from, s->pipe.in, CHUNK, &n);
        if (r >= 0 && n == 0)
                r = copy_byte(from, s->pipe.in, &n);
        if (r > 0)
                flow_read(&s->flow, n);
        return r;
}

static int stream_write(Stream *s, int to) {
        size_t n = 0;
        int r = splice_some(s->pipe.out, to, s->flow.waiting, &n);

        if (r > 0)
                flow_written(&s->flow, n);
        return r;
}

/* Move what can be moved at once. @broken: the sender's end was no regular one, so it is not passed
 * on as such. Return: 0, or negative errno when the connection is broken. */
static int stream_move(Pipes *pipes, Stream *s, int from, int to, bool broken) {
        int r = 1;

        /* Nothing is asked for to pass on an end, so no event would lead to it later. */
        for (unsigned i = 0; r > 0 && (i < 2 * ROUNDS || flow_step(&s->flow) == FLOW_CLOSE); i++)
                switch (flow_step(&s->flow)) {
                case FLOW_READ:
                        r = stream_read(pipes, s, from);
                        break;
                case FLOW_WRITE:
                        r = stream_write(s, to);
                        break;
                case FLOW_CLOSE:
                        if (broken)
                                return 0;
                        r = shutdown(to, SHUT_WR) < 0 ? -errno : 1;
                        flow_closed(&s->flow);
                        break;
                case FLOW_DONE:
                        r = 0;
                        break;
                }
        if (s->flow.waiting == 0)
                pipes_give(pipes, &s->pipe);
        return r < 0 ? r : 0;
}

/* One end was reset. What it has sent before goes on its way first, as much as the other end takes
 * at once. */
static int pair_break(Pair *p, Stream *s, int from, int to) {
        if (p->connected)
                (void) stream_move(&p->shared->pipes, s, from, to, true);
        return pair_end(p, true);
}

static int pair_move(Pair *p) {
        Pipes *pipes = &p->shared->pipes;
        int r;

        r = stream_move(pipes, &p->in, p->host.fd, p->server.fd, false);
        if (r < 0) /* the server may have answered before it hung up, as to too large an upload */
                return pair_break(p, &p->out, p->server.fd, p->host.fd);
        r = stream_move(pipes, &p->out, p->server.fd, p->host.fd, false);
        if (r < 0)
                return pair_end(p, true);
        if (p->in.flow.closed && p->out.flow.closed)
                return pair_end(p, false);
        r = end_ask(&p->host, &p->in, &p->out);
        if (r >= 0)
                r = end_ask(&p->server, &p->out, &p->in);
        return r < 0 ? pair_end(p, true) : 0;
}

static int pair_connect(Pair *p);

static int pair_on_host(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        Pair *p = userdata;

        if (revents & EPOLLERR)
                return pair_break(p, &p->in, fd, p->server.fd);
        return p->connected ? pair_move(p) : 0;
}

static int pair_on_server(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        Pair *p = userdata;
        int r;

        if (p->connected)
                return revents & EPOLLERR ? pair_break(p, &p->out, fd, p->host.fd) : pair_move(p);
        r = socket_error(fd);
        if (r == -ECONNREFUSED && !p->v6) {
                p->v6 = true;
                end_done(&p->server, false);
                return pair_connect(p) < 0 ? pair_end(p, true) : 0;
        }
        if (r < 0 && r != -ECONNRESET)
                return pair_end(p, true);
        p->connected = true;
        if (r < 0) /* it was accepted, answered and reset before we looked */
                return pair_break(p, &p->out, fd, p->host.fd);
        p->patience = sd_event_source_disable_unref(p->patience);
        return pair_move(p);
}

/* The first answer comes through the event loop in any case, which keeps one path for all. */
static int pair_connect(Pair *p) {
        int r = socket_connect(&p->port, p->v6, p->buffer_size, &p->server.fd);

        if (r < 0 && r != -EINPROGRESS)
                return r;
        p->server.events = EPOLLOUT;
        return sd_event_add_io(p->shared->event, &p->server.io, p->server.fd, EPOLLOUT,
                               pair_on_server, p);
}

static int pair_on_patience(sd_event_source *s, uint64_t usec, void *userdata) {
        return pair_end(userdata, true);
}

static int pair_start(Pair *p) {
        const int on = 1;
        int r;

        /* Keep-alive finds a host that has vanished, as after a power cut of a VM that was saved.
         */
        if (setsockopt(p->host.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
            setsockopt(p->host.fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) < 0 ||
            setsockopt(p->host.fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on)) < 0)
                return -errno;
        socket_set_buffers(p->host.fd, p->buffer_size);
        r = sd_event_add_io(p->shared->event, &p->host.io, p->host.fd, 0, pair_on_host, p);
        if (r >= 0)
                r = sd_event_add_time_relative(p->shared->event, &p->patience, CLOCK_MONOTONIC,
                                               CONNECT_USEC, CONNECT_ACCURACY, pair_on_patience, p);
        if (r >= 0)
                r = pair_connect(p);
        if (r == -ECONNREFUSED) { /* refused at once */
                p->v6 = true;
                r = pair_connect(p);
        }
        return r;
}

int pair_new(Shared *shared, PairList *list, const LoopbackPort *port, int fd, PairEndFn on_end,
             void *userdata) {
        Pair *p = malloc(sizeof(*p));
        int r;

        if (!p) {
                socket_will_reset(fd);
                (void) close(fd);
                return -ENOMEM;
        }
        *p = (Pair){
                .shared = shared,
                .list = list,
                .port = *port,
                .buffer_size = buffer_size(shared->n_connections),
                .on_end = on_end,
                .userdata = userdata,
                .host = {.fd = fd},
                .server = {.fd = -1},
                .in = {.pipe = PIPE_NULL},
                .out = {.pipe = PIPE_NULL},
                .next = list->first,
        };
        if (list->first)
                list->first->previous = p;
        list->first = p;
        list->n++;
        shared->n_connections++;
        r = pair_start(p);
        if (r < 0)
                pair_free(p, true);
        return r;
}
