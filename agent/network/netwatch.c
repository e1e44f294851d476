/* SPDX-License-Identifier: MIT */

/*
 * NetWatch: the event socket (a hint), the dumps (the truth), and the timer of the throttle between
 * them (throttle.h).
 *
 * The kernel's messages only say that something may have changed; a dump shows what there is now.
 * So a lost message costs nothing but a dump, and start, change, loss and reload all go the same
 * way. (libnl's cache manager does the opposite: it follows the messages, reports a loss as "out of
 * memory", and then as success at the next call, with most of its objects missing.)
 *
 * One message is taken at its word, but only until the dump that follows at once: a new address,
 * when nothing else has happened since the last dump and nothing more is queued. A dump takes
 * longer than all the rest of the way to the host, and then an address that is there is reported
 * before it.
 *
 * A dump that fails is tried again, each time after a longer wait, until it is given up. Without
 * events no timer is armed, and the process sleeps.
 */

#include "agent/network/netwatch.h"

#include "agent/loop/timer.h"
#include "agent/network/array.h"
#include "agent/network/netdump.h"
#include "agent/network/netlink-error.h"
#include "agent/network/netlink-socket.h"
#include "agent/network/throttle.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <stdalign.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define RECEIVE_BUFFER (1024 * 1024)
#define MESSAGE_BUFFER (8 * 1024) /* a datagram; a message about a link takes up to 2 KiB */
#define READS_MAX      64 /* datagrams per wake-up, so that a storm leaves time for the rest */
#define ERRORS_MAX     64 /* reads that fail in a row: the socket is gone for good */

struct NetWatch {
        /* configuration */
        NetWatchFn fn;
        void *userdata;

        /* owned */
        struct nl_sock *events;
        NetDump *dump;
        sd_event_source *io;
        sd_event_source *timer;
        Snapshot snapshot; /* of the last dump */

        /* state */
        bool dirty;       /* something happened since the last dump */
        bool links_dirty; /* and it may be about links */
        bool whole;       /* the last dump has not failed */
        bool has_news;    /* all that has happened since is a new address: */
        SnapshotAddress news;
        Throttle throttle;
        bool losing;         /* in an episode of lost events */
        unsigned n_errors;   /* failed reads in a row */
        unsigned n_failures; /* failed dumps in a row */
        uint64_t event_usec; /* first event of the last dump, or of the next one when dirty */
        NetWatchStats stats;
};

static void mark(NetWatch *w, bool links) {
        if (!w->dirty)
                w->event_usec = now_usec();
        w->dirty = true;
        w->links_dirty = w->links_dirty || links;
        w->has_news = false;
}

static uint64_t retry_delay(unsigned n_failures) {
        uint64_t usec = NETWATCH_WINDOW_USEC;

        while (--n_failures > 0 && usec < NETWATCH_RETRY_MAX_USEC)
                usec *= 2;
        return usec < NETWATCH_RETRY_MAX_USEC ? usec : NETWATCH_RETRY_MAX_USEC;
}

static int dump_failed(NetWatch *w, int error) {
        w->stats.failed++;
        w->whole = false;
        /* -EAGAIN: the kernel answers, but things change faster than they can be read. */
        if (++w->n_failures >= NETWATCH_FAILURES_MAX && error != -EAGAIN)
                return error;
        mark(w, true);
        (void) throttle_step(&w->throttle, THROTTLE_FAILED);
        return loop_timer_start(w->timer, retry_delay(w->n_failures));
}

/* Do what the throttle says about @input. Returns an error only for a failure of the event loop, of
 * the callback, or of many dumps in a row. */
static int step(NetWatch *w, ThrottleInput input) {
        ThrottleStep next = throttle_step(&w->throttle, input);
        int r;

        if (!next.dump)
                return 0;
        r = netdump_read(w->dump, w->links_dirty, &w->snapshot);
        if (r < 0)
                return dump_failed(w, r);
        w->stats.dumps++;
        w->n_failures = 0;
        w->dirty = w->links_dirty = w->has_news = false;
        w->whole = true;
        r = w->fn(w, &w->snapshot, w->event_usec, next.trailing, w->userdata);
        if (r < 0)
                return r;
        if (r > 0)
                next.arm = throttle_step(&w->throttle, THROTTLE_DOUBT).arm || next.arm;
        return next.arm ? loop_timer_start(w->timer, NETWATCH_WINDOW_USEC) : 0;
}

