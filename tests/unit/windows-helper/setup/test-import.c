/* SPDX-License-Identifier: MIT */

/* Port forwardings of others become services of a guest, or stay with a reason. */

#include "tests/suite.h"
#include "windows-helper/core/setup/import.h"

#include <stdio.h>
#include <string.h>

#define GUEST "172.28.71.5"

static Hostnet net;
static RuleTable rules;
static Ledger ledger;
static WireListen known[2];
static const char *names[2];
static ImportInput in;
static ImportPlan plan;

static IpAddr address(const char *text) {
        IpAddr a;

        ck_assert_int_eq(ip_parse(text, &a), 0);
        return a;
}

static void host_has(const char *text, uint8_t prefix, const char *adapter, bool vswitch) {
        HostnetAddress *a = &net.addresses[net.n_addresses++];

        *a = (HostnetAddress){address(text), prefix, vswitch, ""};
        strcpy(a->adapter, adapter);
}

static void setup(void) {
        net = (Hostnet){0};
        host_has("127.0.0.1", 8, "Loopback", false);
        host_has("::1", 128, "Loopback", false);
        host_has("192.168.1.20", 24, "Ethernet", false);
        host_has("172.28.64.1", 20, "vEthernet (WSL (Hyper-V firewall))", true);
        host_has("172.17.16.1", 20, "vEthernet (Default Switch)", true);
        in = (ImportInput){
                .rules = &rules,
                .ledger = &ledger,
                .net = &net,
                .guest = address(GUEST),
                .known = known,
                .names = names,
        };
}

static void teardown(void) {
        rule_table_done(&rules);
        ledger_done(&ledger);
        import_done(&plan);
}

static void rule(RuleFamily family, const char *name, const char *data) {
        ck_assert_int_eq(rule_table_add(&rules, family, name, data), 0);
}

static void expect(ImportFit worst, const char *text) {
        Buffer out = BUFFER_NULL;

        rule_table_sort(&rules);
        ck_assert_int_eq(import_plan(&in, worst, &plan), 0);
        import_show(&plan, &out);
        ck_assert_msg(strcmp(buffer_text(&out), text) == 0, "%s", buffer_text(&out));
        buffer_done(&out);
}

static void expect_drop_in(size_t i, const char *text) {
        Buffer out = BUFFER_NULL;

        ck_assert_uint_lt(i, plan.n_services);
        import_drop_in(&plan.services[i], &out);
        ck_assert_ptr_nonnull(strstr(buffer_text(&out), text));
        ck_assert_ptr_nonnull(strstr(buffer_text(&out), "[service]\n"));
        ck_assert_ptr_nonnull(strstr(buffer_text(&out), "firewall = none\n"));
        buffer_done(&out);
}

/* The folk script: one line for each port, all to the address of that day. */
START_TEST(test_folk_script) {
        rule(RULE_V4TOV4, "0.0.0.0/8002", GUEST "/8002");
        rule(RULE_V4TOV4, "0.0.0.0/2222", GUEST "/22");
        rule(RULE_V4TOV4, "0.0.0.0/8000", GUEST "/8000");
        rule(RULE_V4TOV4, "0.0.0.0/8001", GUEST "/8001");
        rule(RULE_V4TOV4, "0.0.0.0/8004", GUEST "/8004");
        expect(IMPORT_GUESS, "These port forwardings become services of the guest:\n"
                             "  import-2222: 0.0.0.0:2222 to port 22 of the guest (now to "
                             "172.28.71.5)\n"
                             "  import-8000-8002: 0.0.0.0:8000-8002 to ports 8000-8002 of the "
                             "guest (now to 172.28.71.5)\n"
                             "  import-8004: 0.0.0.0:8004 to port 8004 of the guest (now to "
                             "172.28.71.5)\n");
        ck_assert_uint_eq(plan.n_taken, 5);
        ck_assert(!import_has(&plan, IMPORT_STALE));
        expect_drop_in(1, "listen = 0.0.0.0:8000-8002\n#");
        expect_drop_in(0, "listen = 0.0.0.0:2222\nconnect-port = 22\n");
}
END_TEST

