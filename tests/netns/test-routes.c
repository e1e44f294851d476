/* SPDX-License-Identifier: MIT */

/*
 * Claim: the default route is found however the kernel tells it: through nexthop objects and groups
 * of them (also with nexthop_compat_mode=0, when a route has no interface of its own), and in other
 * tables where main has none. A change of any of these is noticed.
 */

#include "fixture.h"

#include <string.h>

static Watch w;

static void expect(const char *interface, const char *gateway, ChoiceProblem problem) {
        char text[IP_TEXT_MAX];

        watch_settle(&w);
        ip_format(&w.last.choice.v4.gateway, text);
        ck_assert_msg(strcmp(w.last.choice.interface, interface) == 0 &&
                              strcmp(text, gateway) == 0 && w.last.choice.problem == problem,
                      "'%s' %s, %s instead of '%s' %s", w.last.choice.interface, text,
                      choice_problem_text(w.last.choice.problem), interface, gateway);
}

static void start(int compat_mode) {
        run("echo %d > /proc/sys/net/ipv4/nexthop_compat_mode", compat_mode);
        run("ip addr add 192.0.2.10/24 dev " WATCHED);
        run("ip link add name wb2 type veth peer name wb3");
        run("ip link set wb2 up && ip link set wb3 up && ip addr add 198.51.100.2/24 dev wb2");
        watch_start(&w, 0);
        expect("", "none", CHOICE_NO_ROUTE);
}

START_TEST(test_nexthop_object) {
        start(_i);
        run("ip nexthop add id 7 via 192.0.2.1 dev " WATCHED);
        run("ip route add default nhid 7");
        expect(WATCHED, "192.0.2.1", CHOICE_OK);

        /* The object changes, and the kernel says nothing about the route. */
        run("ip nexthop replace id 7 via 192.0.2.3 dev " WATCHED);
        expect(WATCHED, "192.0.2.3", CHOICE_OK);
        run("ip nexthop replace id 7 via 198.51.100.1 dev wb2");
        expect("wb2", "198.51.100.1", CHOICE_OK);
        run("ip nexthop del id 7"); /* takes the route along */
        expect("", "none", CHOICE_NO_ROUTE);
        watch_stop(&w);
}
END_TEST

START_TEST(test_group_of_nexthops) {
        start(_i);
        run("ip nexthop add id 8 via 198.51.100.9 dev wb2");
        run("ip nexthop add id 9 via 192.0.2.9 dev " WATCHED);
        run("ip nexthop add id 10 group 8/9");
        run("ip route add default nhid 10");
        expect(WATCHED, "192.0.2.9", CHOICE_OK); /* the lower index, as with a multipath route */
        ck_assert_uint_eq(w.last.n_routes, 2);
        run("ip nexthop replace id 10 group 8");
        expect("wb2", "198.51.100.9", CHOICE_OK);
        watch_stop(&w);
}
END_TEST

START_TEST(test_nexthop_that_leads_nowhere) {
        start(_i);
        run("ip nexthop add id 8 blackhole");
        run("ip route add default nhid 8 metric 5");
        run("ip route add default via 192.0.2.1 metric 50");
        expect(WATCHED, "192.0.2.1", CHOICE_OK);
        watch_stop(&w);
}
END_TEST

START_TEST(test_ipv6_route_by_a_nexthop_object) {
        start(_i);
        run("echo 0 > /proc/sys/net/ipv6/conf/all/disable_ipv6");
        run("echo 0 > /proc/sys/net/ipv6/conf/wb2/disable_ipv6");
        run("ip addr add 2001:db8::5/64 dev wb2 nodad");
        run("ip -6 nexthop add id 6 via 2001:db8::1 dev wb2");
        run("ip -6 route add default nhid 6");
        watch_settle(&w);
        ck_assert_str_eq(w.last.choice.interface, "wb2");
        ck_assert_int_eq(w.last.choice.v6.gateway.family, IP_FAMILY_V6);
        watch_stop(&w);
}
END_TEST

/* As netplan's 'routing-policy' with 'table' makes them. */
START_TEST(test_route_in_another_table) {
        start(1);
        run("ip route add default via 192.0.2.7 dev " WATCHED " table 100");
        run("ip rule add from 192.0.2.0/24 table 100");
        expect(WATCHED, "192.0.2.7", CHOICE_OTHER_TABLE);
        run("ip route add unreachable default table 101 metric 1");
        run("ip route add default via 198.51.100.7 dev wb2");
        expect("wb2", "198.51.100.7", CHOICE_OK);
        ck_assert_uint_eq(w.last.n_routes, 1); /* main has one, so no other table was read */
        run("ip route del default via 198.51.100.7");
        expect(WATCHED, "192.0.2.7", CHOICE_OTHER_TABLE);
        run("echo 0 > /proc/sys/net/ipv4/nexthop_compat_mode");
        run("ip nexthop add id 7 via 192.0.2.3 dev " WATCHED);
        run("ip route replace default nhid 7 table 100");
        expect(WATCHED, "192.0.2.3", CHOICE_OTHER_TABLE);
        watch_stop(&w);
}
END_TEST

/* The kernel says of what kind a device is. */
START_TEST(test_tunnels_and_what_software_has_made) {
        start(1);
        run("ip tuntap add dev tun5 mode tun && ip addr add 10.8.0.6/24 dev tun5");
        run("ip link set tun5 up");
        run("ip route add default dev tun5 metric 1");
        run("ip route add default via 192.0.2.1 metric 50");
        expect(WATCHED, "192.0.2.1", CHOICE_OK);
        ck_assert(w.last.choice.vmbus_preferred);
        watch_stop(&w);
}
END_TEST

int main(void) {
        TCase *tcase = tcase_create("routes");

        namespace_require();
        tcase_set_timeout(tcase, 60);
        tcase_add_loop_test(tcase, test_nexthop_object, 0, 2); /* nexthop_compat_mode */
        tcase_add_loop_test(tcase, test_group_of_nexthops, 0, 2);
        tcase_add_loop_test(tcase, test_nexthop_that_leads_nowhere, 0, 2);
        tcase_add_loop_test(tcase, test_ipv6_route_by_a_nexthop_object, 0, 2);
        tcase_add_test(tcase, test_route_in_another_table);
        tcase_add_test(tcase, test_tunnels_and_what_software_has_made);
        return run_suite("routes", tcase);
}