/*
 * A changed default route is announced by itself, or its link or address is; other routes do not
 * matter. Links are dumped again only after a message about one. That is enough, because every
 * field of SnapshotLink that can change is announced, and a lost message counts as a message about
 * everything.
 */
static void note_message(NetWatch *w, struct nlmsghdr *hdr) {
        const struct rtmsg *rtm = NLMSG_DATA(hdr);
        bool first = !w->dirty;

        w->stats.events++;
        switch (hdr->nlmsg_type) {
        case RTM_NEWROUTE:
        case RTM_DELROUTE:
                if (hdr->nlmsg_len < NLMSG_LENGTH(sizeof(*rtm)) || rtm->rtm_dst_len == 0)
                        mark(w, false);
                break;
        case RTM_NEWADDR:
                mark(w, false);
                /* While messages are missing, that of its removal may be among them. */
                w->has_news = first && !w->losing && netdump_address(hdr, &w->news);
                break;
        case RTM_DELADDR:
        case RTM_NEWNEXTHOP: /* the routes through it move without a message of their own */
        case RTM_DELNEXTHOP:
                mark(w, false);
                break;
        default: /* the kernel's numbers, not an enum of ours */
                mark(w, true);
        }
}

/* Called for ENOBUFS, and for anything else that kept us from reading a message. */
static void note_loss(NetWatch *w) {
        mark(w, true);
        if (!w->losing)
                w->stats.lost++;
        w->losing = true;
}

/* Return: 1 when there was a datagram or an error to answer, 0 when there is nothing to read, or
 * negative errno when the socket can no longer be used. */
static int read_datagram(NetWatch *w) {
        alignas(struct nlmsghdr) char buffer[MESSAGE_BUFFER];
        struct nlmsghdr *hdr = (struct nlmsghdr *) buffer;
        struct sockaddr_nl sender = {0};
        socklen_t size = sizeof(sender);
        ssize_t n = recvfrom(nl_socket_get_fd(w->events), buffer, sizeof(buffer), MSG_TRUNC,
                             (struct sockaddr *) &sender, &size);
        int left = (int) n;

        if (n < 0 && errno == EAGAIN) {
                w->losing = false;
                w->n_errors = 0;
                return 0;
        }
        if (n < 0) {
                if (++w->n_errors >= ERRORS_MAX)
                        return -errno;
                note_loss(w);
                return 1;
        }
        w->n_errors = 0;
        if (sender.nl_pid != 0) /* not from the kernel */
                return 1;
        if ((size_t) n > sizeof(buffer)) {
                note_loss(w); /* the rest of it is gone */
                return 1;
        }
        for (; NLMSG_OK(hdr, left); hdr = NLMSG_NEXT(hdr, left))
                note_message(w, hdr);
        return 1;
}

/* Put the new address into the last snapshot, in the place where a dump would have it, and report
 * that, if a dump comes next. Routes go without a message of their own only with an address or a
 * link, and the kernel tells of those. */
static int report_news(NetWatch *w) {
        Throttle ahead = w->throttle;
        Snapshot *s = &w->snapshot;
        size_t i = 0;
        int r;

        w->has_news = false;
        if (!w->whole || !throttle_step(&ahead, THROTTLE_EVENT).dump)
                return 0;
        while (i < s->n_addresses && (s->addresses[i].link != w->news.link ||
                                      ip_compare(&s->addresses[i].addr, &w->news.addr) != 0))
                i++;
        if (i == s->n_addresses) {
                if (array_grow((void **) &s->addresses, s->n_addresses, sizeof(w->news)) < 0)
                        return -ENOMEM;
                s->n_addresses++;
        }
        s->addresses[i] = w->news;
        r = w->fn(w, s, w->event_usec, false, w->userdata);
        return r < 0 ? r : 0; /* a dump comes next anyway */
}

