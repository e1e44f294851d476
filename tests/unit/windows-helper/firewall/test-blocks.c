/* SPDX-License-Identifier: MIT */

/* For whom a port is open now: rules of others that keep out everybody, or some. */

#include "tests/unit/windows-helper/firewall/blocking-rule.h"
#include "tests/unit/windows-helper/firewall/reach-expect.h"

/* As long as an item may be, and one character more. */
#define LONG                                               \
        "111111111111111111111111111111111111111111111111" \
        "111111111111111111111111111111111111111111111111"

static void expect_not_at(const FirewallSight *sight, const char *listen, const char *text) {
        WireService service = {.profiles = USUAL, .remote = WIRE_REMOTE_ANY};
        IpEndpoint e = {.port = 2222};
        char found[WIRE_TEXT_MAX + 1];

        ck_assert_int_eq(ip_parse(listen, &e.addr), 0);
        (void) firewall_reach(sight, &e, &state, &service, found);
        ck_assert_msg(!strstr(found, text), "'%s' in '%s'", text, found);
}

/* What the guest is told about 0.0.0.0:2222 of a service with @remote, by a copy of what was seen.
 */
static WireReason told(const FirewallSeenRule *rule, uint8_t remote, char text[WIRE_TEXT_MAX + 1]) {
        FirewallSight sight = {.known = true, .connected = PRIVATE}, copy;
        WireService service = {
                .profiles = USUAL, .remote = remote, .n_remotes = remote == WIRE_REMOTE_LIST};
        const IpEndpoint e = {ip_v4(0, 0, 0, 0), 2222};
        WireReason reason;

        ck_assert_int_eq(firewall_sight_add(&sight, rule), 0);
        ck_assert_int_eq(firewall_sight_copy(&copy, &sight), 0);
        ck_assert(firewall_sight_equal(&copy, &sight));
        firewall_sight_done(&sight);
        reason = firewall_reach(&copy, &e, &state, &service, text);
        firewall_sight_done(&copy);
        return reason;
}

/* Whether @rule keeps everybody out. */
static void expect_blocks(const FirewallSeenRule *rule, uint8_t remote, bool blocks,
                          const char *what) {
        char text[WIRE_TEXT_MAX + 1];
        WireReason reason = told(rule, remote, text);

        ck_assert_msg((reason == WIRE_REASON_UNREACHABLE) == blocks, "%s: %s", what, text);
        if (blocks)
                ck_assert_msg(strstr(text, "'No way'") && strstr(text, "port 2222"), "%s", text);
}

/* Whether the text says that @rule may keep out some. */
static void expect_some(const FirewallSeenRule *rule, uint8_t remote, bool some, const char *what) {
        char text[WIRE_TEXT_MAX + 1];
        WireReason reason = told(rule, remote, text);
        bool says = strstr(text, "'No way' of Windows Firewall may keep out some") != NULL;

        ck_assert_msg(reason == WIRE_REASON_NONE && says == some, "%s: %s", what, text);
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
                CASE(local_ports, "2000-2100", false),
                CASE(local_ports, "22-", false),
                CASE(local_ports, "-2300", false),
                CASE(local_ports, LONG "," LONG "1", false), /* no item of ours is as long */
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
                CASE(interface_types, "", true),
#undef CASE
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                FirewallSeenRule rule = blocking_rule();

                memcpy((char *) &rule + cases[i].offset, &cases[i].value, sizeof(cases[i].value));
                expect_blocks(&rule, WIRE_REMOTE_LOCAL_SUBNET, cases[i].blocks, cases[i].what);
        }
}
END_TEST

START_TEST(test_which_kinds_of_rules_block) {
        FirewallSeenRule rule;

        rule = blocking_rule();
        rule.enabled = false;
        expect_blocks(&rule, WIRE_REMOTE_ANY, false, "disabled");
        rule = blocking_rule();
        rule.inbound = false;
        expect_blocks(&rule, WIRE_REMOTE_ANY, false, "for outgoing connections");
        rule = blocking_rule();
        rule.blocks = false;
        expect_blocks(&rule, WIRE_REMOTE_ANY, false, "lets in");
        rule = blocking_rule();
        rule.protocol = 17;
        expect_blocks(&rule, WIRE_REMOTE_ANY, false, "UDP");
        rule.protocol = 256;
        expect_blocks(&rule, WIRE_REMOTE_ANY, true, "any protocol");
        rule = blocking_rule();
        rule.profiles = PUBLIC;
        expect_blocks(&rule, WIRE_REMOTE_ANY, false, "another profile");
        rule = blocking_rule();
        rule.interfaces = true;
        expect_blocks(&rule, WIRE_REMOTE_ANY, false, "some interfaces");
}
END_TEST

/* A rule keeps out the people of one protocol, and of the forwarder that listens. Where nothing is
 * forwarded, only a rule without a program and a service does. */