/* Claim: what somebody has put into a value does not look like another line of the plan. */
START_TEST(test_values_of_several_lines) {
        rule(RULE_V4TOV4, "0.0.0.0/80", "a\nb/80");
        rule(RULE_V4TOV4, "x\n  0.0.0.0/81", GUEST "/81");
        expect(IMPORT_GUESS, "These stay as they are:\n"
                             "  0.0.0.0/80 = a?b/80: it leads to 'a?b/80', which is no address and "
                             "port\n"
                             "  x?  0.0.0.0/81 = 172.28.71.5/81: it does not name an address and a "
                             "port\n");
}
END_TEST

START_TEST(test_stale) {
        rule(RULE_V4TOV4, "0.0.0.0/80", "172.28.70.1/80"); /* WSL's network, another address */
        rule(RULE_V4TOV4, "0.0.0.0/81", "172.29.0.9/81");  /* no network of this host */
        rule(RULE_V4TOV4, "0.0.0.0/82", "172.17.16.9/82"); /* a guest of Hyper-V */
        rule(RULE_V4TOV4, "0.0.0.0/83", "192.168.1.9/83"); /* a machine of the LAN */
        rule(RULE_V4TOV4, "0.0.0.0/84", "10.1.1.1/84");    /* somewhere */
        rule(RULE_V4TOV4, "0.0.0.0/85", "172.28.64.1/85"); /* the gateway */
        rule(RULE_V4TOV4, "0.0.0.0/86", "127.0.0.1/86");
        expect(IMPORT_GUESS,
               "These port forwardings become services of the guest:\n"
               "  import-80: 0.0.0.0:80 to port 80 of the guest (now to 172.28.70.1, an old "
               "address in WSL's network)\n"
               "  import-81: 0.0.0.0:81 to port 81 of the guest (now to 172.29.0.9, perhaps an old "
               "address of WSL: nothing has it now)\n"
               "These stay as they are:\n"
               "  0.0.0.0/82 = 172.17.16.9/82: it leads to another machine (172.17.16.9, behind "
               "vEthernet (Default Switch))\n"
               "  0.0.0.0/83 = 192.168.1.9/83: it leads to another machine (192.168.1.9, behind "
               "Ethernet)\n"
               "  0.0.0.0/84 = 10.1.1.1/84: it leads to 10.1.1.1, which is not in a network of "
               "WSL\n"
               "  0.0.0.0/85 = 172.28.64.1/85: it leads to this host itself (vEthernet (WSL "
               "(Hyper-V firewall)))\n"
               "  0.0.0.0/86 = 127.0.0.1/86: it leads to 127.0.0.1, which is a loopback address\n");
        ck_assert(import_has(&plan, IMPORT_GUESS));
}
END_TEST

/* Without a question, only what is sure. */
START_TEST(test_worst) {
        rule(RULE_V4TOV4, "0.0.0.0/80", "172.28.70.1/80");
        rule(RULE_V4TOV4, "0.0.0.0/81", "172.29.0.9/81");
        expect(IMPORT_STALE,
               "These port forwardings become services of the guest:\n"
               "  import-80: 0.0.0.0:80 to port 80 of the guest (now to 172.28.70.1, an old "
               "address in WSL's network)\n"
               "These stay as they are:\n"
               "  0.0.0.0/81 = 172.29.0.9/81: it leads to 172.29.0.9, which may be somebody "
               "else's; without --yes, setup asks\n");
}
END_TEST

/* Each user of the host has a VM of his own, and all of them are in one network. */
START_TEST(test_another_users) {
        static const char asked[] = "  import-80: 0.0.0.0:80 to port 80 of the guest (now to "
                                    "172.28.70.1, perhaps another user's)\n";
        Buffer out = BUFFER_NULL;

        in.shared = true;
        rule(RULE_V4TOV4, "0.0.0.0/80", "172.28.70.1/80");
        expect(IMPORT_STALE, "These stay as they are:\n"
                             "  0.0.0.0/80 = 172.28.70.1/80: it leads to 172.28.70.1, which may be "
                             "somebody else's; without --yes, setup asks\n");
        import_done(&plan);
        ck_assert_int_eq(import_plan(&in, IMPORT_GUESS, &plan), 0);
        import_show(&plan, &out);
        ck_assert_ptr_nonnull(strstr(buffer_text(&out), asked));
        buffer_done(&out);
}
END_TEST

