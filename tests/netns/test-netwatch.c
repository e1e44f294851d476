/* SPDX-License-Identifier: MIT */

/*
 * Claim: after any change of links, addresses and routes, the watch ends up with the state of the
 * kernel. It reports the first change at once, and sleeps when nothing happens.
 */

#include "fixture.h"

#include <errno.h>
#include <string.h>

static Watch w;

START_TEST(test_first_dump) {
        watch_start_with_route(&w);
        ck_assert(w.last.trailing); /* nothing follows, because no event was pending */
        ck_assert_str_eq(w.last.choice.interface, WATCHED);
        assert_address(&w.last, "192.0.2.10");
        assert_gateway(&w.last, "192.0.2.1");
        ck_assert_uint_eq(w.last.choice.v4.prefix, 24);
        ck_assert_int_eq(w.last.choice.problem, CHOICE_OK);
        ck_assert(!w.last.choice.vmbus_preferred);
        ck_assert_uint_eq(w.last.n_links, 3);
        ck_assert_uint_eq(w.last.n_addresses, 2); /* 127.0.0.1, too */
        ck_assert_uint_eq(w.last.n_routes, 1);
        watch_stop(&w);
}
END_TEST

/* A namespace that has never had a route does not have a main table either. */
START_TEST(test_empty_namespace) {
        run("ip link del " WATCHED);
        run("ip link set lo down");
        run("ip link add " WATCHED " type veth peer name " PEER);
        watch_start(&w, 0);
        ck_assert_int_eq(w.last.choice.problem, CHOICE_NO_ROUTE);
        ck_assert_uint_eq(w.last.n_routes, 0);
        ck_assert_uint_eq(watch_stats(&w).failed, 0);
        watch_stop(&w);
}
END_TEST

START_TEST(test_add) {
        uint64_t before, n_dumps;

        watch_start(&w, 0);
        w.interface = WATCHED;
        n_dumps = watch_stats(&w).dumps;
        before = now_usec();
        ck_assert_int_eq(addr_trigger_add(w.trigger, &address_a, 24), 0);
        watch_settle(&w);
        /* A new address is reported before anything is read, then after it, and then confirmed. */
        ck_assert_uint_eq(w.n_calls, 3);
        for (unsigned i = 0; i < w.n_calls; i++) {
                ck_assert_uint_eq(w.calls[i].n_dumps, n_dumps + i);
                ck_assert(w.calls[i].trailing == (i == 2));
                assert_address(&w.calls[i], "192.0.2.10");
                ck_assert_uint_eq(w.calls[i].n_addresses, w.last.n_addresses);
                ck_assert_uint_eq(w.calls[i].event_usec, w.calls[0].event_usec);
        }
        ck_assert_uint_ge(w.calls[0].event_usec, before);
        ck_assert_uint_le(w.calls[0].event_usec, now_usec());
        watch_stop(&w);
}
END_TEST

START_TEST(test_delete) {
        watch_start_with_route(&w);
        ck_assert_int_eq(addr_trigger_delete(w.trigger, &address_a, 24), 0);
        watch_settle(&w);
        /* The default route went with its address, without a message of its own. */
        ck_assert_int_eq(w.last.choice.problem, CHOICE_NO_ROUTE);
        ck_assert_uint_eq(w.last.n_routes, 0);
        ck_assert(w.last.trailing);
        watch_stop(&w);
}
END_TEST

START_TEST(test_address_kinds) {
        watch_start(&w, 0);
        w.interface = WATCHED;
        run("ip addr add 192.0.2.30/24 dev " WATCHED " preferred_lft 0");
        watch_settle(&w);
        assert_address(&w.last, "192.0.2.30");
        ck_assert_int_eq(w.last.choice.problem, CHOICE_DEPRECATED);
        run("ip addr add 198.51.100.1 peer 198.51.100.2/32 dev " WATCHED);
        watch_settle(&w);
        assert_address(&w.last, "198.51.100.1"); /* ours, not the peer's */
        ck_assert_uint_eq(w.last.choice.v4.prefix, 32);
        run("ip addr del 192.0.2.30/24 dev " WATCHED);
        run("ip addr del 198.51.100.1 peer 198.51.100.2/32 dev " WATCHED);
        run("ip addr add 192.0.2.40/24 dev " WATCHED);
        run("ip addr add 192.0.2.41/24 dev " WATCHED);
        watch_settle(&w);
        assert_address(&w.last, "192.0.2.40"); /* .41 is secondary */
        run("echo 1 > /proc/sys/net/ipv4/conf/" WATCHED "/promote_secondaries");
        run("ip addr del 192.0.2.40/24 dev " WATCHED);
        watch_settle(&w);
        assert_address(&w.last, "192.0.2.41");
        watch_stop(&w);
}
END_TEST

