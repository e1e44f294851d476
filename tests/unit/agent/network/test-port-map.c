/* SPDX-License-Identifier: MIT */

/*
 * Claim: a port counts as listening exactly when a connection to the published address arrives at
 * one of its listeners; and a port that only the guest itself can reach is distinguished from a
 * port without a listener.
 */

#include "agent/network/port-map.h"
#include "agent/util/cleanup.h"
#include "tests/suite.h"

#include <check.h>
#include <string.h>

#define V4 "172.20.1.2"
#define V6 "2001:db8::5"

static PortMap map;

static void start(const char *published) {
        IpAddr address = {0};

        if (published)
                ck_assert_int_eq(ip_parse(published, &address), 0);
        port_map_start(&map, &address);
}

static void add(const char *text, uint16_t port, bool v6_only) {
        GuestListener l = {.port = port, .v6_only = v6_only};

        ck_assert_int_eq(ip_parse(text, &l.addr), 0);
        port_map_add(&map, &l);
}

static const struct {
        const char *published; /* NULL: the guest has no address */
        const char *listener;
        bool v6_only;
        GuestPort expected;
} cases[] = {
        {V4, "0.0.0.0", false, GUEST_PORT_LISTENING},
        {V4, V4, false, GUEST_PORT_LISTENING},
        {V4, "172.20.1.3", false, GUEST_PORT_NOT_LISTENING}, /* another address of the guest */
        {V4, "127.0.0.1", false, GUEST_PORT_LOOPBACK_ONLY},
        {V4, "127.0.0.53", false, GUEST_PORT_LOOPBACK_ONLY},
        {V4, "128.0.0.1", false, GUEST_PORT_NOT_LISTENING},
        {V4, "10.255.255.254", false, GUEST_PORT_NOT_LISTENING}, /* WSL's, on lo */
        {V4, "::", false, GUEST_PORT_LISTENING},                 /* dual stack */
        {V4, "::", true, GUEST_PORT_NOT_LISTENING},
        {V4, "::1", false, GUEST_PORT_LOOPBACK_ONLY},
        {V4, "::1", true, GUEST_PORT_LOOPBACK_ONLY},
        {V4, V6, false, GUEST_PORT_NOT_LISTENING},
        {V4, "::ffff:172.20.1.2", false, GUEST_PORT_LISTENING},
        {V4, "::ffff:172.20.1.3", false, GUEST_PORT_NOT_LISTENING},
        {V4, "::ffff:127.0.0.1", false, GUEST_PORT_LOOPBACK_ONLY},
        {V4, "::ffff:0.0.0.0", false, GUEST_PORT_LISTENING},
        {V6, "::", false, GUEST_PORT_LISTENING},
        {V6, "::", true, GUEST_PORT_LISTENING},
        {V6, V6, true, GUEST_PORT_LISTENING},
        {V6, "2001:db8::6", true, GUEST_PORT_NOT_LISTENING},
        {V6, "::1", true, GUEST_PORT_LOOPBACK_ONLY},
        {V6, "127.0.0.1", false, GUEST_PORT_LOOPBACK_ONLY},
        {V6, "0.0.0.0", false, GUEST_PORT_NOT_LISTENING},
        {V6, "::ffff:0.0.0.0", false, GUEST_PORT_NOT_LISTENING},
        {NULL, "0.0.0.0", false, GUEST_PORT_LISTENING},
        {NULL, "192.168.1.5", false, GUEST_PORT_LISTENING},
        {NULL, "::", true, GUEST_PORT_LISTENING},
        {NULL, "127.0.0.1", false, GUEST_PORT_LOOPBACK_ONLY},
        {NULL, "::1", false, GUEST_PORT_LOOPBACK_ONLY},
};

START_TEST(test_one_listener) {
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                GuestPort is;

                start(cases[i].published);
                add(cases[i].listener, 8080, cases[i].v6_only);
                is = port_map_judge(&map, 8080);
                ck_assert_msg(is == cases[i].expected, "case %zu: %s at %s is %s", i,
                              cases[i].listener, cases[i].published ? cases[i].published : "none",
                              guest_port_name(is));
                ck_assert_int_eq(port_map_judge(&map, 8081), GUEST_PORT_NOT_LISTENING);
                ck_assert_int_eq(port_map_judge(&map, 8079), GUEST_PORT_NOT_LISTENING);
        }
}
END_TEST

