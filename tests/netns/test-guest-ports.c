/* SPDX-License-Identifier: MIT */

/*
 * Claim: the dump shows the kernel's listening sockets as they are: both families, dual stack or
 * not, thousands of them, and nothing but listeners of this namespace.
 */

#include "agent/network/guest-ports.h"

#include "fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define N_MANY 2000

static const IpAddr published = {.family = IP_FAMILY_V4, .bytes = {192, 0, 2, 10}};
static PortMap map;

static void start(void) {
        run("ip addr add 192.0.2.10/24 dev " WATCHED);
        run("ip addr add 192.0.2.11/24 dev " WATCHED);
}

/* @v6_only: 0, 1, or -1 for an IPv4 socket. Return: the descriptor of a bound socket. */
static int bind_to(const char *address, uint16_t port, int v6_only) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
        int fd = socket(v6_only < 0 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_ge(fd, 0);
        if (v6_only < 0) {
                ck_assert_int_eq(inet_pton(AF_INET, address, &v4.sin_addr), 1);
                ck_assert_int_eq(bind(fd, (struct sockaddr *) &v4, sizeof(v4)), 0);
                return fd;
        }
        ck_assert_int_eq(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
        ck_assert_int_eq(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only)), 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *) &v6, sizeof(v6)), 0);
        return fd;
}

static int listen_at(const char *address, uint16_t port, int v6_only) {
        int fd = bind_to(address, port, v6_only);

        ck_assert_int_eq(listen(fd, 1), 0);
        return fd;
}

static void assert_port(uint16_t port, GuestPort expected) {
        ck_assert_msg(port_map_judge(&map, port) == expected, "port %u is %s, not %s",
                      (unsigned) port, guest_port_name(port_map_judge(&map, port)),
                      guest_port_name(expected));
}

START_TEST(test_kinds_of_listeners) {
        start();
        (void) listen_at("0.0.0.0", 1001, -1);
        (void) listen_at("192.0.2.10", 1002, -1);
        (void) listen_at("192.0.2.11", 1003, -1);
        (void) listen_at("127.0.0.1", 1004, -1);
        (void) listen_at("::", 1005, 0);
        (void) listen_at("::", 1006, 1);
        (void) listen_at("::ffff:192.0.2.10", 1007, 0);
        (void) listen_at("::ffff:127.0.0.1", 1008, 0);
        (void) bind_to("0.0.0.0", 1009, -1); /* bound, but nobody listens */

        ck_assert_int_eq(guest_ports_read(&published, false, &map), 0);
        assert_port(1001, GUEST_PORT_LISTENING);
        assert_port(1002, GUEST_PORT_LISTENING);
        assert_port(1003, GUEST_PORT_NOT_LISTENING);
        assert_port(1004, GUEST_PORT_LOOPBACK_ONLY);
        assert_port(1005, GUEST_PORT_LISTENING);
        assert_port(1006, GUEST_PORT_NOT_LISTENING);
        assert_port(1007, GUEST_PORT_LISTENING);
        assert_port(1008, GUEST_PORT_LOOPBACK_ONLY);
        assert_port(1009, GUEST_PORT_NOT_LISTENING);
        assert_port(1010, GUEST_PORT_NOT_LISTENING);
}
END_TEST

/* The judgement must agree with the kernel: each one is compared with a real connection. */
START_TEST(test_connections_agree) {
        static const struct {
                const char *address;
                int v6_only;
        } listeners[] = {
                {"0.0.0.0", -1}, {"192.0.2.10", -1}, {"192.0.2.11", -1},       {"127.0.0.1", -1},
                {"::", 0},       {"::", 1},          {"::ffff:192.0.2.10", 0},
        };
        struct sockaddr_in to = {.sin_family = AF_INET};
        uint16_t port = 2000;

        start();
        memcpy(&to.sin_addr, published.bytes, 4);
        for (size_t i = 0; i < ELEMENTSOF(listeners); i++, port++) {
                int listener = listen_at(listeners[i].address, port, listeners[i].v6_only);
                int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                bool connected;

                to.sin_port = htons(port);
                connected = connect(fd, (struct sockaddr *) &to, sizeof(to)) == 0;
                ck_assert_int_eq(guest_ports_read(&published, false, &map), 0);
                ck_assert_msg((port_map_judge(&map, port) == GUEST_PORT_LISTENING) == connected,
                              "%s: %sconnected, judged %s", listeners[i].address,
                              connected ? "" : "not ", guest_port_name(port_map_judge(&map, port)));
                /* The connections themselves are not listeners. */
                (void) close(listener);
                ck_assert_int_eq(guest_ports_read(&published, false, &map), 0);
                assert_port(port, GUEST_PORT_NOT_LISTENING);
                (void) close(fd);
        }
}
END_TEST

