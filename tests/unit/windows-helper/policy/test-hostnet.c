/* SPDX-License-Identifier: MIT */

/* Which guest addresses the host may forward to: neighbours on a virtual switch and no others. Also
 * the text form of VM ids. */

#include "tests/suite.h"
#include "windows-helper/core/policy/hostnet.h"
#include "windows-helper/core/vm/vm.h"

#include <errno.h>
#include <string.h>

static Hostnet net;

static IpAddr address(const char *text) {
        IpAddr a = {0};

        if (text)
                ck_assert_int_eq(ip_parse(text, &a), 0);
        return a;
}

static void host_has(const char *text, uint8_t prefix, const char *interface, bool vswitch) {
        HostnetAddress *a = &net.addresses[net.n_addresses++];

        *a = (HostnetAddress){address(text), prefix, vswitch, ""};
        strcpy(a->adapter, interface);
}

static void setup(void) {
        net = (Hostnet){0};
        host_has("127.0.0.1", 8, "Loopback", false);
        host_has("192.168.1.20", 24, "Ethernet", false);
        host_has("172.28.64.1", 20, "vEthernet (WSL)", true);
        host_has("172.17.16.1", 20, "vEthernet (Default Switch)", true);
        host_has("fd29::1", 64, "vEthernet (WSL)", true);
        host_has("10.9.9.1", 32, "vEthernet (odd)", true);
}

typedef struct Case {
        const char *address, *gateway;
        bool wsl;
        const char *why; /* NULL: may be forwarded to */
} Case;

static HostnetVerdict judge(const char *text, unsigned prefix, const char *gateway, bool wsl,
                            bool may_be_outside, char ret_why[WIRE_TEXT_MAX + 1]) {
        WireAddress a = {
                .addr = address(text), .prefix = (uint8_t) prefix, .gateway = address(gateway)};
        HostnetGuest guest = {.wsl = wsl, .may_be_outside = may_be_outside};

        ret_why[0] = '\0';
        return hostnet_judge(&net, &a, &guest, ret_why);
}

static void check(const Case *cases, size_t n) {
        for (size_t i = 0; i < n; i++) {
                const Case *c = &cases[i];
                char why[WIRE_TEXT_MAX + 1];
                HostnetVerdict verdict = judge(c->address, 24, c->gateway, c->wsl, false, why);

                ck_assert_msg(verdict == (c->why ? HOSTNET_REFUSED : HOSTNET_BEHIND), "%s: %s",
                              c->address, why);
                if (c->why)
                        ck_assert_msg(strstr(why, c->why), "%s: %s", c->address, why);
        }
}

START_TEST(test_neighbours) {
        static const Case cases[] = {
                {"172.28.64.10", "172.28.64.1", true, NULL},
                {"172.28.79.254", NULL, true, NULL},
                {"172.17.20.3", "172.17.16.1", false, NULL}, /* Default Switch */
                {"fd29::2", "fd29::1", true, NULL},
                {"172.28.64.0", NULL, true, "network or broadcast"},
                {"172.28.79.255", NULL, true, "network or broadcast"},
                {"fd29::", NULL, true, "network or broadcast"},
                {"172.28.64.1", NULL, true, "host itself (vEthernet (WSL))"},
                {"192.168.1.20", NULL, true, "host itself (Ethernet)"}, /* mirrored mode */
                {"192.168.1.77", NULL, true, "not on the network of a virtual switch"},
                {"8.8.8.8", NULL, false, "not on the network of a virtual switch"},
                {"fd30::2", NULL, true, "not on the network of a virtual switch"},
                {"172.28.64.9", "172.28.64.9", true, "gateway"},
                {"127.0.0.1", NULL, true, "loopback"},
                {"10.255.255.254", NULL, true, "WSL"},
                {"224.0.0.1", NULL, true, "multicast"},
        };

        check(cases, sizeof(cases) / sizeof(cases[0]));
}
END_TEST

START_TEST(test_nat_network_of_wsl) {
        static const Case cases[] = {
                {"172.28.64.10", NULL, true, NULL},
                {"172.17.20.3", NULL, true, "outside of WSL's NAT network 172.28.64.0/20"},
                {"172.17.20.3", NULL, false, NULL}, /* not a VM of WSL */
                {"fd29::2", NULL, true, NULL},      /* NatNetwork is about IPv4 */
                {"172.29.0.9", NULL, true, NULL},   /* another user's VM has another network */
                {"172.30.0.9", NULL, true, "outside of WSL's NAT network 172.28.64.0/20"},
        };

        host_has("172.29.0.1", 20, "vEthernet (WSL (Hyper-V firewall))", true);
        host_has("172.30.0.1", 20, "vEthernet (My WSL)", true);
        net.has_nat = true;
        net.nat = (WirePrefix){address("172.28.64.0"), 20};
        check(cases, sizeof(cases) / sizeof(cases[0]));
}
END_TEST

/* Only the host can tell an external switch from the Default Switch. There nothing is forwarded,
 * because a guest could name another machine; and where the guest cannot be, its address is still
 * refused. */