/*
 * Read what is there, up to a limit. This uses plain recvfrom(2): nl_recvmsgs() copies each
 * message, takes three times as long for the four or five messages of one changed address, and
 * reports ENOBUFS as "out of memory".
 *
 * News is reported only when nothing more is queued. Until then the address may be gone already,
 * and a message may be older than the last dump.
 *
 * Return: 0, or the negative errno of the callback, or of a socket that can no longer be used.
 */
static int read_events(NetWatch *w) {
        for (unsigned i = 0; i < READS_MAX; i++) {
                int r = read_datagram(w);

                if (r < 0)
                        return r;
                if (r == 0)
                        return w->has_news ? report_news(w) : 0;
        }
        return 0;
}

static int netwatch_on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        NetWatch *w = userdata;
        int r;

        r = read_events(w);
        if (r < 0)
                return r;
        return w->dirty ? step(w, THROTTLE_EVENT) : 0;
}

static int netwatch_on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        return step(userdata, THROTTLE_TIMER);
}

/* The groups are joined before the first dump, so that a change in between causes an event. */
static int open_events(NetWatch *w, unsigned receive_buffer) {
        int r;

        r = netlink_socket_open(NETLINK_ROUTE, &w->events);
        if (r < 0)
                return r;
        r = nl_socket_set_nonblocking(w->events);
        /* A failure is ignored: rmem_max limits the size, and a loss costs only a dump. */
        if (r >= 0)
                (void) nl_socket_set_buffer_size(w->events, (int) receive_buffer, 0);
        if (r >= 0)
                r = nl_socket_add_memberships(w->events, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR,
                                              RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
                                              RTNLGRP_IPV6_ROUTE, 0);
        /* A kernel before 5.3 has no nexthop objects, and so no such group. */
        if (r >= 0)
                (void) nl_socket_add_membership(w->events, RTNLGRP_NEXTHOP);
        return r < 0 ? netlink_errno(r) : 0;
}

/* When a callback fails, the loop switches its source off and goes on, with a watch that only looks
 * alive. So the process ends instead, and is restarted. */
static int add_sources(NetWatch *w, sd_event *event) {
        int r;

        r = sd_event_add_io(event, &w->io, nl_socket_get_fd(w->events), EPOLLIN, netwatch_on_io, w);
        if (r >= 0)
                r = sd_event_source_set_exit_on_failure(w->io, 1);
        /* Accuracy 1, because 0 would mean 250 ms. */
        if (r >= 0)
                r = loop_timer_new(event, 1, netwatch_on_timer, w, &w->timer);
        /* Served before the socket, so that a storm cannot hold up the trailing dump. */
        if (r >= 0)
                r = sd_event_source_set_priority(w->timer, SD_EVENT_PRIORITY_NORMAL - 1);
        return r < 0 ? r : 0;
}

int netwatch_new(NetWatch **ret_watch, sd_event *event, unsigned receive_buffer, NetWatchFn fn,
                 void *userdata) {
        _cleanup_(netwatch_freep) NetWatch *w = NULL;
        int r;

        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        w->fn = fn;
        w->userdata = userdata;
        w->links_dirty = true;
        r = open_events(w, receive_buffer ? receive_buffer : RECEIVE_BUFFER);
        if (r < 0)
                return r;
        r = netdump_new(&w->dump);
        if (r < 0)
                return r;
        r = add_sources(w, event);
        if (r < 0)
                return r;
        *ret_watch = TAKE_PTR(w);
        return 0;
}

NetWatch *netwatch_free(NetWatch *w) {
        if (!w)
                return NULL;
        sd_event_source_disable_unref(w->timer);
        sd_event_source_disable_unref(w->io);
        snapshot_done(&w->snapshot);
        netdump_free(w->dump);
        if (w->events)
                nl_socket_free(w->events);
        free(w);
        return NULL;
}

int netwatch_refresh(NetWatch *w) {
        if (!w->dirty)
                w->event_usec = now_usec();
        w->links_dirty = true;
        return step(w, THROTTLE_REFRESH);
}

void netwatch_stats(const NetWatch *w, NetWatchStats *ret_stats) {
        *ret_stats = w->stats;
}
