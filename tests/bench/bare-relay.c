/* SPDX-License-Identifier: MIT */

/*
 * A relay that does nothing but what it must: one thread, epoll, and for each direction one buffer,
 * which is received and then sent. It is the baseline of wslbridge-loopback in the benchmark and
 * knows nothing of wslbridge. It has no limits and no time-outs, and takes any error for the end.
 *
 *   bare-relay ADDRESS PORT SERVER SERVER-PORT
 */

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK  (64 * 1024)
#define EVENTS 64

typedef struct Link Link;

/* One socket, and what it has received for the other one. */
typedef struct End {
        Link *link;
        int fd;
        size_t n, n_sent; /* bytes in .data, and how many of them were sent */
        bool ended;       /* it sends no more */
        char data[CHUNK];
} End;

struct Link {
        End ends[2];
        bool over;  /* closed; freed behind the events that are at hand */
        Link *next; /* of those that are over */
};

static int loop;
static Link *over;
static End port; /* which has no link */

static void give_up(const char *what) {
        perror(what);
        exit(EXIT_FAILURE);
}

static struct sockaddr_in address_of(const char *address, const char *number) {
        struct sockaddr_in in = {.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t) strtoul(number, NULL, 10))};

        if (inet_pton(AF_INET, address, &in.sin_addr) != 1)
                give_up(address);
        return in;
}

static void link_end(Link *l) {
        for (unsigned i = 0; i < 2; i++)
                (void) close(l->ends[i].fd);
        l->over = true;
        l->next = over;
        over = l;
}

static void watch(int operation, End *e, uint32_t events) {
        struct epoll_event event = {.events = events, .data.ptr = e};

        if (epoll_ctl(loop, operation, e->fd, &event) < 0)
                give_up("epoll_ctl");
}

/* Each end is read when its buffer is empty, and written when the other one's is not. */
static void link_watch(Link *l) {
        for (unsigned i = 0; i < 2; i++) {
                End *e = &l->ends[i], *other = &l->ends[1 - i];

                watch(EPOLL_CTL_MOD, e,
                      (e->n == 0 && !e->ended ? EPOLLIN : 0u) | (other->n > 0 ? EPOLLOUT : 0u));
        }
}

/* Return: false when the connection is over. */
static bool move(End *from, End *to) {
        ssize_t n;

        if (from->n == 0 && !from->ended) {
                n = recv(from->fd, from->data, CHUNK, MSG_DONTWAIT);
                if (n < 0)
                        return true; /* nothing is there, or it is broken and will say so */
                from->n = (size_t) n;
                from->ended = n == 0;
                if (n == 0 && shutdown(to->fd, SHUT_WR) < 0)
                        return false;
        }
        if (from->n > 0) {
                n = send(to->fd, from->data + from->n_sent, from->n - from->n_sent,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
                if (n > 0)
                        from->n_sent += (size_t) n;
                if (from->n_sent == from->n)
                        from->n = from->n_sent = 0;
        }
        return !(from->ended && to->ended);
}

static void on_event(End *e, uint32_t events) {
        Link *l = e->link;
        End *other = &l->ends[e == &l->ends[0]];

        if (l->over)
                return;
        if (events & (EPOLLERR | EPOLLHUP) || !move(e, other) || !move(other, e))
                link_end(l);
        else
                link_watch(l);
}

static void on_client(int listener, const struct sockaddr_in *server) {
        const int on = 1;
        Link *l = calloc(1, sizeof(*l));

        if (!l)
                give_up("calloc");
        l->ends[0].fd = accept(listener, NULL, NULL);
        l->ends[1].fd = socket(AF_INET, SOCK_STREAM, 0);
        if (l->ends[0].fd < 0 || l->ends[1].fd < 0 ||
            connect(l->ends[1].fd, (const struct sockaddr *) server, sizeof(*server)) < 0)
                give_up("connect");
        for (unsigned i = 0; i < 2; i++) {
                l->ends[i].link = l;
                (void) setsockopt(l->ends[i].fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
                watch(EPOLL_CTL_ADD, &l->ends[i], EPOLLIN);
        }
}

int main(int argc, char **argv) {
        const int on = 1;
        struct sockaddr_in here, server;
        int listener = socket(AF_INET, SOCK_STREAM, 0);

        if (argc != 5)
                return EXIT_FAILURE;
        here = address_of(argv[1], argv[2]);
        server = address_of(argv[3], argv[4]);
        (void) setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        loop = epoll_create1(0);
        if (loop < 0 || bind(listener, (const struct sockaddr *) &here, sizeof(here)) < 0 ||
            listen(listener, 1024) < 0)
                give_up("listen");
        port.fd = listener;
        watch(EPOLL_CTL_ADD, &port, EPOLLIN);
        for (;;) {
                struct epoll_event events[EVENTS];
                int n = epoll_wait(loop, events, EVENTS, -1);

                for (int i = 0; i < n; i++) {
                        End *e = events[i].data.ptr;

                        if (e->link)
                                on_event(e, events[i].events);
                        else
                                on_client(listener, &server);
                }
                while (over) {
                        Link *l = over;

                        over = l->next;
                        free(l);
                }
        }
}