START_TEST(test_a_network_of_other_machines) {
        static const struct {
                const char *address;
                unsigned prefix;
                const char *gateway;
                HostnetVerdict verdict;
        } cases[] = {
                /* the host is on that network, with an adapter of any kind */
                {"192.168.1.77", 24, "192.168.1.1", HOSTNET_OUTSIDE},
                {"192.168.1.77", 24, NULL, HOSTNET_OUTSIDE},
                {"10.20.0.9", 16, "10.20.0.1", HOSTNET_OUTSIDE},
                {"10.20.0.9", 16, "10.20.0.5", HOSTNET_REFUSED}, /* the gateway is the host */
                /* the host has no address there, as after an old lease of the Default Switch */
                {"10.77.0.9", 16, "10.77.0.1", HOSTNET_REFUSED},
                {"10.77.0.9", 16, NULL, HOSTNET_REFUSED},
                {"10.77.0.9", 16, "10.78.0.1", HOSTNET_REFUSED},
                {"10.77.0.9", 16, "172.17.16.1", HOSTNET_REFUSED},
                {"fd30::2", 64, "fd30::1", HOSTNET_REFUSED},
                /* behind the host, whatever the guest's gateway is */
                {"172.17.20.3", 20, "172.17.16.1", HOSTNET_BEHIND},
                {"172.17.20.3", 20, "172.17.16.9", HOSTNET_BEHIND},
                {"172.17.20.3", 20, NULL, HOSTNET_BEHIND},
                /* never */
                {"192.168.1.20", 24, "192.168.1.1", HOSTNET_REFUSED},
                {"172.17.16.1", 20, NULL, HOSTNET_REFUSED},
                {"192.168.1.77", 24, "192.168.1.77", HOSTNET_REFUSED},
                {"127.0.0.1", 8, NULL, HOSTNET_REFUSED},
        };
        char why[WIRE_TEXT_MAX + 1];

        host_has("10.20.0.5", 16, "vEthernet (External)", false); /* shared with the host */
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const char *a = cases[i].address, *g = cases[i].gateway;
                HostnetVerdict verdict = judge(a, cases[i].prefix, g, false, true, why);

                ck_assert_msg(verdict == cases[i].verdict, "%s via %s: %d (%s)", a, g ? g : "-",
                              (int) verdict, why);
                ck_assert_msg((verdict == HOSTNET_REFUSED) == (why[0] != '\0'), "%s", a);
                /* Where somebody else says which network it is, that counts. */
                verdict = judge(a, cases[i].prefix, g, false, false, why);
                ck_assert_msg(verdict == (cases[i].verdict == HOSTNET_OUTSIDE ? HOSTNET_REFUSED
                                                                              : cases[i].verdict),
                              "%s via %s", a, g ? g : "-");
        }
}
END_TEST

/* An adapter may only look like one behind which are only guests. Where the host is on the same
 * network with another one, or on a smaller one, a guest could name another machine. */
START_TEST(test_a_network_of_two_adapters) {
        static const Case cases[] = {
                {"172.28.64.10", NULL, false, "may belong to one of them"},
                {"172.17.17.9", NULL, false, "may belong to one of them"},
                {"172.17.20.3", NULL, false, NULL},
                {"10.30.0.9", NULL, false, NULL}, /* the smaller one is the switch */
        };

        host_has("172.28.64.2", 20, "Ethernet 2", false);
        host_has("172.17.17.1", 24, "VPN", false);
        host_has("10.1.1.1", 8, "Ethernet 3", false);
        host_has("10.30.0.1", 24, "vEthernet (Lab)", true);
        check(cases, sizeof(cases) / sizeof(cases[0]));
}
END_TEST

/* Where the host is not, it cannot tell a stale address from a switch without it, so it names both.
 * Somebody who cannot be outside has one possibility less. */
START_TEST(test_a_network_without_the_host) {
        char why[WIRE_TEXT_MAX + 1];

        ck_assert_int_eq(judge("172.29.16.9", 20, "172.29.16.1", false, true, why),
                         HOSTNET_REFUSED);
        ck_assert_ptr_nonnull(
                strstr(why, "stale (renew it by DHCP), or the guest is on an external"));
        ck_assert_int_eq(judge("172.29.16.9", 20, "172.29.16.1", false, false, why),
                         HOSTNET_REFUSED);
        ck_assert_ptr_null(strstr(why, "external"));
}
END_TEST

/* A subnet of two addresses has neither a network nor a broadcast address (RFC 3021), and one of
 * four has both. */
START_TEST(test_smallest_subnets) {
        static const Case cases[] = {
                {"10.8.0.1", NULL, false, NULL},
                {"10.8.1.0", NULL, false, NULL},
                {"fd31::1", NULL, false, NULL},
                {"10.8.2.2", NULL, false, NULL},
                {"10.8.2.0", NULL, false, "network or broadcast"},
                {"10.8.2.3", NULL, false, "network or broadcast"},
                {"fd31::100", NULL, false, "network or broadcast"},
        };

        host_has("10.8.0.0", 31, "vEthernet (pair)", true);
        host_has("10.8.1.1", 31, "vEthernet (other pair)", true);
        host_has("fd31::", 127, "vEthernet (pair)", true);
        host_has("10.8.2.1", 30, "vEthernet (four)", true);
        host_has("fd31::101", 126, "vEthernet (four)", true);
        check(cases, sizeof(cases) / sizeof(cases[0]));
}
END_TEST