START_TEST(test_ipv6) {
        IpAddr addr;
        char text[IP_TEXT_MAX];

        run("echo 0 > /proc/sys/net/ipv6/conf/all/disable_ipv6");
        run("echo 0 > /proc/sys/net/ipv6/conf/" WATCHED "/disable_ipv6");
        run("echo 0 > /proc/sys/net/ipv6/conf/" WATCHED "/accept_dad");
        watch_start(&w, 0);
        ck_assert_int_eq(ip_parse("2001:db8::5", &addr), 0);
        ck_assert_int_eq(addr_trigger_add(w.trigger, &addr, 64), 0);
        run("ip -6 route add default via fe80::1 dev " WATCHED);
        run("ip -6 route add unreachable default metric 5"); /* has a device: lo */
        watch_settle(&w);
        ck_assert_uint_eq(w.last.n_routes, 1);
        ck_assert_str_eq(w.last.choice.interface, WATCHED);
        ip_format(&w.last.choice.v6.addr, text);
        ck_assert_str_eq(text, "2001:db8::5");
        ip_format(&w.last.choice.v6.gateway, text);
        ck_assert_str_eq(text, "fe80::1");
        ck_assert_int_eq(w.last.choice.v4.addr.family, IP_FAMILY_NONE);
        ck_assert_int_eq(w.last.choice.problem, CHOICE_OK);
        watch_stop(&w);
}
END_TEST

START_TEST(test_link_down_and_up) {
        watch_start_with_route(&w);
        w.interface = WATCHED;
        run("ip link set " WATCHED " down");
        watch_settle(&w);
        ck_assert_int_eq(w.last.choice.problem, CHOICE_LINK_DOWN);
        ck_assert_uint_eq(w.last.n_routes, 0);
        run("ip link set " WATCHED " up");
        while (w.last.choice.problem != CHOICE_OK) /* the carrier may take a while */
                watch_calls(&w, w.n_calls + 1);
        assert_address(&w.last, "192.0.2.10");
        assert_gateway(&w.last, "none"); /* the kernel does not bring it back */
        watch_stop(&w);
}
END_TEST

START_TEST(test_carrier_loss) {
        watch_start_with_route(&w);
        run("ip link set " PEER " down");
        while (w.last.choice.problem != CHOICE_LINK_DOWN)
                watch_calls(&w, w.n_calls + 1);
        ck_assert_str_eq(w.last.choice.interface, WATCHED); /* its route is still there */
        run("ip link set " PEER " up");
        while (w.last.choice.problem != CHOICE_OK)
                watch_calls(&w, w.n_calls + 1);
        assert_address(&w.last, "192.0.2.10");
        watch_stop(&w);
}
END_TEST

START_TEST(test_link_gone_and_back) {
        watch_start_with_route(&w);
        w.interface = WATCHED;
        run("ip link del " WATCHED);
        watch_settle(&w);
        ck_assert_int_eq(w.last.choice.problem, CHOICE_NO_INTERFACE);
        run("ip link add veth9 type veth peer name " PEER);
        run("ip link set " PEER " up");
        run("ip link set veth9 name " WATCHED);
        run("ip link set " WATCHED " up");
        run("ip addr add 192.0.2.20/24 dev " WATCHED);
        while (w.last.choice.problem != CHOICE_OK)
                watch_calls(&w, w.n_calls + 1);
        assert_address(&w.last, "192.0.2.20");
        watch_stop(&w);
}
END_TEST

START_TEST(test_routes) {
        watch_start_with_route(&w);
        run("ip route add default via 192.0.2.7 dev " WATCHED " metric 50");
        watch_settle(&w);
        assert_gateway(&w.last, "192.0.2.7");
        run("ip route del default via 192.0.2.7");
        watch_settle(&w);
        assert_gateway(&w.last, "192.0.2.1");
        run("ip route replace default via 203.0.113.1 dev " WATCHED " metric 100 onlink");
        watch_settle(&w);
        assert_gateway(&w.last, "203.0.113.1");
        ck_assert_int_eq(w.last.choice.problem, CHOICE_OFF_LINK);
        /* These are not in the main table, or not a way out. */
        run("ip route add default via 192.0.2.8 dev " WATCHED " table 100 metric 1");
        run("ip route add unreachable default metric 2");
        watch_settle(&w);
        ck_assert_uint_eq(w.last.n_routes, 1);
        watch_stop(&w);
}
END_TEST

