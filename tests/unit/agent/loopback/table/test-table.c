/* SPDX-License-Identifier: MIT */

/*
 * Claim: a table has exactly one text, and nothing else is taken for one. Ports come out in order,
 * whatever order they went in. A host that cannot be told from strangers is named.
 */

#include "agent/loopback/table/table.h"

#include "tests/unit/agent/testing.h"

#include <string.h>

#define HEAD "wslbridge-loopback 1\n"
#define HOST "host 172.20.1.2 172.20.1.1 eth0\n"

START_TEST(test_what_is_written_is_read) {
        static const char *const good[] = {
                HEAD,
                HEAD HOST "tcp 1\n",
                HEAD HOST "tcp 80\ntcp 65535\nudp 53\n",
                HEAD HOST "udp 53\n",
                HEAD "host fd00::2 fd00::1 vEthernet0\ntcp 80\n",
        };

        for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
                Buffer text = BUFFER_NULL;
                LoopbackTable t;

                ck_assert_ptr_null(loopback_table_parse(good[i], &t));
                loopback_table_format(&t, &text);
                ck_assert_str_eq(buffer_text(&text), good[i]);
                buffer_done(&text);
        }
}
END_TEST

START_TEST(test_nothing_else_is_read) {
        static const struct {
                const char *text, *problem;
        } bad[] = {
                {"", "first line"},
                {"wslbridge-loopback 2\n", "first line"},
                {"wslbridge-loopback 1", "first line"},
                {HEAD "tcp 80\n", "'host' is missing"},
                {HEAD "host 172.20.1.2 172.20.1.1\ntcp 80\n", "end with an interface"},
                {HEAD "host 172.20.1.2 172.20.1.1 eth0 \ntcp 80\n", "end with an interface"},
                {HEAD "host 172.20.1.2 172.20.1.1 sixteen-letters-\ntcp 80\n",
                 "end with an interface"},
                {HEAD "host 172.20.1.2 gateway eth0\ntcp 80\n", "two addresses"},
                {HEAD "host fd00:0::2 fd00::1 eth0\ntcp 80\n", "two addresses"},
                {HEAD "host 172.20.1.2 172.20.1.2 eth0\ntcp 80\n", "cannot be used"},
                {HEAD "host 172.20.1.2 fd00::1 eth0\ntcp 80\n", "cannot be used"},
                {HEAD "host 127.0.0.2 127.0.0.1 eth0\ntcp 80\n", "cannot be used"},
                {HEAD HOST, "no ports"},
                {HEAD HOST "tcp 80", "has no end"},
                {HEAD HOST "tcp 80\n\n", "a line is not"},
                {HEAD HOST "tcp 0\n", "a line is not"},
                {HEAD HOST "tcp 080\n", "a line is not"},
                {HEAD HOST "tcp +80\n", "a line is not"},
                {HEAD HOST "tcp 65536\n", "a line is not"},
                {HEAD HOST "tcp 99999999999999999999\n", "a line is not"},
                {HEAD HOST "tcp 80 \n", "a line is not"},
                {HEAD HOST "tcp  80\n", "a line is not"},
                {HEAD HOST "tcp 80 x\n", "a line is not"},
                {HEAD HOST "sctp 80\n", "a line is not"},
                {HEAD HOST "tcp 80\ntcp 80\n", "in order"},
                {HEAD HOST "tcp 81\ntcp 80\n", "in order"},
                {HEAD HOST "udp 53\ntcp 80\n", "in order"},
        };

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                LoopbackTable t = {.n_ports = 7};
                const char *problem = loopback_table_parse(bad[i].text, &t);

                ck_assert_msg(problem && strstr(problem, bad[i].problem), "case %zu: %s", i,
                              problem ? problem : "taken");
                ck_assert_uint_eq(t.n_ports, 7);
        }
}
END_TEST

