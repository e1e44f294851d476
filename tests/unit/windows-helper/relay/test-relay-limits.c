/* SPDX-License-Identifier: MIT */

/* The limits of the relay: the defaults, and what an administrator may set. */

#include "tests/suite.h"
#include "windows-helper/core/relay/relay-limits.h"

START_TEST(test_defaults) {
        RelayLimits l;

        relay_limits_init(&l);
        ck_assert_uint_eq(l.unanswered_ms, 30000);
        ck_assert_uint_eq(l.answered_ms, 180000); /* RFC 4787, REQ-5: two minutes at least */
        /* Windows has 16,384 ports for each protocol, and the host needs some itself. */
        ck_assert_uint_lt(l.connections, 12000);
        ck_assert_uint_lt(l.sessions, 12000);
        ck_assert_uint_lt(l.client_connections, l.endpoint_connections);
        ck_assert_uint_lt(l.endpoint_connections, l.guest_connections);
        /* Both addresses of a guest together leave something to the others. */
        ck_assert_uint_lt(2 * l.guest_connections, l.connections);
        ck_assert_uint_lt(2 * l.guest_sessions, l.sessions);
        ck_assert_uint_lt(l.client_sessions, l.guest_sessions);
        ck_assert_uint_eq(l.connect_ms, 10000);
}
END_TEST

START_TEST(test_values) {
        static const struct {
                const char *name, *data;
                const char *problem; /* NULL: good */
        } cases[] = {
                {"udp-sessions", "1", NULL},
                {"udp-sessions", "100000", NULL},
                {"udp-sessions", "0", "is too small or too large"},
                {"udp-sessions", "100001", "is too small or too large"},
                {"udp-sessions", "4294967297", "is not a number"},
                {"udp-sessions", "", "is not a number"},
                {"udp-sessions", " 5", "is not a number"},
                {"udp-sessions", "5x", "is not a number"},
                {"udp-sessions", "-5", "is not a number"},
                {"udp-sessions", NULL, "is not a plain text (REG_SZ)"},
                {"udp-session", "5", "is not the name of a limit"},
                {"", "5", "is not the name of a limit"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                RelayLimits l;
                const char *problem;

                relay_limits_init(&l);
                problem = relay_limits_parse(&l, cases[i].name, cases[i].data);
                ck_assert_msg(!problem == !cases[i].problem, "case %zu", i);
                if (problem) {
                        ck_assert_str_eq(problem, cases[i].problem);
                        ck_assert_uint_eq(l.sessions, 11264);
                } else {
                        ck_assert_uint_eq(l.sessions, strtoul(cases[i].data, NULL, 10));
                }
        }
}
END_TEST

START_TEST(test_queues) {
        ck_assert_uint_eq(relay_udp_queue(0), 1 << 20);
        ck_assert_uint_eq(relay_udp_queue(64), 1 << 20);
        ck_assert_uint_eq(relay_udp_queue(65), 512 << 10);
        ck_assert_uint_eq(relay_udp_queue(128), 512 << 10);
        ck_assert_uint_eq(relay_udp_queue(129), 256 << 10);
        ck_assert_uint_eq(relay_udp_queue(1024), 64 << 10);
        ck_assert_uint_eq(relay_udp_queue(65536), 64 << 10); /* a datagram still has room */
}
END_TEST

/* Any sessions but the last ones may have ended when others begin, so of each size there are as
 * many as can be, and none of the sessions that would have less. */
START_TEST(test_session_queues) {
        uint64_t all = 0;
        size_t n = 1;

        ck_assert_uint_eq(relay_session_queue(1), 1 << 20);
        for (uint32_t size; (size = relay_session_queue(n)) > 0; n++) {
                ck_assert_uint_ge(size, 128 << 10);
                ck_assert_uint_ge(relay_session_queue(n - 1), size);
                all += size;
        }
        ck_assert_uint_eq(n, 171);
        ck_assert_uint_le(all, 64 << 20);
        ck_assert_uint_eq(relay_session_queue(11264), 0);
        ck_assert_uint_eq(relay_session_queue(100000), 0);
}
END_TEST

/* Each name sets its own limit and no other. */
START_TEST(test_names) {
        static const char *const names[] = {"connections",
                                            "connections-per-guest",
                                            "connections-per-endpoint",
                                            "connections-per-client",
                                            "connect-timeout-ms",
                                            "udp-sessions",
                                            "udp-sessions-per-guest",
                                            "udp-sessions-per-client",
                                            "udp-unanswered-ms",
                                            "udp-answered-ms"};

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                RelayLimits l, same;

                relay_limits_init(&l);
                relay_limits_init(&same);
                ck_assert_ptr_null(relay_limits_parse(&l, names[i], "777"));
                for (size_t k = 0; k < sizeof(l) / sizeof(uint32_t); k++)
                        ck_assert_uint_eq(((uint32_t *) &l)[k],
                                          k == i ? 777 : ((uint32_t *) &same)[k]);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("relay-limits");
        TCase *tc = tcase_create("limits");

        tcase_add_test(tc, test_defaults);
        tcase_add_test(tc, test_values);
        tcase_add_test(tc, test_names);
        tcase_add_test(tc, test_queues);
        tcase_add_test(tc, test_session_queues);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
