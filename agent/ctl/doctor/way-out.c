/* SPDX-License-Identifier: MIT */

/* Asks the kernel for one route; see way-out.h. No privilege is needed. */

#include "agent/ctl/doctor/way-out.h"

#include "agent/network/dump-socket.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

typedef struct Question {
        struct rtmsg route;
        struct rtattr to;
        uint8_t to_bytes[4];
        struct rtattr from;
        uint8_t from_bytes[4];
} Question;

static struct nla_policy route_policy[RTA_OIF + 1] = {
        [RTA_OIF] = {.type = NLA_U32},
};

static int on_route(struct nlmsghdr *hdr, void *userdata) {
        struct nlattr *tb[RTA_OIF + 1];
        unsigned *index = userdata;

        if (hdr->nlmsg_type == RTM_NEWROUTE &&
            nlmsg_parse(hdr, sizeof(struct rtmsg), tb, RTA_OIF, route_policy) >= 0 && tb[RTA_OIF])
                *index = nla_get_u32(tb[RTA_OIF]);
        return 0;
}

int way_out_find(const IpAddr *to, const IpAddr *from, char ret_interface[IF_NAMESIZE]) {
        Question q = {
                .route = {.rtm_family = AF_INET, .rtm_dst_len = 32, .rtm_src_len = 32},
                .to = {.rta_len = RTA_LENGTH(4), .rta_type = RTA_DST},
                .from = {.rta_len = RTA_LENGTH(4), .rta_type = RTA_SRC},
        };
        unsigned index = 0;
        DumpSocket s = {.fn = on_route, .userdata = &index};
        int r;

        *ret_interface = '\0';
        if (to->family != IP_FAMILY_V4 || from->family != IP_FAMILY_V4)
                return -EAFNOSUPPORT;
        memcpy(q.to_bytes, to->bytes, sizeof(q.to_bytes));
        memcpy(q.from_bytes, from->bytes, sizeof(q.from_bytes));
        r = dump_socket_open(&s, NETLINK_ROUTE);
        if (r < 0)
                return r;
        r = dump_socket_ask(&s, RTM_GETROUTE, &q, sizeof(q));
        dump_socket_close(&s);
        if (r < 0)
                return r;
        if (index == 0 || !if_indextoname(index, ret_interface)) {
                *ret_interface = '\0';
                return -ENODEV;
        }
        return 0;
}