/* Nothing is forwarded before the tables have been read, and where there is no switch. */
START_TEST(test_empty_tables_allow_nobody) {
        static const Case cases[] = {{"172.28.64.10", NULL, true, "virtual switch"}};

        net = (Hostnet){0};
        check(cases, 1);
}
END_TEST

/* At which of the guest's addresses the host has an address of its own beside it. */
START_TEST(test_has_neighbour) {
        static const struct {
                const char *address;
                bool any, virtual_only;
        } cases[] = {
                {"172.28.70.1", true, true}, {"192.168.1.99", true, false},
                {"127.0.0.2", true, false},  {"8.8.8.8", false, false},
                {"fd29::77", true, true},    {"fd30::1", false, false},
                {"10.77.0.2", false, false},
        };

        host_has("10.77.0.1", 24, "vEthernet (gone)", true);
        net.n_addresses--; /* what is behind the last address has no meaning */
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                IpAddr a = address(cases[i].address);

                ck_assert_msg(hostnet_has_neighbour(&net, &a, false) == cases[i].any, "%s",
                              cases[i].address);
                ck_assert_msg(hostnet_has_neighbour(&net, &a, true) == cases[i].virtual_only, "%s",
                              cases[i].address);
        }
}
END_TEST

static void expect_differs(const Hostnet *changed) {
        ck_assert(!hostnet_equal(&net, changed));
        ck_assert(!hostnet_equal(changed, &net));
}

/* Each member counts as a change of the host's network, the unused end of the table does not. */
START_TEST(test_equal) {
        Hostnet other = net;

        other.addresses[other.n_addresses] = other.addresses[0];
        ck_assert(hostnet_equal(&net, &other));
        other.n_addresses++;
        expect_differs(&other);
        other = net;
        other.unchecked = true;
        expect_differs(&other);
        for (size_t i = 0; i < net.n_addresses; i++) {
                other = net;
                other.addresses[i].addr.bytes[0] ^= 64;
                expect_differs(&other);
                other = net;
                other.addresses[i].prefix--;
                expect_differs(&other);
                other = net;
                other.addresses[i].virtual_switch = !net.addresses[i].virtual_switch;
                expect_differs(&other);
                other = net;
                other.addresses[i].adapter[0]++;
                expect_differs(&other);
        }
        other = net;
        other.nat = (WirePrefix){address("172.28.64.0"), 20};
        ck_assert(hostnet_equal(&net, &other)); /* there is no NAT network, whatever this says */
        other.has_nat = true;
        expect_differs(&other);
        net = other;
        ck_assert(hostnet_equal(&net, &other));
        other.nat.length = 21;
        expect_differs(&other);
        other.nat.length = 20;
        other.nat.addr.bytes[1] = 29;
        expect_differs(&other);
}
END_TEST

START_TEST(test_vm_ids) {
        static const char *const bad[] = {
                "",
                "{3b1c2c50-1234-5678-9abc-def012345678}",
                "3b1c2c50-1234-5678-9abc-def01234567",
                "3b1c2c50-1234-5678-9abc-def0123456789",
                "3b1c2c5001234-5678-9abc-def012345678",
                "3b1c2c50-1234-5678-9abc-def01234567g",
                "WSL-3b1c2c50-1234-5678-9abc-def012345678",
                "cowork-vm-929216c6",
        };
        char text[VM_ID_TEXT_MAX];
        VmId id, other;

        ck_assert_int_eq(vm_id_parse("3B1C2C50-1234-5678-9abc-DEF012345678", &id), 0);
        vm_id_format(&id, text);
        ck_assert_str_eq(text, "3b1c2c50-1234-5678-9abc-def012345678");
        ck_assert_uint_eq(id.bytes[0], 0x3b); /* the order of the text, not of a GUID in memory */
        ck_assert(!vm_id_is_null(&id));
        ck_assert(vm_id_is_null(&VM_ID_NULL));
        ck_assert_int_eq(vm_id_parse(text, &other), 0);
        ck_assert(vm_id_equal(&id, &other));
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                ck_assert_msg(vm_id_parse(bad[i], &id) == -EINVAL, "%s", bad[i]);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("hostnet");
        TCase *tc = tcase_create("hostnet");

        tcase_add_checked_fixture(tc, setup, NULL);
        tcase_add_test(tc, test_neighbours);
        tcase_add_test(tc, test_nat_network_of_wsl);
        tcase_add_test(tc, test_a_network_of_other_machines);
        tcase_add_test(tc, test_a_network_of_two_adapters);
        tcase_add_test(tc, test_a_network_without_the_host);
        tcase_add_test(tc, test_smallest_subnets);
        tcase_add_test(tc, test_empty_tables_allow_nobody);
        tcase_add_test(tc, test_has_neighbour);
        tcase_add_test(tc, test_equal);
        tcase_add_test(tc, test_vm_ids);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
