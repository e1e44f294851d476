/* SPDX-License-Identifier: MIT */

/* Policy values as an administrator may write them: what they allow. A value that cannot be read
 * allows nothing and is named. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"

#include <errno.h>
#include <string.h>

#define ITEM_MAX 128 /* bytes; from here on an item is longer than any valid one */

static Policy p;

static void setup(void) {
        policy_init(&p);
}

static WireReason refused(const char *service) {
        PolicyVerdict v;
        WireState state;

        world_parse(&state, "172.20.0.2", service);
        policy_check(&p, &state, state.n_services - 1, 0, &v);
        wire_state_done(&state);
        return v.reason;
}

static void set(const char *name, PolicyKind kind, const char *text, uint32_t number) {
        char problem[WIRE_TEXT_MAX + 1] = "";

        ck_assert_msg(policy_set(&p, name, kind, text, number, problem) == 0 && problem[0] == '\0',
                      "%s: %s", name, problem);
}

static void bad(const char *name, PolicyKind kind, const char *text, uint32_t number,
                const char *says) {
        char problem[WIRE_TEXT_MAX + 1] = "";

        policy_init(&p);
        ck_assert_int_eq(policy_set(&p, name, kind, text, number, problem), -EINVAL);
        ck_assert_msg(strstr(problem, name) && strstr(problem, says), "%s", problem);
}

START_TEST(test_ports) {
        set("AllowedListenPorts", POLICY_IS_STRINGS, "2222\n 8000-8010 \n", 0);
        set("deniedlistenports", POLICY_IS_STRING, "8005, 8007;3000",
            0); /* upper and lower case, as in the registry */
        ck_assert_int_eq(refused("a=0.0.0.0:2222"), WIRE_REASON_NONE);
        ck_assert_int_eq(refused("a=0.0.0.0:8000-8004"), WIRE_REASON_NONE);
        ck_assert_int_eq(refused("a=0.0.0.0:8000-8010"), WIRE_REASON_POLICY_PORT);
        ck_assert_int_eq(refused("a=0.0.0.0:8007"), WIRE_REASON_POLICY_PORT);
        ck_assert_int_eq(refused("a=0.0.0.0:80"), WIRE_REASON_POLICY_PORT);
        policy_init(&p);
        set("AllowedListenPorts", POLICY_IS_STRING, "9080-9099,80-80", 0);
        ck_assert_int_eq(refused("a=0.0.0.0:9080-9099"), WIRE_REASON_NONE);
        ck_assert_int_eq(refused("a=0.0.0.0:80"), WIRE_REASON_NONE);
        ck_assert_int_eq(refused("a=0.0.0.0:80-81"), WIRE_REASON_POLICY_PORT);
        policy_init(&p);
        set("DeniedListenPorts", POLICY_IS_STRINGS, "", 0); /* the list replaces the default */
        ck_assert_int_eq(refused("a=0.0.0.0:445"), WIRE_REASON_NONE);
}
END_TEST

START_TEST(test_addresses_profiles_remote) {
        set("AllowedListenAddresses", POLICY_IS_STRING, "192.168.0.0/16,::1", 0);
        ck_assert_int_eq(refused("a=192.168.7.7:80"), WIRE_REASON_NONE);
        ck_assert_int_eq(refused("a=[::1]:80"), WIRE_REASON_NONE);
        ck_assert_int_eq(refused("a=0.0.0.0:80"), WIRE_REASON_POLICY_ADDRESS);
        set("AllowedListenAddresses", POLICY_IS_STRING, "10.64.0.0/10,192.168.96.0/19,10.1.2.3/32",
            0);
        ck_assert_int_eq(refused("a=10.127.0.1:80"), WIRE_REASON_NONE);
        ck_assert_int_eq(refused("a=10.128.0.1:80"), WIRE_REASON_POLICY_ADDRESS);
        ck_assert_int_eq(refused("a=192.168.127.1:80"), WIRE_REASON_NONE);
        ck_assert_int_eq(refused("a=192.168.128.1:80"), WIRE_REASON_POLICY_ADDRESS);
        ck_assert_int_eq(refused("a=10.1.2.3:80"), WIRE_REASON_NONE);
        ck_assert_int_eq(refused("a=10.1.2.2:80"), WIRE_REASON_POLICY_ADDRESS);
        policy_init(&p);
        set("AllowedProfiles", POLICY_IS_STRINGS, "Public", 0);
        ck_assert_int_eq(p.allowed_profiles, WIRE_PROFILE_PUBLIC);
        set("AllowedProfiles", POLICY_IS_STRING, "none", 0);
        ck_assert_int_eq(p.allowed_profiles, 0);
        set("WidestRemote", POLICY_IS_STRING, "ANY", 0);
        ck_assert_int_eq(p.widest_remote, WIRE_REMOTE_ANY);
        set("WidestRemote", POLICY_IS_STRING, "localsubnet", 0);
        ck_assert_int_eq(p.widest_remote, WIRE_REMOTE_LOCAL_SUBNET);
}
END_TEST