START_TEST(test_best_of_several_listeners) {
        start(V4);
        add("127.0.0.1", 80, false);
        add("::1", 80, false);
        ck_assert_int_eq(port_map_judge(&map, 80), GUEST_PORT_LOOPBACK_ONLY);
        add("172.20.1.3", 80, false); /* the host cannot reach it there */
        ck_assert_int_eq(port_map_judge(&map, 80), GUEST_PORT_LOOPBACK_ONLY);
        add(V4, 80, false);
        ck_assert_int_eq(port_map_judge(&map, 80), GUEST_PORT_LISTENING);
}
END_TEST

START_TEST(test_range_is_as_bad_as_its_worst_port) {
        uint16_t port = 1;

        start(V4);
        for (uint16_t p = 8000; p < 8011; p++)
                add("0.0.0.0", p, false);
        ck_assert_int_eq(port_map_judge_range(&map, 8000, 11, &port), GUEST_PORT_LISTENING);
        ck_assert_uint_eq(port, 0);
        ck_assert_int_eq(port_map_judge_range(&map, 8000, 12, &port), GUEST_PORT_NOT_LISTENING);
        ck_assert_uint_eq(port, 8011);

        start(V4);
        add("127.0.0.1", 9000, false);
        add("0.0.0.0", 9001, false);
        add("127.0.0.1", 9002, false);
        ck_assert_int_eq(port_map_judge_range(&map, 9000, 3, &port), GUEST_PORT_LOOPBACK_ONLY);
        ck_assert_uint_eq(port, 9000); /* the first of the worst */
        ck_assert_int_eq(port_map_judge_range(&map, 9000, 4, &port), GUEST_PORT_NOT_LISTENING);
        ck_assert_uint_eq(port, 9003);
}
END_TEST

START_TEST(test_ends_of_the_range_of_ports) {
        uint16_t port;

        start(V4);
        add("0.0.0.0", 1, false);
        add("0.0.0.0", 65535, false);
        ck_assert_int_eq(port_map_judge(&map, 1), GUEST_PORT_LISTENING);
        ck_assert_int_eq(port_map_judge(&map, 65535), GUEST_PORT_LISTENING);
        ck_assert_int_eq(port_map_judge(&map, 65534), GUEST_PORT_NOT_LISTENING);
        ck_assert_int_eq(port_map_judge_range(&map, 65535, 1, &port), GUEST_PORT_LISTENING);
        ck_assert_int_eq(port_map_judge_range(&map, 1, 65535, &port), GUEST_PORT_NOT_LISTENING);
        ck_assert_uint_eq(port, 2);
}
END_TEST

START_TEST(test_nothing_known) {
        uint16_t port = 1;

        start(V4);
        add("0.0.0.0", 80, false);
        map.known = false;
        ck_assert_int_eq(port_map_judge(&map, 80), GUEST_PORT_UNKNOWN);
        ck_assert_int_eq(port_map_judge_range(&map, 80, 1, &port), GUEST_PORT_UNKNOWN);
        ck_assert_uint_eq(port, 0);
}
END_TEST

START_TEST(test_list) {
        uint16_t ports[2] = {0};
        IpAddr none = {0};
        PortMap m = {0};

        ck_assert_uint_eq(port_map_list(&m, ports, 2), 0); /* nothing is known */
        port_map_start(&m, &none);
        for (unsigned port = 82; port >= 80; port--)
                port_map_add(&m, &(GuestListener){ip_v4(0, 0, 0, 0), (uint16_t) port, false});
        port_map_add(&m, &(GuestListener){ip_v4(127, 0, 0, 1), 79, false});
        ck_assert_uint_eq(port_map_list(&m, ports, 2), 3);
        ck_assert_uint_eq(ports[0], 80);
        ck_assert_uint_eq(ports[1], 81);
}
END_TEST

START_TEST(test_names) {
        ck_assert_str_eq(guest_port_name(GUEST_PORT_LISTENING), "listening");
        ck_assert_str_eq(guest_port_name(GUEST_PORT_LOOPBACK_ONLY), "loopback-only");
        ck_assert_str_eq(guest_port_name(GUEST_PORT_NOT_LISTENING), "not-listening");
        ck_assert_str_eq(guest_port_name(GUEST_PORT_UNKNOWN), "unknown");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("port-map");
        TCase *t = tcase_create("port-map");

        tcase_add_test(t, test_one_listener);
        tcase_add_test(t, test_best_of_several_listeners);
        tcase_add_test(t, test_range_is_as_bad_as_its_worst_port);
        tcase_add_test(t, test_ends_of_the_range_of_ports);
        tcase_add_test(t, test_nothing_known);
        tcase_add_test(t, test_list);
        tcase_add_test(t, test_names);
        suite_add_tcase(suite, t);
        return suite_run(suite);
}
