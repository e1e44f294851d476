/* SPDX-License-Identifier: MIT */

/* For whom a port is open now: tables of networks and of settings of the firewall. */

#include "tests/unit/windows-helper/firewall/reach-expect.h"

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
                 "open to the addresses in remote on the host's private network, not on public "
                 "ones"},
                {PRIVATE | DOMAIN, DOMAIN, WIRE_REMOTE_ANY, WIRE_REASON_NONE,
                 "open to everybody on the host's domain network, not on its private one"},
                {DOMAIN | PRIVATE | PUBLIC, WIRE_PROFILE_ALL, WIRE_REMOTE_ANY, WIRE_REASON_NONE,
                 "domain, private and public network"},
                {PUBLIC, USUAL, WIRE_REMOTE_LOCAL_SUBNET, WIRE_REASON_UNREACHABLE,
                 "no other machine can connect now: the host's network is public, the service "
                 "opens "
                 "domain and private; make that network private in Windows, or set firewall = "
                 "domain, private, public, if the policy allows it"},
                {PUBLIC, DOMAIN, WIRE_REMOTE_ANY, WIRE_REASON_UNREACHABLE,
                 "opens domain; set firewall = domain, public, if"},
                {DOMAIN, PRIVATE, WIRE_REMOTE_ANY, WIRE_REASON_UNREACHABLE,
                 "set firewall = domain, private, if"},
                {DOMAIN | PUBLIC, PRIVATE, WIRE_REMOTE_ANY, WIRE_REASON_UNREACHABLE,
                 "the host's network is domain, the service opens private; set firewall = domain, "
                 "private, if the policy allows it; networks that Windows calls public stay "
                 "closed"},
                {0, USUAL, WIRE_REMOTE_ANY, WIRE_REASON_UNREACHABLE, "the host is on no network"},
                {PRIVATE, 0, WIRE_REMOTE_ANY, WIRE_REASON_NONE,
                 "opens nothing in Windows Firewall"},
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

/* A public network beside another one may be a Wi-Fi at home beside a company's VPN, or only the
 * adapter of a virtual switch. It is said that it is closed, and it is no reason to warn. */
START_TEST(test_public_beside_another) {
        static const struct {
                uint8_t connected, asked;
                const char *text;
        } cases[] = {
                {PRIVATE, USUAL, "open to everybody on the host's private network"},
                {DOMAIN | PUBLIC, USUAL,
                 "open to everybody on the host's domain network, not on public ones"},
                {PRIVATE | PUBLIC, USUAL | PUBLIC,
                 "open to everybody on the host's private and public network"},
                {DOMAIN | PRIVATE | PUBLIC, DOMAIN,
                 "open to everybody on the host's domain network, not on its private one, not on "
                 "public ones"},
        };
        const IpEndpoint e = {.addr = ip_v4(0, 0, 0, 0), .port = 2222};
        char text[WIRE_TEXT_MAX + 1];

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                FirewallSight sight = {.known = true, .connected = cases[i].connected};
                WireService service = {.profiles = cases[i].asked, .remote = WIRE_REMOTE_ANY};

                ck_assert_int_eq(firewall_reach(&sight, &e, &state, &service, text),
                                 WIRE_REASON_NONE);
                ck_assert_str_eq(text, cases[i].text);
        }
}
END_TEST

/* Before it comes why a service is direct, and nothing of the advice may be cut off. */
START_TEST(test_advice_has_room) {
        const size_t room =
                WIRE_TEXT_MAX - strlen("direct: WSL listens on this host for the guest; ");
        const IpEndpoint e = {.addr = ip_v4(0, 0, 0, 0), .port = 2222};
        char text[WIRE_TEXT_MAX + 1];

        for (uint8_t connected = 1; connected <= WIRE_PROFILE_ALL; connected++) {
                for (uint8_t asked = 1; asked <= WIRE_PROFILE_ALL; asked++) {
                        FirewallSight sight = {.known = true, .connected = connected};
                        WireService service = {.profiles = asked, .remote = WIRE_REMOTE_ANY};

                        if (firewall_reach(&sight, &e, &state, &service, text) !=
                            WIRE_REASON_UNREACHABLE)
                                continue;
                        ck_assert_uint_le(strlen(text), room);
                        ck_assert_ptr_nonnull(strstr(text, "if the policy allows it"));
                }
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
                 "allows everything that no rule blocks"},
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
                {{.connected = PRIVATE, .overridden = USUAL},
                 USUAL,
                 WIRE_REASON_UNREACHABLE,
                 "Group Policy"},
                {{.connected = PRIVATE, .product = "Some Firewall"},
                 USUAL,
                 WIRE_REASON_FIREWALL,
                 "Some Firewall filters, too"},
                {{.connected = PRIVATE, .product = "X"},
                 USUAL,
                 WIRE_REASON_FIREWALL,
                 "; X filters, too"},
                {{.connected = PRIVATE, .off = PRIVATE, .product = "Some Firewall"},
                 USUAL,
                 WIRE_REASON_FIREWALL,
                 "Some Firewall decides"},
                {{.connected = PRIVATE, .off = PRIVATE, .product = "X"},
                 USUAL,
                 WIRE_REASON_FIREWALL,
                 "network; X decides"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                FirewallSight sight = cases[i].sight;

                sight.known = true;
                expect(&sight, "0.0.0.0", cases[i].asked, WIRE_REMOTE_LOCAL_SUBNET, cases[i].reason,
                       cases[i].text);
        }
}
END_TEST