/* What a service asks for beyond the port forwarding of Windows; "" for one that does not. */
static const struct {
        const char *service;
        WireReason without_udp, without_relay;
} wishes[] = {
        {"a=0.0.0.0:80", WIRE_REASON_NONE, WIRE_REASON_NONE},
        {"a=0.0.0.0:80+loopback", WIRE_REASON_NONE, WIRE_REASON_NONE},
        {"a=0.0.0.0:80+udp", WIRE_REASON_POLICY_PROTOCOL, WIRE_REASON_POLICY_RELAY},
        {"a=0.0.0.0:80+proxy-v2", WIRE_REASON_NONE, WIRE_REASON_POLICY_RELAY},
        {"a=0.0.0.0:80+relay", WIRE_REASON_NONE, WIRE_REASON_POLICY_RELAY},
};

START_TEST(test_protocols_and_relay) {
        ck_assert_int_eq(refused(wishes[_i].service), WIRE_REASON_NONE);
        set("AllowedProtocols", POLICY_IS_STRING, "TCP", 0);
        ck_assert_int_eq(refused(wishes[_i].service), wishes[_i].without_udp);
        set("AllowedProtocols", POLICY_IS_STRINGS, "tcp\nudp", 0);
        set("AllowRelay", POLICY_IS_NUMBER, NULL, 0);
        ck_assert_int_eq(refused(wishes[_i].service), wishes[_i].without_relay);
        set("AllowRelay", POLICY_IS_NUMBER, NULL, 1);
        ck_assert_int_eq(refused(wishes[_i].service), WIRE_REASON_NONE);
        bad("AllowedProtocols", POLICY_IS_STRING, "tcp, sctp", 0, "sctp");
        ck_assert_int_eq(refused("a=0.0.0.0:80"), WIRE_REASON_POLICY_PROTOCOL);
        bad("AllowRelay", POLICY_IS_NUMBER, NULL, 2, "0 is used instead");
        ck_assert_int_eq(refused(wishes[_i].service), wishes[_i].without_relay);
}
END_TEST

START_TEST(test_numbers) {
        set("MaxEndpointsPerAgent", POLICY_IS_NUMBER, NULL, 3);
        ck_assert_uint_eq(p.max_endpoints, 3);
        set("MaxEndpointsPerAgent", POLICY_IS_NUMBER, NULL, 65536);
        ck_assert_uint_eq(p.max_endpoints, WIRE_ENDPOINTS_MAX);
        set("PairingRequired", POLICY_IS_NUMBER, NULL, 0);
        ck_assert(!p.pairing_required);
        set("RequirePrivilegedSourcePort", POLICY_IS_NUMBER, NULL, 1);
        ck_assert(p.privileged_source);
}
END_TEST

