/* SPDX-License-Identifier: MIT */

/* For whom a port is open now: tables of networks, settings of the firewall, and rules of others.
 */

#include "tests/suite.h"
#include "windows-helper/core/firewall/reach.h"

#include <stdio.h>
#include <string.h>

#define DOMAIN  WIRE_PROFILE_DOMAIN
#define PRIVATE WIRE_PROFILE_PRIVATE
#define PUBLIC  WIRE_PROFILE_PUBLIC
#define USUAL   (DOMAIN | PRIVATE) /* what a service opens by default */

static WirePrefix prefixes[] = {{.length = 8}, {.length = 64}};
static WireState state = {.remotes = prefixes};

static void setup(void) {
        ck_assert_int_eq(ip_parse("10.0.0.0", &prefixes[0].addr), 0);
        ck_assert_int_eq(ip_parse("fd00::", &prefixes[1].addr), 0);
}

/* @asked: what the service opens. @text: a part of the answer. */
static void expect(const FirewallSight *sight, const char *listen, uint8_t asked, uint8_t remote,
                   WireReason reason, const char *text) {
        WireService service = {
                .profiles = asked, .remote = remote, .n_remotes = remote == WIRE_REMOTE_LIST};
        IpEndpoint e = {.port = 2222};
        char found[WIRE_TEXT_MAX + 1];
        WireReason r;

        ck_assert_int_eq(ip_parse(listen, &e.addr), 0);
        r = firewall_reach(sight, &e, &state, &service, found);
        ck_assert_msg(r == reason, "%s instead of %s: %s", wire_reason_name((uint16_t) r),
                      wire_reason_name((uint16_t) reason), found);
        ck_assert_msg(text[0] ? strstr(found, text) != NULL : found[0] == '\0', "'%s' in '%s'",
                      text, found);
        ck_assert_msg(strlen(found) < WIRE_TEXT_MAX - 8, "too long, so it may be cut: %s", found);
}