/* A company may let local rules count at home and not in its own network. The adapter of WSL is on
 * a public one. */
START_TEST(test_local_rules_that_count_in_some_networks) {
        FirewallSight sight = {.known = true, .connected = DOMAIN | PUBLIC, .overridden = DOMAIN};

        expect(&sight, "0.0.0.0", USUAL, WIRE_REMOTE_LOCAL_SUBNET, WIRE_REASON_UNREACHABLE,
               "Group Policy");
        sight.connected = DOMAIN | PRIVATE;
        expect(&sight, "0.0.0.0", USUAL, WIRE_REMOTE_LOCAL_SUBNET, WIRE_REASON_NONE,
               "private network, not on its domain one");
}
END_TEST

START_TEST(test_names_of_networks) {
        static const char *const names[WIRE_PROFILE_ALL + 1] = {
                "none",
                "domain",
                "private",
                "domain and private",
                "public",
                "domain and public",
                "private and public",
                "domain, private and public",
        };

        for (uint8_t i = 0; i <= WIRE_PROFILE_ALL; i++) {
                char text[FIREWALL_PROFILES_TEXT_MAX];

                memset(text, 'x', sizeof(text));
                firewall_profiles_text(i, text);
                ck_assert_str_eq(text, names[i]);
        }
}
END_TEST

/* What is not connected is not told. */
START_TEST(test_the_firewall_as_a_whole) {
        static const struct {
                FirewallSight sight;
                const char *text;
        } cases[] = {
                {{.connected = PRIVATE}, "network: private; Windows Firewall: on"},
                {{.connected = 0, .off = USUAL}, "network: none; Windows Firewall: on"},
                {{.connected = PRIVATE, .off = PRIVATE | PUBLIC, .shut = PRIVATE},
                 "network: private; Windows Firewall: off"},
                {{.connected = USUAL, .off = PRIVATE, .shut = DOMAIN},
                 "network: domain and private; Windows Firewall: off on a part of these"},
                {{.connected = PRIVATE, .off = PUBLIC, .shut = PRIVATE, .overridden = USUAL},
                 "network: private; Windows Firewall: blocks all incoming connections"},
                {{.connected = USUAL, .shut = PRIVATE, .lets_in = DOMAIN},
                 "network: domain and private; Windows Firewall: blocks all incoming on a part of "
                 "these"},
                {{.connected = DOMAIN, .shut = PUBLIC, .overridden = USUAL, .lets_in = DOMAIN},
                 "network: domain; Windows Firewall: on, local rules ignored by Group Policy"},
                {{.connected = USUAL, .lets_in = DOMAIN},
                 "network: domain and private; Windows Firewall: on, allows everything that no "
                 "rule blocks"},
                {{.connected = USUAL, .lets_in = PUBLIC},
                 "network: domain and private; Windows Firewall: on"},
                {{.connected = PUBLIC, .product = "X"},
                 "network: public; Windows Firewall: on; another firewall: X"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                FirewallSight sight = cases[i].sight;
                char text[WIRE_TEXT_MAX + 1] = "before";

                firewall_sight_text(&sight, text);
                ck_assert_str_eq(text, ""); /* nothing is known yet */
                sight.known = true;
                firewall_sight_text(&sight, text);
                ck_assert_str_eq(text, cases[i].text);
        }
}
END_TEST

/* What leaves nobody is told before what lets in too many, and that before what only may matter. */
START_TEST(test_what_is_told_of_several_endpoints) {
        static const WireReason reasons[] = {WIRE_REASON_NONE, WIRE_REASON_FIREWALL,
                                             WIRE_REASON_FIREWALL_OFF, WIRE_REASON_UNREACHABLE};

        for (size_t i = 1; i < sizeof(reasons) / sizeof(reasons[0]); i++)
                ck_assert_uint_lt(firewall_reach_rank((uint16_t) reasons[i - 1]),
                                  firewall_reach_rank((uint16_t) reasons[i]));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("reach");
        TCase *tc = tcase_create("reach");

        tcase_add_checked_fixture(tc, setup, NULL);
        tcase_add_test(tc, test_networks);
        tcase_add_test(tc, test_public_beside_another);
        tcase_add_test(tc, test_advice_has_room);
        tcase_add_test(tc, test_settings_of_the_firewall);
        tcase_add_test(tc, test_local_rules_that_count_in_some_networks);
        tcase_add_test(tc, test_names_of_networks);
        tcase_add_test(tc, test_the_firewall_as_a_whole);
        tcase_add_test(tc, test_what_is_told_of_several_endpoints);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