START_TEST(test_adding) {
        static LoopbackTable t;

        for (unsigned i = 0; i < LOOPBACK_PORTS_MAX; i++)
                ck_assert(loopback_table_add(&t, i % 2, (uint16_t) (60000 - 7 * i)));
        ck_assert_uint_eq(t.n_ports, LOOPBACK_PORTS_MAX);
        for (size_t i = 1; i < t.n_ports; i++)
                ck_assert_int_lt(loopback_port_compare(&t.ports[i - 1], &t.ports[i]), 0);
        ck_assert(!t.ports[0].udp && t.ports[t.n_ports - 1].udp);
        ck_assert(loopback_table_add(&t, false, 60000)); /* it is there */
        ck_assert(!loopback_table_add(&t, false, 1));
        ck_assert_uint_eq(t.n_ports, LOOPBACK_PORTS_MAX);
}
END_TEST

START_TEST(test_the_longest_table_fits) {
        LoopbackTable t = {.host = {.guest = ip_v4(192, 168, 100, 102),
                                    .gateway = ip_v4(192, 168, 100, 101),
                                    .interface = "fifteen-letters"}};
        Buffer text = BUFFER_NULL;
        LoopbackTable same;

        for (unsigned i = 0; i < LOOPBACK_PORTS_MAX; i++)
                (void) loopback_table_add(&t, true, (uint16_t) (UINT16_MAX - i));
        loopback_table_format(&t, &text);
        ck_assert_uint_le(buffer_length(&text), LOOPBACK_TEXT_MAX);
        ck_assert_ptr_null(loopback_table_parse(buffer_text(&text), &same));
        ck_assert(loopback_table_equal(&t, &same));
        buffer_printf(&text, "udp 65535\n");
        ck_assert_ptr_nonnull(loopback_table_parse(buffer_text(&text), &same));
        buffer_done(&text);
}
END_TEST

START_TEST(test_hosts) {
        static const struct {
                const char *guest, *gateway, *problem;
        } cases[] = {
                {"172.20.1.2", "172.20.1.1", NULL},
                {"10.0.0.2", "10.0.0.1", NULL},
                {"192.168.0.2", "192.168.0.1", NULL},
                {"fd00::2", "fd00::1", NULL},
                {"172.15.0.2", "172.15.0.1", "outside the private networks"},
                {"172.20.1.2", "203.0.113.1", "outside the private networks"},
                {"2001:db8::2", "2001:db8::1", "outside the private networks"},
                {"fd00::2", "fe80::1", "outside the private networks"},
                {"172.20.1.2", "fd00::1", "do not belong together"},
                {"172.20.1.2", "172.20.1.2", "do not belong together"},
                {NULL, NULL, "has no address"},
                {"172.20.1.2", NULL, "has no gateway"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                LoopbackHost host = {.interface = "eth0"};
                const char *problem;

                if (cases[i].guest)
                        ck_assert_int_eq(ip_parse(cases[i].guest, &host.guest), 0);
                if (cases[i].gateway)
                        ck_assert_int_eq(ip_parse(cases[i].gateway, &host.gateway), 0);
                problem = loopback_host_problem(&host);
                ck_assert_msg(cases[i].problem ? problem && strstr(problem, cases[i].problem)
                                               : !problem,
                              "case %zu: %s", i, problem ? problem : "none");
        }
}
END_TEST

START_TEST(test_interfaces) {
        LoopbackHost host = {.guest = ip_v4(10, 0, 0, 2), .gateway = ip_v4(10, 0, 0, 1)};

        ck_assert_ptr_nonnull(strstr(loopback_host_problem(&host), "no interface"));
        strcpy(host.interface, "a b");
        ck_assert_ptr_nonnull(strstr(loopback_host_problem(&host), "cannot be written"));
        strcpy(host.interface, "a\nb");
        ck_assert_ptr_nonnull(strstr(loopback_host_problem(&host), "cannot be written"));
        strcpy(host.interface, "vEthernet (x)");
        ck_assert_ptr_nonnull(strstr(loopback_host_problem(&host), "cannot be written"));
}
END_TEST

int main(void) {
        TCase *t = tcase_create("table");

        tcase_add_test(t, test_what_is_written_is_read);
        tcase_add_test(t, test_nothing_else_is_read);
        tcase_add_test(t, test_adding);
        tcase_add_test(t, test_the_longest_table_fits);
        tcase_add_test(t, test_hosts);
        tcase_add_test(t, test_interfaces);
        return test_run(t, "table");
}