START_TEST(test_multipath_route) {
        watch_start_with_route(&w);
        run("ip route replace default metric 100 nexthop via 192.0.2.7 dev " WATCHED
            " weight 1 nexthop via 192.0.2.8 dev " WATCHED " weight 9");
        watch_settle(&w);
        ck_assert_uint_eq(w.last.n_routes, 2);
        assert_gateway(&w.last, "192.0.2.7");
        run("ip link add name wb2 type veth peer name wb3");
        run("ip link set wb2 up && ip link set wb3 up && ip addr add 198.51.100.2/24 dev wb2");
        run("ip route replace default metric 100 nexthop via 198.51.100.1 dev wb2"
            " nexthop via 192.0.2.1 dev " WATCHED);
        watch_settle(&w);
        ck_assert_uint_eq(w.last.n_routes, 2);
        ck_assert_str_eq(w.last.choice.interface, WATCHED);
        assert_gateway(&w.last, "192.0.2.1");
        watch_stop(&w);
}
END_TEST

/* Docker and routing daemons change routes all day. */
START_TEST(test_other_routes_cost_no_dump) {
        NetWatchStats before, after;

        watch_start_with_route(&w);
        before = watch_stats(&w);
        run("ip route add 198.51.100.0/24 via 192.0.2.7");
        run("ip route del 198.51.100.0/24");
        watch_settle(&w);
        after = watch_stats(&w);
        ck_assert_uint_ge(after.events, before.events + 2);
        ck_assert_uint_eq(after.dumps, before.dumps);
        watch_stop(&w);
}
END_TEST

START_TEST(test_idle_without_wakeups) {
        NetWatchStats before, after;
        uint64_t iteration, later;

        watch_start_with_route(&w);
        before = watch_stats(&w);
        ck_assert_int_eq(sd_event_get_iteration(w.event, &iteration), 0);
        ck_assert_int_eq(sd_event_run(w.event, 6 * NETWATCH_WINDOW_USEC), 0);
        ck_assert_int_eq(sd_event_get_iteration(w.event, &later), 0);
        after = watch_stats(&w);
        ck_assert_uint_eq(later, iteration + 1); /* the one that timed out */
        ck_assert_int_eq(memcmp(&before, &after, sizeof(before)), 0);
        watch_stop(&w);
}
END_TEST

START_TEST(test_refresh) {
        watch_start_with_route(&w);
        ck_assert_int_eq(netwatch_refresh(w.netwatch), 0);
        ck_assert_uint_eq(w.n_calls, 1);
        ck_assert(w.last.trailing);
        watch_settle(&w);
        ck_assert_uint_eq(w.n_calls, 1); /* nothing to confirm */
        ck_assert_int_eq(addr_trigger_delete(w.trigger, &address_a, 24), 0);
        watch_calls(&w, 2);
        ck_assert_int_eq(netwatch_refresh(w.netwatch), 0);
        ck_assert(!w.last.trailing); /* the window is open, its dump is still to come */
        watch_settle(&w);
        ck_assert(w.last.trailing);
        watch_stop(&w);
}
END_TEST

/* A window may end in the dump that is the first to see something. The owner may want one more. */
START_TEST(test_doubt) {
        uint64_t begin;

        watch_start_with_route(&w);
        w.result = 1;
        begin = now_usec();
        ck_assert_int_eq(netwatch_refresh(w.netwatch), 0);
        watch_calls(&w, 2);
        w.result = 0;
        ck_assert_uint_ge(now_usec() - begin, NETWATCH_WINDOW_USEC);
        ck_assert(w.last.trailing);
        watch_settle(&w);
        ck_assert_uint_eq(w.n_calls, 3);
        ck_assert(w.last.trailing);
        watch_settle(&w);
        ck_assert_uint_eq(w.n_calls, 3);
        watch_stop(&w);
}
END_TEST

START_TEST(test_callback_ends_the_loop) {
        watch_start_with_route(&w);
        w.result = -ECANCELED;
        ck_assert_int_eq(addr_trigger_add(w.trigger, &address_b, 24), 0);
        ck_assert_int_eq(sd_event_loop(w.event), -ECANCELED);
        watch_stop(&w);
}
END_TEST

int main(void) {
        TCase *tcase = tcase_create("netwatch");

        namespace_require();
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, test_first_dump);
        tcase_add_test(tcase, test_empty_namespace);
        tcase_add_test(tcase, test_add);
        tcase_add_test(tcase, test_delete);
        tcase_add_test(tcase, test_address_kinds);
        tcase_add_test(tcase, test_ipv6);
        tcase_add_test(tcase, test_link_down_and_up);
        tcase_add_test(tcase, test_carrier_loss);
        tcase_add_test(tcase, test_link_gone_and_back);
        tcase_add_test(tcase, test_routes);
        tcase_add_test(tcase, test_multipath_route);
        tcase_add_test(tcase, test_other_routes_cost_no_dump);
        tcase_add_test(tcase, test_idle_without_wakeups);
        tcase_add_test(tcase, test_refresh);
        tcase_add_test(tcase, test_doubt);
        tcase_add_test(tcase, test_callback_ends_the_loop);
        return run_suite("netwatch", tcase);
}
