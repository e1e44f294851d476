/* SPDX-License-Identifier: MIT */

/*
 * Asks the kernel for a table; see dump-socket.h.
 *
 * A dump that fails on its way ends as a whole one does, with NLMSG_DONE, and only a number in that
 * message says that something is missing. libnl 3.7 does not look at it.
 */

#include "agent/network/dump-socket.h"

#include "agent/network/netlink-error.h"
#include "agent/network/netlink-socket.h"

#include <errno.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <string.h>
#include <sys/socket.h>

#define DUMP_TIMEOUT_SEC 2           /* the kernel answers at once, or something is very wrong */
#define DUMP_BUFFER      (32 * 1024) /* the kernel never fills more */

static int dump_on_message(struct nl_msg *msg, void *userdata) {
        DumpSocket *s = userdata;

        s->n_messages++;
        s->fn_error = s->fn(nlmsg_hdr(msg), s->userdata);
        return s->fn_error < 0 ? -NLE_FAILURE : NL_OK;
}

/* A kernel before 4.15 sends no number, or 0. */
static int dump_on_end(struct nl_msg *msg, void *userdata) {
        const struct nlmsghdr *hdr = nlmsg_hdr(msg);
        DumpSocket *s = userdata;
        int error = 0;

        if (hdr->nlmsg_len >= NLMSG_LENGTH(sizeof(error)))
                memcpy(&error, NLMSG_DATA(hdr), sizeof(error));
        if (error < 0)
                s->error = error;
        return NL_OK;
}

int dump_socket_open(DumpSocket *s, int protocol) {
        const struct timeval timeout = {.tv_sec = DUMP_TIMEOUT_SEC};
        int r;

        r = netlink_socket_open(protocol, &s->sk);
        if (r < 0)
                return r;
        if (setsockopt(nl_socket_get_fd(s->sk), SOL_SOCKET, SO_RCVTIMEO, &timeout,
                       sizeof(timeout)) < 0) {
                r = -errno;
                dump_socket_close(s);
                return r;
        }
        nl_socket_disable_auto_ack(s->sk);
        nl_socket_disable_msg_peek(s->sk); /* saves a system call for each read */
        (void) nl_socket_set_msg_buf_size(s->sk, DUMP_BUFFER);
        (void) nl_socket_modify_cb(s->sk, NL_CB_VALID, NL_CB_CUSTOM, dump_on_message, s);
        (void) nl_socket_modify_cb(s->sk, NL_CB_FINISH, NL_CB_CUSTOM, dump_on_end, s);
        return 0;
}

void dump_socket_close(DumpSocket *s) {
        if (s->sk)
                nl_socket_free(s->sk);
        s->sk = NULL;
}

static int ask(DumpSocket *s, int type, int flags, const void *request, size_t size) {
        int r;

        s->n_messages = 0;
        s->error = s->fn_error = 0;
        /* libnl takes it without const, and copies it. */
        r = nl_send_simple(s->sk, type, flags, (void *) request, size);
        if (r >= 0)
                r = nl_recvmsgs_default(s->sk);
        if (s->fn_error < 0)
                return s->fn_error;
        if (s->error < 0)
                return s->error;
        return r < 0 ? netlink_errno(r) : 0;
}

int dump_socket_read(DumpSocket *s, int type, const void *request, size_t size) {
        return ask(s, type, NLM_F_DUMP, request, size);
}

int dump_socket_ask(DumpSocket *s, int type, const void *request, size_t size) {
        return ask(s, type, 0, request, size);
}