START_TEST(test_networks) {
        static const struct {
                uint8_t connected, asked, remote;
                WireReason reason;
                const char *text;
        } cases[] = {
                {PRIVATE, USUAL, WIRE_REMOTE_LOCAL_SUBNET, WIRE_REASON_NONE,
                 "open to the local subnet on the host's private network"},
                {DOMAIN, USUAL, WIRE_REMOTE_ANY, WIRE_REASON_NONE,
                 "open to everybody on the host's domain network"},
                {PRIVATE | PUBLIC, USUAL, WIRE_REMOTE_LIST, WIRE_REASON_NONE,
                 "open to the addresses in remote on the host's private network"},
                {PRIVATE | DOMAIN, DOMAIN, WIRE_REMOTE_ANY, WIRE_REASON_NONE,
                 "open to everybody on the host's domain network, not on its private one"},
                {DOMAIN | PRIVATE | PUBLIC, WIRE_PROFILE_ALL, WIRE_REMOTE_ANY, WIRE_REASON_NONE,
                 "domain, private and public network"},
                {PUBLIC, USUAL, WIRE_REMOTE_LOCAL_SUBNET, WIRE_REASON_UNREACHABLE,
                 "nobody on a network gets in now: the host's network is public, and the service "
                 "opens domain and private; make that network private in Windows Settings, or set "
                 "firewall = public, which the host's policy must allow"},
                {PUBLIC, DOMAIN, WIRE_REMOTE_ANY, WIRE_REASON_UNREACHABLE, "set firewall = public"},
                {DOMAIN, PRIVATE, WIRE_REMOTE_ANY, WIRE_REASON_UNREACHABLE,
                 "set firewall = domain"},
                {DOMAIN | PUBLIC, PRIVATE, WIRE_REMOTE_ANY, WIRE_REASON_UNREACHABLE,
                 "the host's network is domain, and the service opens private; set firewall = "
                 "domain"},
                {0, USUAL, WIRE_REMOTE_ANY, WIRE_REASON_UNREACHABLE, "connected to none"},
                {PRIVATE, 0, WIRE_REMOTE_ANY, WIRE_REASON_NONE, "closed to other machines"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                FirewallSight sight = {.known = true, .connected = cases[i].connected};

                expect(&sight, "0.0.0.0", cases[i].asked, cases[i].remote, cases[i].reason,
                       cases[i].text);
                expect(&sight, "::", cases[i].asked, cases[i].remote, cases[i].reason,
                       cases[i].text);
                expect(&sight, "127.0.0.1", cases[i].asked, cases[i].remote, WIRE_REASON_NONE, "");
                sight.known = false;
                expect(&sight, "0.0.0.0", cases[i].asked, cases[i].remote, WIRE_REASON_NONE, "");
        }
}
END_TEST

START_TEST(test_settings_of_the_firewall) {
        static const struct {
                FirewallSight sight;
                uint8_t asked;
                WireReason reason;
                const char *text;
        } cases[] = {
                {{.connected = PUBLIC, .off = PUBLIC},
                 USUAL,
                 WIRE_REASON_FIREWALL_OFF,
                 "open to everybody on the host's public network"},
                {{.connected = PRIVATE, .off = PRIVATE}, 0, WIRE_REASON_FIREWALL_OFF, "is off"},
                {{.connected = PRIVATE, .off = PUBLIC}, USUAL, WIRE_REASON_NONE, "private network"},
                {{.connected = PUBLIC, .lets_in = PUBLIC},
                 USUAL,
                 WIRE_REASON_FIREWALL_OFF,
                 "lets in what no rule blocks"},
                {{.connected = PRIVATE, .shut = PRIVATE},
                 USUAL,
                 WIRE_REASON_UNREACHABLE,
                 "blocks all incoming"},
                {{.connected = PRIVATE, .shut = PRIVATE, .off = PRIVATE},
                 USUAL,
                 WIRE_REASON_FIREWALL_OFF,
                 "is off"},
                {{.connected = PRIVATE | DOMAIN, .shut = PRIVATE},
                 USUAL,
                 WIRE_REASON_NONE,
                 "domain network, not on its private one"},
                {{.connected = PRIVATE, .overridden = true},
                 USUAL,
                 WIRE_REASON_UNREACHABLE,
                 "Group Policy"},
                {{.connected = PRIVATE, .product = "Some Firewall"},
                 USUAL,
                 WIRE_REASON_FIREWALL,
                 "Some Firewall filters, too"},
                {{.connected = PRIVATE, .off = PRIVATE, .product = "Some Firewall"},
                 USUAL,
                 WIRE_REASON_FIREWALL,
                 "Some Firewall decides"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                FirewallSight sight = cases[i].sight;

                sight.known = true;
                expect(&sight, "0.0.0.0", cases[i].asked, WIRE_REMOTE_LOCAL_SUBNET, cases[i].reason,
                       cases[i].text);
        }
}
END_TEST

/* A rule that blocks our port for everybody; each case changes it. */
static FirewallSeenRule blocking(void) {
        return (FirewallSeenRule){
                .name = "No way",
                .enabled = true,
                .inbound = true,
                .blocks = true,
                .protocol = 6,
                .profiles = 0x7fffffff,
                .local_ports = "2222",
                .remote_ports = "*",
                .local = "*",
                .remote = "*",
                .application = "",
                .service = "",
                .package = "",
                .interface_types = "All",
        };
}

/* Whether @rule keeps everybody out of 0.0.0.0:2222 of a service with @remote. */
static void expect_blocks(const FirewallSeenRule *rule, uint8_t remote, bool blocks,
                          const char *what) {
        FirewallSight sight = {.known = true, .connected = PRIVATE}, copy;
        WireService service = {
                .profiles = USUAL, .remote = remote, .n_remotes = remote == WIRE_REMOTE_LIST};
        const IpEndpoint e = {ip_v4(0, 0, 0, 0), 2222};
        char text[WIRE_TEXT_MAX + 1];
        WireReason reason;

        ck_assert_int_eq(firewall_sight_add(&sight, rule), 0);
        ck_assert_int_eq(firewall_sight_copy(&copy, &sight), 0);
        ck_assert(firewall_sight_equal(&copy, &sight));
        firewall_sight_done(&sight);
        reason = firewall_reach(&copy, &e, &state, &service, text);
        ck_assert_msg((reason == WIRE_REASON_UNREACHABLE) == blocks, "%s: %s", what, text);
        if (blocks)
                ck_assert_msg(strstr(text, "'No way'") && strstr(text, "port 2222"), "%s", text);
        firewall_sight_done(&copy);
}

START_TEST(test_which_rules_block) {
        static const struct {
                const char *what;
                size_t offset; /* of the member that is changed */
                const char *value;
                bool blocks;
        } cases[] = {
#define CASE(member_, value_, blocks_) \
        {#member_ " " value_, offsetof(FirewallSeenRule, member_), value_, blocks_}
                CASE(local_ports, "2222", true),
                CASE(local_ports, "*", true),
                CASE(local_ports, "", true),
                CASE(local_ports, "80,2222,8080", true),
                CASE(local_ports, "2000-2222", true),
                CASE(local_ports, "80,2222-2300", true),
                CASE(local_ports, "2223", false),
                CASE(local_ports, "2223-2300", false),
                CASE(local_ports, "22-", false),
                CASE(local_ports, "22220", false),
                CASE(local_ports, "RPC,RPC-EPMap", false),
                CASE(remote_ports, "1024-65535", false),
                CASE(local, "192.168.1.2", false), /* we listen on all addresses */
                CASE(remote, "LocalSubnet", true),
                CASE(remote, "10.0.0.1,localsubnet", true),
                CASE(remote, "192.168.0.0/255.255.0.0", false),
                CASE(application, "C:\\Windows\\system32\\svchost.exe", true),
                CASE(application, "%SystemRoot%\\System32\\SVCHOST.EXE", true),
                CASE(application, "C:\\Games\\game.exe", false),
                CASE(application, "System", false),
                CASE(service, "iphlpsvc", true),
                CASE(service, "*", true),
                CASE(service, "IpHlpSvc", true),
                CASE(service, "Spooler", false),
                CASE(package, "S-1-15-2-1", false),
                CASE(interface_types, "Wireless", false),
#undef CASE
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                FirewallSeenRule rule = blocking();

                memcpy((char *) &rule + cases[i].offset, &cases[i].value, sizeof(cases[i].value));
                expect_blocks(&rule, WIRE_REMOTE_LOCAL_SUBNET, cases[i].blocks, cases[i].what);
        }
}
END_TEST

START_TEST(test_which_kinds_of_rules_block) {
        FirewallSeenRule rule;

        rule = blocking();
        rule.enabled = false;
        expect_blocks(&rule, WIRE_REMOTE_ANY, false, "disabled");
        rule = blocking();
        rule.inbound = false;
        expect_blocks(&rule, WIRE_REMOTE_ANY, false, "for outgoing connections");
        rule = blocking();
        rule.blocks = false;
        expect_blocks(&rule, WIRE_REMOTE_ANY, false, "lets in");
        rule = blocking();
        rule.protocol = 17;
        expect_blocks(&rule, WIRE_REMOTE_ANY, false, "UDP");
        rule.protocol = 256;
        expect_blocks(&rule, WIRE_REMOTE_ANY, true, "any protocol");
        rule = blocking();
        rule.profiles = PUBLIC;
        expect_blocks(&rule, WIRE_REMOTE_ANY, false, "another profile");
        rule = blocking();
        rule.interfaces = true;
        expect_blocks(&rule, WIRE_REMOTE_ANY, false, "some interfaces");
}
END_TEST

/* A rule keeps everybody out only if it covers all whom the service lets in. */
START_TEST(test_whom_rules_block) {
        static const struct {
                const char *remote;
                bool any, subnet,
                        list; /* blocks a service with this remote; the list: 10.0.0.0/8 */
        } cases[] = {
                {"*", true, true, true},
                {"LocalSubnet", false, true, false},
                {"10.0.0.0/255.0.0.0", false, false, true},
                {"0.0.0.0/0", false, false, true},
                {"10.1.0.0/16", false, false, false},
                {"10.0.0.0-10.255.255.255", false, false, false}, /* not understood: not covered */
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                FirewallSeenRule rule = blocking();

                rule.remote = cases[i].remote;
                expect_blocks(&rule, WIRE_REMOTE_ANY, cases[i].any, rule.remote);
                expect_blocks(&rule, WIRE_REMOTE_LOCAL_SUBNET, cases[i].subnet, rule.remote);
                expect_blocks(&rule, WIRE_REMOTE_LIST, cases[i].list, rule.remote);
        }
}
END_TEST

/* A rule wins over a firewall that lets in what no rule blocks, and not over one that is off. */
START_TEST(test_rules_and_settings) {
        FirewallSight sight = {.known = true, .connected = PRIVATE, .lets_in = PRIVATE};
        FirewallSeenRule rule = blocking();

        ck_assert_int_eq(firewall_sight_add(&sight, &rule), 0);
        expect(&sight, "0.0.0.0", USUAL, WIRE_REMOTE_ANY, WIRE_REASON_UNREACHABLE, "'No way'");
        sight.off = PRIVATE;
        expect(&sight, "0.0.0.0", USUAL, WIRE_REMOTE_ANY, WIRE_REASON_FIREWALL_OFF, "is off");
        firewall_sight_done(&sight);
}
END_TEST

START_TEST(test_names_of_others_fit) {
        FirewallSight sight = {.known = true, .connected = PRIVATE | PUBLIC};
        FirewallSeenRule rule = blocking();
        char name[300];

        memset(name, 'n', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        memset(sight.product, 'p', FIREWALL_PRODUCT_MAX);
        expect(&sight, "0.0.0.0", USUAL, WIRE_REMOTE_LIST, WIRE_REASON_FIREWALL, "gets in");
        sight.off = PRIVATE | PUBLIC;
        expect(&sight, "0.0.0.0", USUAL, WIRE_REMOTE_LIST, WIRE_REASON_FIREWALL, "there");
        sight.off = 0;
        rule.name = name;
        ck_assert_int_eq(firewall_sight_add(&sight, &rule), 0);
        expect(&sight, "0.0.0.0", USUAL, WIRE_REMOTE_ANY, WIRE_REASON_UNREACHABLE, "listen on");
        firewall_sight_done(&sight);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("reach");
        TCase *tc = tcase_create("reach");

        tcase_add_checked_fixture(tc, setup, NULL);
        tcase_add_test(tc, test_networks);
        tcase_add_test(tc, test_settings_of_the_firewall);
        tcase_add_test(tc, test_which_rules_block);
        tcase_add_test(tc, test_which_kinds_of_rules_block);
        tcase_add_test(tc, test_whom_rules_block);
        tcase_add_test(tc, test_rules_and_settings);
        tcase_add_test(tc, test_names_of_others_fit);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
