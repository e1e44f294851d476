/* SPDX-License-Identifier: MIT */

/*
 * Opens netlink sockets; see netlink-socket.h.
 *
 * The kernel gives a socket its port id at connect(), too. So libnl finds one there, as after a
 * bind(), and needs none of its own. A socket that is connected to the kernel takes no answers from
 * anybody else.
 */

#include "agent/network/netlink-socket.h"

#include "agent/network/netlink-error.h"
#include "agent/util/cleanup.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>

int netlink_socket_open(int protocol, struct nl_sock **ret_sk) {
        const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
        _cleanup_close_ int fd = -1;
        struct nl_sock *sk;
        int r;

        fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
        if (fd < 0 || connect(fd, (const struct sockaddr *) &kernel, sizeof(kernel)) < 0)
                return -errno;
        sk = nl_socket_alloc();
        if (!sk)
                return -ENOMEM;
        r = nl_socket_set_fd(sk, protocol, fd);
        if (r < 0) {
                nl_socket_free(sk);
                return netlink_errno(r);
        }
        (void) TAKE_FD(fd); /* libnl closes it */
        *ret_sk = sk;
        return 0;
}