START_TEST(test_invalid_values_deny) {
        static const char *const ports[] = {"0", "65536", "80-", "90-80", "http", "80 81", "-80"};

        for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
                bad("AllowedListenPorts", POLICY_IS_STRING, ports[i], 0, ports[i]);
                ck_assert_int_eq(refused("a=0.0.0.0:80"), WIRE_REASON_POLICY_PORT);
                bad("DeniedListenPorts", POLICY_IS_STRING, ports[i], 0, ports[i]);
                ck_assert_int_eq(refused("a=0.0.0.0:80"), WIRE_REASON_POLICY_PORT);
        }
        bad("AllowedListenPorts", POLICY_IS_NUMBER, NULL, 80, "REG_MULTI_SZ");
        ck_assert_int_eq(refused("a=0.0.0.0:80"), WIRE_REASON_POLICY_PORT);
        bad("AllowedListenAddresses", POLICY_IS_STRING, "10.0.0.1/8", 0, "10.0.0.1/8");
        ck_assert_int_eq(refused("a=10.0.0.1:80"), WIRE_REASON_POLICY_ADDRESS);
        bad("AllowedListenAddresses", POLICY_IS_STRING, "10.0.0.0/33", 0, "10.0.0.0/33");
        bad("AllowedListenAddresses", POLICY_IS_STRING, "10.0.0.0/", 0, "10.0.0.0/");
        bad("AllowedListenAddresses", POLICY_IS_STRING, "0.0.0.0/", 0, "0.0.0.0/");
        bad("AllowedListenAddresses", POLICY_IS_STRING, "10.0.0.0/8x", 0, "10.0.0.0/8x");
        bad("AllowedProfiles", POLICY_IS_STRING, "private,home", 0, "home");
        ck_assert_uint_eq(p.allowed_profiles, 0);
        bad("WidestRemote", POLICY_IS_STRING, "everybody", 0, "everybody");
        ck_assert_int_eq(p.widest_remote, WIRE_REMOTE_LOCAL_SUBNET);
        bad("MaxEndpointsPerAgent", POLICY_IS_STRING, "5", 0, "REG_DWORD");
        ck_assert_uint_eq(p.max_endpoints, 0);
        bad("PairingRequired", POLICY_IS_NUMBER, NULL, 2, "2");
        ck_assert(p.pairing_required);
        bad("RequirePrivilegedSourcePort", POLICY_IS_OTHER, NULL, 0, "REG_DWORD");
        ck_assert(p.privileged_source);
}
END_TEST

START_TEST(test_too_many_items_deny) {
        char text[8 * (POLICY_PORT_RANGES_MAX + 1)] = "";

        for (int i = 0; i <= POLICY_PORT_RANGES_MAX; i++)
                strcat(text, "80,");
        bad("AllowedListenPorts", POLICY_IS_STRING, text, 0, "too many");
        ck_assert_int_eq(refused("a=0.0.0.0:80"), WIRE_REASON_POLICY_PORT);
}
END_TEST

START_TEST(test_a_valid_value_over_an_invalid_one) {
        char problem[WIRE_TEXT_MAX + 1];

        ck_assert_int_lt(policy_set(&p, "AllowedListenPorts", POLICY_IS_STRING, "x", 0, problem),
                         0);
        set("AllowedListenPorts", POLICY_IS_STRING, "80",
            0); /* Group Policy overrides the local value */
        ck_assert_int_eq(refused("a=0.0.0.0:80"), WIRE_REASON_NONE);
        ck_assert_int_lt(
                policy_set(&p, "AllowedListenAddresses", POLICY_IS_OTHER, NULL, 0, problem), 0);
        set("AllowedListenAddresses", POLICY_IS_STRING, "0.0.0.0", 0);
        ck_assert_int_eq(refused("a=0.0.0.0:80"), WIRE_REASON_NONE);
}
END_TEST