/* An adapter that was renamed is known by WSL's own record, or by the guest that is behind it. */
START_TEST(test_renamed_adapter) {
        strcpy(net.addresses[3].adapter, "mine");
        rule(RULE_V4TOV4, "0.0.0.0/80", "172.28.70.1/80");
        rule(RULE_V4TOV4, "0.0.0.0/81", "10.3.0.9/81");
        net.has_nat = true;
        net.nat = (WirePrefix){address("10.3.0.0"), 20};
        expect(IMPORT_STALE,
               "These port forwardings become services of the guest:\n"
               "  import-80-81: 0.0.0.0:80-81 to ports 80-81 of the guest (now to 172.28.70.1, an "
               "old address in WSL's network)\n");
}
END_TEST

START_TEST(test_listeners) {
        rule(RULE_V4TOV4, "*/80", GUEST "/80");
        rule(RULE_V4TOV4, "192.168.1.20/80", GUEST "/80");
        rule(RULE_V4TOV4, "192.168.1.20/8080", GUEST "/80");
        rule(RULE_V4TOV4, "192.168.7.7/80", GUEST "/80");
        rule(RULE_V4TOV4, "127.0.0.2/80", GUEST "/80");
        rule(RULE_V6TOV4, "::/80", GUEST "/80");
        rule(RULE_V6TOV6, "::/90", "fd00::9/90");
        rule(RULE_V4TOV4, "0.0.0.0/91", "wsl.local/91");
        rule(RULE_V4TOV4, "0.0.0.0/92", NULL);
        rule(RULE_V4TOV4, "localhost/93", GUEST "/93");
        expect(IMPORT_PRESENT,
               "These port forwardings become services of the guest:\n"
               "  import-80: 0.0.0.0:80, 127.0.0.2:80, 192.168.1.20:8080, 192.168.1.20:80, "
               "[::]:80 to port 80 of the guest (now to 172.28.71.5)\n"
               "These stay as they are:\n"
               "  0.0.0.0/91 = wsl.local/91: it leads to 'wsl.local/91', which is no address and "
               "port\n"
               "  0.0.0.0/92 = ?: it is not a plain string (REG_SZ)\n"
               "  192.168.7.7/80 = 172.28.71.5/80: it listens on 192.168.7.7, which this host does "
               "not have now\n"
               "  ::/90 = fd00::9/90: it leads to an IPv6 address (fd00::9)\n"
               "  localhost/93 = 172.28.71.5/93: it does not name an address and a port\n");
        expect_drop_in(0, "listen = 192.168.1.20:8080\nlisten = 192.168.1.20:80\nlisten = "
                          "[::]:80\nconnect-port = 80\n");
}
END_TEST

START_TEST(test_one_endpoint_twice) {
        rule(RULE_V4TOV4, "*/80", GUEST "/80");
        rule(RULE_V4TOV4, "0.0.0.0/80", GUEST "/80");
        rule(RULE_V4TOV4, "*/81", GUEST "/81");
        rule(RULE_V4TOV4, "0.0.0.0/81", GUEST "/9");
        expect(IMPORT_PRESENT,
               "These port forwardings become services of the guest:\n"
               "  import-80-81: 0.0.0.0:80-81 to ports 80-81 of the guest (now to 172.28.71.5)\n"
               "These stay as they are:\n"
               "  0.0.0.0/81 = 172.28.71.5/9: it is for the same endpoint as '*/81', and leads to "
               "another port\n");
        ck_assert_uint_eq(plan.n_taken, 3);
}
END_TEST