START_TEST(test_whose_service_is_blocked) {
        enum { PORTPROXY, RELAY, UDP, DIRECT, DIRECT_UDP, _END };
        static const struct {
                const char *application, *service;
                int32_t protocol;
                const char *blocks; /* for each of the above: whether it is kept out */
        } cases[] = {
                {"", "", 6, "yynyn"},
                {"", "", 17, "nnyny"},
                {"", "", 256, "yyyyy"},
                {"", "*", 256, "yyyyy"},
                {"C:\\Windows\\System32\\svchost.exe", "iphlpsvc", 256, "ynnnn"},
                {"", "iphlpsvc", 256, "ynnnn"},
                {"%ProgramFiles%\\wslbridge\\WSLBRIDGE-RELAY.exe", "", 256, "nyynn"},
                {"", "wslbridge-relay", 256, "nyynn"},
                {"C:\\Program Files\\wslbridge\\wslbridge-relay.exe", "", 6, "nynnn"},
                {"C:\\Program Files\\wslbridge\\wslbridge-relay.exe", "", 17, "nnynn"},
                {"C:\\wslbridge-relay.exe.exe", "", 256, "nnnnn"},
                {"C:\\Program Files\\wslbridge\\wslbridge-relay.exe", "iphlpsvc", 256, "nnnnn"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                FirewallSight sight = {.known = true, .connected = PRIVATE};
                FirewallSeenRule rule = blocking_rule();

                rule.application = cases[i].application;
                rule.service = cases[i].service;
                rule.protocol = cases[i].protocol;
                ck_assert_int_eq(firewall_sight_add(&sight, &rule), 0);
                for (int whose = 0; whose < _END; whose++) {
                        bool direct = whose >= DIRECT, udp = whose == UDP || whose == DIRECT_UDP;
                        WireState guest = {.mode = direct ? WIRE_MODE_MIRRORED : WIRE_MODE_NAT};
                        WireService service = {.profiles = USUAL, .remote = WIRE_REMOTE_ANY};
                        const IpEndpoint e = {ip_v4(0, 0, 0, 0), 2222, udp};
                        char text[WIRE_TEXT_MAX + 1];

                        service.options[WIRE_OPTION_PROTOCOL] = udp;
                        service.options[WIRE_OPTION_CLIENT_ADDRESS] = whose == RELAY;
                        ck_assert_msg((firewall_reach(&sight, &e, &guest, &service, text) ==
                                       WIRE_REASON_UNREACHABLE) == (cases[i].blocks[whose] == 'y'),
                                      "'%s' '%s' %d, %d: %s", rule.application, rule.service,
                                      (int) rule.protocol, whose, text);
                }
                firewall_sight_done(&sight);
        }
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
                FirewallSeenRule rule = blocking_rule();

                rule.remote = cases[i].remote;
                expect_blocks(&rule, WIRE_REMOTE_ANY, cases[i].any, rule.remote);
                expect_blocks(&rule, WIRE_REMOTE_LOCAL_SUBNET, cases[i].subnet, rule.remote);
                expect_blocks(&rule, WIRE_REMOTE_LIST, cases[i].list, rule.remote);
        }
}
END_TEST

/* A rule that keeps out only some is told. What a rule names may be nobody, so the words say may.
 */