/* The stronger key has the second one. */
START_TEST(test_the_second_value_replaces_the_first) {
        char problem[WIRE_TEXT_MAX + 1];

        set("AllowedListenPorts", POLICY_IS_STRING, "80", 0);
        set("AllowedListenPorts", POLICY_IS_STRING, "81", 0);
        ck_assert_int_eq(refused("a=0.0.0.0:80"), WIRE_REASON_POLICY_PORT);
        policy_init(&p);
        ck_assert_int_lt(policy_set(&p, "DeniedListenPorts", POLICY_IS_STRING, "x", 0, problem), 0);
        set("DeniedListenPorts", POLICY_IS_STRING, "80", 0);
        set("DeniedListenPorts", POLICY_IS_STRING, "81", 0);
        ck_assert_int_eq(refused("a=0.0.0.0:80"), WIRE_REASON_NONE);
        set("AllowedListenAddresses", POLICY_IS_STRING, "10.0.0.1", 0);
        set("AllowedListenAddresses", POLICY_IS_STRING, "10.0.0.2", 0);
        ck_assert_int_eq(refused("a=10.0.0.1:80"), WIRE_REASON_POLICY_ADDRESS);
        set("WidestRemote", POLICY_IS_STRING, "any", 0);
        ck_assert_int_lt(policy_set(&p, "WidestRemote", POLICY_IS_STRING, "x", 0, problem), 0);
        ck_assert_int_eq(p.widest_remote, WIRE_REMOTE_LOCAL_SUBNET);
        set("PairingRequired", POLICY_IS_NUMBER, NULL, 0);
        ck_assert_int_lt(policy_set(&p, "PairingRequired", POLICY_IS_NUMBER, NULL, 2, problem), 0);
        ck_assert(p.pairing_required);
}
END_TEST

START_TEST(test_length_of_an_item) {
        char text[ITEM_MAX + 1];

        memset(text, '0', ITEM_MAX);
        text[ITEM_MAX] = '\0';
        text[ITEM_MAX - 1] = '8';
        bad("AllowedListenPorts", POLICY_IS_STRING, text, 0, "is not one of");
        ck_assert_int_eq(refused("a=0.0.0.0:8"), WIRE_REASON_POLICY_PORT);
        policy_init(&p);
        set("AllowedListenPorts", POLICY_IS_STRING, text + 1, 0);
        ck_assert_int_eq(refused("a=0.0.0.0:8"), WIRE_REASON_NONE);
}
END_TEST

START_TEST(test_an_empty_list_allows_nothing) {
        set("AllowedListenPorts", POLICY_IS_STRINGS, "", 0);
        ck_assert_int_eq(refused("a=0.0.0.0:80"), WIRE_REASON_POLICY_PORT);
        policy_init(&p);
        set("AllowedListenAddresses", POLICY_IS_STRING, " , ", 0);
        ck_assert_int_eq(refused("a=0.0.0.0:80"), WIRE_REASON_POLICY_ADDRESS);
}
END_TEST

/* Blanks at the end of an item are looked for down to its beginning, and not in what is before it.
 */
START_TEST(test_an_empty_item_at_the_beginning) {
        static const char memory[] = "  ,80";

        set("AllowedListenPorts", POLICY_IS_STRING, memory + 2, 0);
        ck_assert_int_eq(refused("a=0.0.0.0:80"), WIRE_REASON_NONE);
        ck_assert_int_eq(refused("a=0.0.0.0:81"), WIRE_REASON_POLICY_PORT);
}
END_TEST

START_TEST(test_unknown_name_is_reported) {
        char problem[WIRE_TEXT_MAX + 1] = "";

        ck_assert_int_eq(policy_set(&p, "AllowedPorts", POLICY_IS_STRING, "80", 0, problem),
                         -ENOENT);
        ck_assert_ptr_nonnull(strstr(problem, "AllowedPorts"));
        ck_assert_int_eq(refused("a=0.0.0.0:81"), WIRE_REASON_NONE); /* and it changes nothing */
}
END_TEST

int main(void) {
        Suite *suite = suite_create("policy-values");
        TCase *tc = tcase_create("policy-values");

        tcase_add_checked_fixture(tc, setup, NULL);
        tcase_add_test(tc, test_ports);
        tcase_add_test(tc, test_addresses_profiles_remote);
        tcase_add_loop_test(tc, test_protocols_and_relay, 0,
                            (int) (sizeof(wishes) / sizeof(wishes[0])));
        tcase_add_test(tc, test_numbers);
        tcase_add_test(tc, test_invalid_values_deny);
        tcase_add_test(tc, test_too_many_items_deny);
        tcase_add_test(tc, test_a_valid_value_over_an_invalid_one);
        tcase_add_test(tc, test_the_second_value_replaces_the_first);
        tcase_add_test(tc, test_length_of_an_item);
        tcase_add_test(tc, test_an_empty_list_allows_nothing);
        tcase_add_test(tc, test_an_empty_item_at_the_beginning);
        tcase_add_test(tc, test_unknown_name_is_reported);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
