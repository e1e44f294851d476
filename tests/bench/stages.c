/* SPDX-License-Identifier: MIT */

/* The stages between the kernel's event and the agent's message, each as a process; see
 * reporters.h. */

#include "reporters.h"

#include "agent/network/netwatch.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/epoll.h>
#include <sys/socket.h>

typedef struct Stage {
        int fd;
        size_t size;
        uint8_t *bytes;
        bool known;    /* the choice has been made, */
        Choice choice; /* and this was it last time */
} Stage;

static int tell(const Stage *s) {
        return write(s->fd, s->bytes, s->size) == (ssize_t) s->size ? 0 : -EPIPE;
}

static int open_netlink(unsigned groups, int flags) {
        struct sockaddr_nl local = {.nl_family = AF_NETLINK, .nl_groups = groups};
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE);

        return fd >= 0 && bind(fd, (struct sockaddr *) &local, sizeof(local)) < 0 ? -1 : fd;
}

int report_floor(int fd, size_t size) {
        const Stage s = {.fd = fd, .size = size, .bytes = calloc(1, size)};
        int netlink_fd = open_netlink(RTMGRP_IPV4_IFADDR, 0);
        uint8_t event[8192];

        if (!s.bytes || netlink_fd < 0)
                return -1;
        while (recv(netlink_fd, event, sizeof(event), 0) > 0)
                if (tell(&s) < 0)
                        return -1;
        return -1;
}

/* The messages about routes of the address come after it, and are thrown away here. */
static int on_event(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        uint8_t message[8192];
        int r = 0;

        while (r >= 0 && recv(fd, message, sizeof(message), 0) > 0) {
                unsigned type = ((struct nlmsghdr *) message)->nlmsg_type;

                if (type == RTM_NEWADDR || type == RTM_DELADDR)
                        r = tell(userdata);
        }
        return r;
}

int report_loop(int fd, size_t size) {
        Stage s = {.fd = fd, .size = size, .bytes = calloc(1, size)};
        int netlink_fd = open_netlink(RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE, SOCK_NONBLOCK);
        sd_event *event = NULL;
        int r = sd_event_new(&event);

        if (r >= 0)
                r = sd_event_add_io(event, NULL, netlink_fd, EPOLLIN, on_event, &s);
        return r < 0 || !s.bytes ? -1 : sd_event_loop(event);
}

static int on_snapshot(NetWatch *w, const Snapshot *snapshot, uint64_t event_usec, bool trailing,
                       void *userdata) {
        Stage *s = userdata;
        bool known = s->known;
        Choice choice;

        snapshot_choose(snapshot, "", &choice);
        if (known && choice_equal(&choice, &s->choice))
                return 0;
        s->choice = choice;
        s->known = true;
        return known ? tell(s) : 0;
}

int report_choice(int fd, size_t size) {
        Stage s = {.fd = fd, .size = size, .bytes = calloc(1, size)};
        sd_event *event = NULL;
        NetWatch *w = NULL;
        int r = sd_event_new(&event);

        if (r >= 0)
                r = netwatch_new(&w, event, 0, on_snapshot, &s);
        if (r >= 0)
                r = netwatch_refresh(w);
        return r < 0 || !s.bytes ? -1 : sd_event_loop(event);
}