START_TEST(test_rules_that_keep_out_some) {
        static const struct {
                const char *what;
                size_t offset;
                const char *value;
                bool any, subnet, list; /* told for a service with this remote */
        } cases[] = {
#define CASE(member_, value_, any_, subnet_, list_) \
        {#member_ " " value_, offsetof(FirewallSeenRule, member_), value_, any_, subnet_, list_}
                CASE(remote, "192.168.1.7", true, true, false), /* the list is 10.0.0.0/8 */
                CASE(remote, "10.1.0.0/16", true, true, true),
                CASE(remote, "192.168.1.7,10.1.0.0/16", true, true, true),
                CASE(remote, "10.0.0.1-10.0.0.9", true, true, true),
                CASE(remote, "192.168.1.7," LONG, true, true, true), /* it may be anything */
                CASE(remote, "LocalSubnet", true, false, true),
                CASE(remote, "fd00::/64", true, true, false),
                CASE(local, "192.168.1.2", true, true, true), /* we listen on all */
                CASE(remote_ports, "1024-65535", true, true, true),
                CASE(interface_types, "Wireless", true, true, true),
                CASE(local_ports, "2223", false, false, false),
                CASE(application, "C:\\Games\\game.exe", false, false, false),
                CASE(package, "S-1-15-2-1", false, false, false),
#undef CASE
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                FirewallSeenRule rule = blocking_rule();

                memcpy((char *) &rule + cases[i].offset, &cases[i].value, sizeof(cases[i].value));
                expect_some(&rule, WIRE_REMOTE_ANY, cases[i].any, cases[i].what);
                if (strcmp(cases[i].what, "remote LocalSubnet") != 0)
                        expect_some(&rule, WIRE_REMOTE_LOCAL_SUBNET, cases[i].subnet,
                                    cases[i].what);
                expect_some(&rule, WIRE_REMOTE_LIST, cases[i].list, cases[i].what);
        }
}
END_TEST

/* Only rules for a network on which the service is open are told, and how many they are. */
START_TEST(test_how_many_rules_keep_out_some) {
        FirewallSight sight = {.known = true, .connected = PRIVATE};
        FirewallSeenRule rule = blocking_rule();

        rule.remote = "192.168.1.7";
        rule.profiles = DOMAIN;
        ck_assert_int_eq(firewall_sight_add(&sight, &rule), 0);
        expect(&sight, "0.0.0.0", USUAL, WIRE_REMOTE_ANY, WIRE_REASON_NONE, "private network");
        expect_not_at(&sight, "0.0.0.0", "No way");
        rule.profiles = PRIVATE;
        ck_assert_int_eq(firewall_sight_add(&sight, &rule), 0);
        expect(&sight, "0.0.0.0", USUAL, WIRE_REMOTE_ANY, WIRE_REASON_NONE,
               "network; the rule 'No way' of Windows Firewall may keep out some of them");
        ck_assert_int_eq(firewall_sight_add(&sight, &rule), 0);
        ck_assert_int_eq(firewall_sight_add(&sight, &rule), 0);
        expect(&sight, "0.0.0.0", USUAL, WIRE_REMOTE_ANY, WIRE_REASON_NONE, "and 2 more may keep");
        /* It listens on another address than the one that the rule is for. */
        firewall_sight_done(&sight);
        sight = (FirewallSight){.known = true, .connected = PRIVATE};
        rule.local = "192.168.1.2";
        ck_assert_int_eq(firewall_sight_add(&sight, &rule), 0);
        expect(&sight, "192.168.1.2", USUAL, WIRE_REMOTE_ANY, WIRE_REASON_NONE, "'No way'");
        expect(&sight, "0.0.0.0", USUAL, WIRE_REMOTE_ANY, WIRE_REASON_NONE, "'No way'");
        expect_not_at(&sight, "192.168.1.3", "No way");
        firewall_sight_done(&sight);
}
END_TEST

/* Nothing is said of them where nobody gets in anyway. */
START_TEST(test_unread) {
        FirewallSight sight = {.known = true, .connected = PRIVATE, .n_unread = 2}, none = sight;

        expect(&sight, "0.0.0.0", USUAL, WIRE_REMOTE_ANY, WIRE_REASON_NONE,
               "open to everybody on the host's private network; not looked at: 2 blocking rules "
               "of Group Policy or Intune");
        none.n_unread = 1;
        expect(&none, "0.0.0.0", USUAL, WIRE_REMOTE_ANY, WIRE_REASON_NONE, "1 blocking rule of");
        none.n_unread = 0;
        ck_assert(!firewall_sight_equal(&sight, &none));
        sight.connected = PUBLIC;
        expect_not_at(&sight, "0.0.0.0", "Intune");
}
END_TEST

/* A rule wins over a firewall that lets in what no rule blocks, and not over one that is off. */
START_TEST(test_rules_and_settings) {
        FirewallSight sight = {.known = true, .connected = PRIVATE, .lets_in = PRIVATE};
        FirewallSeenRule rule = blocking_rule();

        ck_assert_int_eq(firewall_sight_add(&sight, &rule), 0);
        expect(&sight, "0.0.0.0", USUAL, WIRE_REMOTE_ANY, WIRE_REASON_UNREACHABLE, "'No way'");
        sight.off = PRIVATE;
        expect(&sight, "0.0.0.0", USUAL, WIRE_REMOTE_ANY, WIRE_REASON_FIREWALL_OFF, "is off");
        firewall_sight_done(&sight);
}
END_TEST

START_TEST(test_names_of_others_fit) {
        FirewallSight sight = {.known = true, .connected = PRIVATE | PUBLIC};
        FirewallSeenRule rule = blocking_rule();
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
        sight = (FirewallSight){.known = true, .connected = DOMAIN | PRIVATE};
        rule.remote = "192.168.1.7";
        for (int i = 0; i < FIREWALL_BLOCKS_MAX; i++)
                ck_assert_int_eq(firewall_sight_add(&sight, &rule), 0);
        expect(&sight, "0.0.0.0", DOMAIN, WIRE_REMOTE_ANY, WIRE_REASON_NONE, "some of them");
        firewall_sight_done(&sight);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("blocks");
        TCase *tc = tcase_create("blocks");

        tcase_add_checked_fixture(tc, setup, NULL);
        tcase_add_test(tc, test_which_rules_block);
        tcase_add_test(tc, test_which_kinds_of_rules_block);
        tcase_add_test(tc, test_whose_service_is_blocked);
        tcase_add_test(tc, test_whom_rules_block);
        tcase_add_test(tc, test_rules_that_keep_out_some);
        tcase_add_test(tc, test_how_many_rules_keep_out_some);
        tcase_add_test(tc, test_unread);
        tcase_add_test(tc, test_rules_and_settings);
        tcase_add_test(tc, test_names_of_others_fit);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