START_TEST(test_known_and_ours) {
        LedgerEntry e = {.listen = {address("0.0.0.0"), 70},
                         .current = {address(GUEST), 70},
                         .next = {address(GUEST), 70},
                         .owner = "x/Debian",
                         .service = "x"};

        ck_assert_int_eq(ledger_put(&ledger, &e), 0);
        rule(RULE_V4TOV4, "0.0.0.0/70", GUEST "/70");
        rule(RULE_V4TOV4, "0.0.0.0/80", GUEST "/80");
        rule(RULE_V4TOV4, "0.0.0.0/85", GUEST "/85");
        rule(RULE_V4TOV4, "0.0.0.0/90", GUEST "/90");
        known[0] = (WireListen){address("0.0.0.0"), 75, 6, 75}; /* up to 80 */
        known[1] = (WireListen){address("192.168.1.20"), 85, 1, 85};
        in.n_known = 2;
        names[0] = "import-85";
        names[1] = "import-85-2";
        in.n_names = 2;
        expect(IMPORT_PRESENT,
               "These port forwardings become services of the guest:\n"
               "  import-85-3: 0.0.0.0:85 to port 85 of the guest (now to 172.28.71.5)\n"
               "  import-90: 0.0.0.0:90 to port 90 of the guest (now to 172.28.71.5)\n"
               "These have a service already, which takes them over:\n"
               "  0.0.0.0/80 = 172.28.71.5/80\n");
        ck_assert_uint_eq(plan.n_taken, 3);
}
END_TEST

START_TEST(test_nothing) {
        expect(IMPORT_GUESS, "");
        ck_assert(!import_has(&plan, IMPORT_PRESENT));
}
END_TEST

/* All ports, one rule each: one range, in a moment. */
START_TEST(test_all_ports) {
        for (unsigned i = 1; i <= 65535; i++) {
                char name[32], data[32];

                (void) snprintf(name, sizeof(name), "0.0.0.0/%u", i);
                (void) snprintf(data, sizeof(data), GUEST "/%u", i);
                rule(RULE_V4TOV4, name, data);
        }
        expect(IMPORT_PRESENT, "These port forwardings become services of the guest:\n"
                               "  import-1-65535: 0.0.0.0:1-65535 to ports 1-65535 of the guest "
                               "(now to 172.28.71.5)\n");
}
END_TEST

START_TEST(test_parse_listen) {
        static const struct {
                const char *text, *address;
                unsigned port, count; /* 0: not understood */
        } cases[] = {
                {"0.0.0.0:80", "0.0.0.0", 80, 1},
                {"192.168.1.20:8000-8010", "192.168.1.20", 8000, 11},
                {"[::]:1-65535", "::", 1, 65535},
                {"0.0.0.0:80-79", NULL, 0, 0},
                {"0.0.0.0:80-", NULL, 0, 0},
                {"0.0.0.0:80-70000", NULL, 0, 0},
                {"0.0.0.0:80-90x", NULL, 0, 0},
                {"0.0.0.0:80-+90", NULL, 0, 0},
                {"0.0.0.0:80- 90", NULL, 0, 0},
                {"-", NULL, 0, 0},
                {"", NULL, 0, 0},
                {"*:80", NULL, 0, 0},
                {"a very long text that cannot be an endpoint of any kind at all:80", NULL, 0, 0},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                WireListen l = {.port = 1};
                IpAddr a;

                ck_assert_msg((import_parse_listen(cases[i].text, &l) == 0) ==
                                      (cases[i].count != 0),
                              "%s", cases[i].text);
                if (cases[i].count == 0)
                        continue;
                a = address(cases[i].address);
                ck_assert_int_eq(ip_compare(&l.addr, &a), 0);
                ck_assert_uint_eq(l.port, cases[i].port);
                ck_assert_uint_eq(l.count, cases[i].count);
        }
}
END_TEST

int main(void) {
        Suite *s = suite_create("import");
        TCase *t = tcase_create("import");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, test_folk_script);
        tcase_add_test(t, test_values_of_several_lines);
        tcase_add_test(t, test_stale);
        tcase_add_test(t, test_worst);
        tcase_add_test(t, test_another_users);
        tcase_add_test(t, test_renamed_adapter);
        tcase_add_test(t, test_listeners);
        tcase_add_test(t, test_one_endpoint_twice);
        tcase_add_test(t, test_known_and_ours);
        tcase_add_test(t, test_nothing);
        tcase_add_test(t, test_all_ports);
        tcase_add_test(t, test_parse_listen);
        suite_add_tcase(s, t);
        return suite_run(s);
}