START_TEST(test_ipv6_guest) {
        const IpAddr address = {.family = IP_FAMILY_V6, .bytes = {0x20, 1, 0xd, 0xb8, [15] = 5}};

        (void) listen_at("::", 3001, 0);
        (void) listen_at("::", 3002, 1);
        (void) listen_at("0.0.0.0", 3003, -1);
        ck_assert_int_eq(guest_ports_read(&address, false, &map), 0);
        assert_port(3001, GUEST_PORT_LISTENING);
        assert_port(3002, GUEST_PORT_LISTENING);
        assert_port(3003, GUEST_PORT_NOT_LISTENING);
}
END_TEST

START_TEST(test_many_listeners) {
        const struct rlimit files = {.rlim_cur = N_MANY + 100, .rlim_max = N_MANY + 100};
        uint16_t port;

        start();
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
        for (unsigned i = 0; i < N_MANY; i++)
                (void) listen_at("0.0.0.0", (uint16_t) (10000 + i), -1);
        ck_assert_int_eq(guest_ports_read(&published, false, &map), 0);
        ck_assert_int_eq(port_map_judge_range(&map, 10000, N_MANY, &port), GUEST_PORT_LISTENING);
        assert_port(9999, GUEST_PORT_NOT_LISTENING);
        assert_port(10000 + N_MANY, GUEST_PORT_NOT_LISTENING);
}
END_TEST

static int open_udp(const char *address, uint16_t port) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(inet_pton(AF_INET, address, &v4.sin_addr), 1);
        ck_assert_int_eq(bind(fd, (struct sockaddr *) &v4, sizeof(v4)), 0);
        return fd;
}

/* The two protocols have ports of their own; a socket of UDP that is connected takes nobody else's.
 */
START_TEST(test_udp) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(53)};
        int connected;

        start();
        (void) listen_at("0.0.0.0", 1001, -1);
        (void) open_udp("0.0.0.0", 1002);
        (void) open_udp("127.0.0.1", 1003);
        connected = open_udp("0.0.0.0", 1004);
        ck_assert_int_eq(inet_pton(AF_INET, "192.0.2.1", &to.sin_addr), 1);
        ck_assert_int_eq(connect(connected, (struct sockaddr *) &to, sizeof(to)), 0);
        ck_assert_int_eq(guest_ports_read(&published, true, &map), 0);
        assert_port(1001, GUEST_PORT_NOT_LISTENING);
        assert_port(1002, GUEST_PORT_LISTENING);
        assert_port(1003, GUEST_PORT_LOOPBACK_ONLY);
        assert_port(1004, GUEST_PORT_NOT_LISTENING);
        ck_assert_int_eq(guest_ports_read(&published, false, &map), 0);
        assert_port(1001, GUEST_PORT_LISTENING);
        assert_port(1002, GUEST_PORT_NOT_LISTENING);
}
END_TEST

START_TEST(test_failure_is_unknown) {
        struct rlimit none;

        start();
        (void) listen_at("0.0.0.0", 80, -1);
        /* Without a free descriptor there is no netlink socket. */
        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &none), 0);
        none.rlim_cur = 0;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
        ck_assert_int_lt(guest_ports_read(&published, false, &map), 0);
        assert_port(80, GUEST_PORT_UNKNOWN);
        none.rlim_cur = none.rlim_max;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
        ck_assert_int_eq(guest_ports_read(&published, false, &map), 0);
        assert_port(80, GUEST_PORT_LISTENING);
}
END_TEST

int main(void) {
        TCase *t = tcase_create("guest-ports");

        namespace_require();
        tcase_set_timeout(t, 60);
        tcase_add_test(t, test_kinds_of_listeners);
        tcase_add_test(t, test_connections_agree);
        tcase_add_test(t, test_ipv6_guest);
        tcase_add_test(t, test_many_listeners);
        tcase_add_test(t, test_udp);
        tcase_add_test(t, test_failure_is_unknown);
        return run_suite("guest-ports", t);
}
