/* SPDX-License-Identifier: MIT */

/*
 * Each request is answered by one acknowledgement. The requests are written to the bare socket,
 * because this is also used to measure the time that the kernel itself takes.
 */

#include "addr-trigger.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#define STORM_ADDRESSES 250

struct AddrTrigger {
        int fd; /* owned */
        unsigned index;
        uint32_t sequence;
};

typedef struct Request {
        struct nlmsghdr header;
        struct ifaddrmsg address;
        uint8_t attributes[2 * RTA_SPACE(16)];
} Request;

typedef struct Reply {
        struct nlmsghdr header;
        struct nlmsgerr error;
        uint8_t rest[sizeof(Request)]; /* the kernel returns a rejected request */
} Reply;

static void append(Request *r, unsigned short type, const void *data, size_t size) {
        struct rtattr *a = (struct rtattr *) ((char *) r + NLMSG_ALIGN(r->header.nlmsg_len));

        a->rta_type = type;
        a->rta_len = (unsigned short) RTA_LENGTH(size);
        memcpy(RTA_DATA(a), data, size);
        r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len) + (uint32_t) RTA_ALIGN(a->rta_len);
}

static int ask(AddrTrigger *t, uint16_t type, uint16_t flags, const IpAddr *addr, uint8_t prefix) {
        size_t size = ip_family_bits(addr->family) / 8;
        Request q = {
                .header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)),
                           .nlmsg_type = type,
                           .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags,
                           .nlmsg_seq = ++t->sequence},
                .address = {.ifa_family = addr->family == IP_FAMILY_V4 ? AF_INET : AF_INET6,
                            .ifa_prefixlen = prefix,
                            .ifa_flags = addr->family == IP_FAMILY_V6 ? IFA_F_NODAD : 0,
                            .ifa_index = t->index},
        };
        Reply reply = {0};
        ssize_t n;

        append(&q, IFA_LOCAL, addr->bytes, size);
        append(&q, IFA_ADDRESS, addr->bytes, size);
        if (send(t->fd, &q, q.header.nlmsg_len, 0) < 0)
                return -errno;
        n = recv(t->fd, &reply, sizeof(reply), 0);
        if (n < 0)
                return -errno;
        if ((size_t) n < NLMSG_LENGTH(sizeof(int)) || reply.header.nlmsg_type != NLMSG_ERROR ||
            reply.header.nlmsg_seq != t->sequence)
                return -EPROTO;
        return reply.error.error;
}

int addr_trigger_new(AddrTrigger **ret_trigger, const char *name) {
        _cleanup_(addr_trigger_freep) AddrTrigger *t = NULL;

        t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;
        t->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        if (t->fd < 0)
                return -errno;
        t->index = if_nametoindex(name);
        if (t->index == 0)
                return -errno;
        *ret_trigger = TAKE_PTR(t);
        return 0;
}

AddrTrigger *addr_trigger_free(AddrTrigger *t) {
        if (!t)
                return NULL;
        if (t->fd >= 0)
                (void) close(t->fd);
        free(t);
        return NULL;
}

int addr_trigger_add(AddrTrigger *t, const IpAddr *addr, uint8_t prefix) {
        return ask(t, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, addr, prefix);
}

int addr_trigger_delete(AddrTrigger *t, const IpAddr *addr, uint8_t prefix) {
        return ask(t, RTM_DELADDR, 0, addr, prefix);
}

int addr_trigger_storm(AddrTrigger *t, const IpAddr *base, uint8_t prefix, unsigned n,
                       IpAddr *ret_last) {
        IpAddr addr = *base;
        int r;

        if (base->family != IP_FAMILY_V4 || n % 2 == 0)
                return -EINVAL;
        for (unsigned i = 0; i < n; i++) {
                addr.bytes[3] = (uint8_t) (1 + i / 2 % STORM_ADDRESSES);
                r = i % 2 == 0 ? addr_trigger_add(t, &addr, prefix)
                               : addr_trigger_delete(t, &addr, prefix);
                if (r < 0)
                        return r;
        }
        *ret_last = addr;
        return 0;
}
