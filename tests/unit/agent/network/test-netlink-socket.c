/* SPDX-License-Identifier: MIT */

/*
 * Claim: the agent reads the kernel's tables and waits for their changes without a call of bind(),
 * for which it might wait without an end (fact 6.2.14), and its sockets are as good as others.
 */

#include "agent/network/guest-ports.h"
#include "agent/network/netlink-socket.h"
#include "agent/network/netwatch.h"
#include "tests/suite.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

static unsigned n_binds;

/* libnl calls this one, too. */
int bind(int fd, __CONST_SOCKADDR_ARG address, socklen_t n) {
        n_binds++;
        errno = EINTR; /* a wait that a signal has ended */
        return -1;
}

static int on_snapshot(NetWatch *w, const Snapshot *snapshot, uint64_t event_usec, bool trailing,
                       void *userdata) {
        return 0;
}

START_TEST(watch_of_the_network) {
        NetWatch *watch = NULL;
        sd_event *event = NULL;
        NetWatchStats stats;

        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_eq(netwatch_new(&watch, event, 0, on_snapshot, NULL), 0);
        ck_assert_int_eq(netwatch_refresh(watch), 0);
        netwatch_stats(watch, &stats);
        ck_assert_uint_eq(stats.dumps, 1);
        ck_assert_uint_eq(stats.failed, 0);
        ck_assert_uint_eq(n_binds, 0);
        netwatch_free(watch);
        sd_event_unref(event);
}
END_TEST

START_TEST(look_at_the_ports) {
        static PortMap map;
        const IpAddr address = {.family = IP_FAMILY_V4, .bytes = {192, 0, 2, 10}};

        ck_assert_int_eq(guest_ports_read(&address, false, &map), 0);
        ck_assert(map.known);
        ck_assert_uint_eq(n_binds, 0);
}
END_TEST

/* Without a port id of its own libnl would make one up, which another socket may have. */
START_TEST(port_id_is_the_kernels) {
        struct sockaddr_nl local = {0}, peer = {.nl_pid = 1};
        struct nl_sock *sockets[2] = {NULL, NULL};
        socklen_t n;

        for (unsigned i = 0; i < 2; i++) {
                ck_assert_int_eq(netlink_socket_open(NETLINK_ROUTE, &sockets[i]), 0);
                n = sizeof(local);
                ck_assert_int_eq(
                        getsockname(nl_socket_get_fd(sockets[i]), (struct sockaddr *) &local, &n),
                        0);
                ck_assert_uint_ne(local.nl_pid, 0);
                ck_assert_uint_eq(nl_socket_get_local_port(sockets[i]), local.nl_pid);
        }
        ck_assert_uint_ne(nl_socket_get_local_port(sockets[0]),
                          nl_socket_get_local_port(sockets[1]));
        n = sizeof(peer);
        ck_assert_int_eq(getpeername(nl_socket_get_fd(sockets[0]), (struct sockaddr *) &peer, &n),
                         0);
        ck_assert_uint_eq(peer.nl_pid, 0); /* nobody but the kernel answers */
        for (unsigned i = 0; i < 2; i++)
                nl_socket_free(sockets[i]);
}
END_TEST

START_TEST(protocol_that_is_not_there) {
        struct nl_sock *sk = NULL;

        ck_assert_int_eq(netlink_socket_open(MAX_LINKS, &sk), -EPROTONOSUPPORT);
        ck_assert_ptr_null(sk);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("agent-network-netlink-socket");
        TCase *tcase = tcase_create("without bind()");

        tcase_add_test(tcase, watch_of_the_network);
        tcase_add_test(tcase, look_at_the_ports);
        tcase_add_test(tcase, port_id_is_the_kernels);
        tcase_add_test(tcase, protocol_that_is_not_there);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
