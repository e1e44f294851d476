/* SPDX-License-Identifier: MIT */

/* What policy refuses, and that the refusal names the value that an administrator would change. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"
#include "windows-helper/core/policy/policy.h"

#include <stdlib.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

typedef struct Case {
        const char *service;
        WireReason reason;
        const char *names; /* a part of the text */
} Case;

/* The endpoints of all services but the last. */
static uint32_t before(const WireState *state) {
        return wire_state_endpoints(state) -
               policy_endpoints(state, &state->services[state->n_services - 1]);
}

static void check_cases(const Policy *policy, const Case *cases, size_t n) {
        for (size_t i = 0; i < n; i++) {
                PolicyVerdict v;
                WireState state;

                memset(&v, 0xa5, sizeof(v)); /* everything must be written */
                world_parse(&state, "172.20.0.2", cases[i].service);
                policy_check(policy, &state, state.n_services - 1, before(&state), &v);
                ck_assert_msg(v.reason == cases[i].reason, "%s: %s", cases[i].service, v.text);
                ck_assert_int_eq(v.text[0] == '\0', v.reason == WIRE_REASON_NONE);
                if (cases[i].names)
                        ck_assert_ptr_nonnull(strstr(v.text, cases[i].names));
                wire_state_done(&state);
        }
}

START_TEST(test_defaults) {
        static const Case cases[] = {
                {"ssh=0.0.0.0:2222>22", WIRE_REASON_NONE, NULL},
                {"web=[::]:80", WIRE_REASON_NONE, NULL},
                {"all=0.0.0.0:1-134", WIRE_REASON_NONE, NULL},
                {"top=0.0.0.0:5987-65535", WIRE_REASON_NONE, NULL},
                {"rpc=0.0.0.0:135", WIRE_REASON_POLICY_PORT, "DeniedListenPorts"},
                {"smb=0.0.0.0:445", WIRE_REASON_POLICY_PORT, "port 445"},
                {"rdp=[::]:3389", WIRE_REASON_POLICY_PORT, "DeniedListenPorts"},
                {"range=0.0.0.0:130-150", WIRE_REASON_POLICY_PORT, "port 135"},
                {"winrm=0.0.0.0:80,0.0.0.0:5986", WIRE_REASON_POLICY_PORT, "port 5986"},
                {"pub=0.0.0.0:80+public", WIRE_REASON_POLICY_PROFILE, "AllowedProfiles"},
                {"any=0.0.0.0:80+any", WIRE_REASON_POLICY_REMOTE, "WidestRemote"},
                {"mine=0.0.0.0:80+any+none", WIRE_REASON_NONE, NULL}, /* opens nothing */
        };
        Policy p;

        policy_init(&p);
        ck_assert(p.pairing_required);
        ck_assert_uint_eq(p.max_endpoints, 1024);
        p.max_endpoints = UINT16_MAX; /* the cases are about ports */
        check_cases(&p, cases, N(cases));
}
END_TEST

START_TEST(test_allowed_ports) {
        static const Case cases[] = {
                {"a=0.0.0.0:8000-8099", WIRE_REASON_NONE, NULL}, /* two ranges that touch */
                {"a=0.0.0.0:8000-8100", WIRE_REASON_POLICY_PORT, "port 8100"},
                {"a=0.0.0.0:7999", WIRE_REASON_POLICY_PORT, "AllowedListenPorts"},
                {"a=0.0.0.0:8040", WIRE_REASON_POLICY_PORT,
                 "DeniedListenPorts"}, /* the denial wins */
                {"a=0.0.0.0:65535", WIRE_REASON_NONE, NULL},
                {"a=0.0.0.0:9000", WIRE_REASON_POLICY_PORT, "port 9000"}, /* behind the last */
        };
        Policy p;

        policy_init(&p);
        p.allowed_ports[p.n_allowed_ports++] = (PolicyPorts){8050, 8099};
        p.allowed_ports[p.n_allowed_ports++] = (PolicyPorts){8000, 8060};
        p.allowed_ports[p.n_allowed_ports++] = (PolicyPorts){65000, 65535};
        p.allowed_ports[p.n_allowed_ports] = (PolicyPorts){9000, 9000};
        check_cases(&p, cases, 1);
        p.denied_ports[p.n_denied_ports++] = (PolicyPorts){8040, 8040};
        check_cases(&p, cases + 3, 1);
        p.n_denied_ports--;
        check_cases(&p, cases + 1, 2);
        check_cases(&p, cases + 4, 2);
}
END_TEST

START_TEST(test_allowed_addresses) {
        static const Case cases[] = {
                {"a=192.168.1.5:80", WIRE_REASON_NONE, NULL},
                {"a=[::1]:80", WIRE_REASON_NONE, NULL},
                {"a=0.0.0.0:80", WIRE_REASON_POLICY_ADDRESS, "AllowedListenAddresses"},
                {"a=192.168.1.5:80,10.0.0.1:80", WIRE_REASON_POLICY_ADDRESS, "10.0.0.1"},
                {"a=[::]:80", WIRE_REASON_POLICY_ADDRESS, "AllowedListenAddresses"},
        };
        Policy p;

        policy_init(&p);
        p.allowed_listen[p.n_allowed_listen++] = (WirePrefix){ip_v4(192, 168, 0, 0), 16};
        p.allowed_listen[p.n_allowed_listen] = (WirePrefix){{IP_FAMILY_V6, {0}}, 128};
        p.allowed_listen[p.n_allowed_listen++].addr.bytes[15] = 1;
        p.allowed_listen[p.n_allowed_listen] = (WirePrefix){ip_v4(10, 0, 0, 0), 8};
        check_cases(&p, cases, N(cases));
}
END_TEST

START_TEST(test_fewer_profiles) {
        static const Case cases[] = {
                {"a=0.0.0.0:80", WIRE_REASON_POLICY_PROFILE, "firewall profile private"},
                {"a=0.0.0.0:80+public", WIRE_REASON_POLICY_PROFILE, "firewall profile private"},
                {"a=0.0.0.0:80+none", WIRE_REASON_NONE, NULL},
        };
        WireService s = {.profiles = WIRE_PROFILE_ALL, .remote = WIRE_REMOTE_LOCAL_SUBNET};
        const WireState state = {.services = &s, .n_services = 1};
        PolicyVerdict v;
        Policy p;

        policy_init(&p);
        p.allowed_profiles = WIRE_PROFILE_DOMAIN;
        check_cases(&p, cases, N(cases));
        p.allowed_profiles = WIRE_PROFILE_PRIVATE;
        policy_check(&p, &state, 0, 0, &v);
        ck_assert_ptr_nonnull(strstr(v.text, "firewall profile domain"));
}
END_TEST

START_TEST(test_more_allowed) {
        static const Case cases[] = {
                {"a=0.0.0.0:80+public+any", WIRE_REASON_NONE, NULL},
                {"a=0.0.0.0:80 b=0.0.0.0:81", WIRE_REASON_NONE, NULL},
                {"a=0.0.0.0:80 b=0.0.0.0:81 c=0.0.0.0:82", WIRE_REASON_POLICY_SERVICES,
                 "MaxEndpointsPerAgent"},
                {"a=0.0.0.0:80-81", WIRE_REASON_NONE, NULL},
                {"a=0.0.0.0:80,0.0.0.0:90-91", WIRE_REASON_POLICY_SERVICES, "they are 3"},
                {"a=0.0.0.0:80 b=0.0.0.0:81-82", WIRE_REASON_POLICY_SERVICES, "allows 2"},
        };
        Policy p;

        policy_init(&p);
        p.allowed_profiles = WIRE_PROFILE_ALL;
        p.widest_remote = WIRE_REMOTE_ANY;
        p.max_endpoints = 2;
        check_cases(&p, cases, N(cases));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("policy");
        TCase *tc = tcase_create("policy");

        tcase_add_test(tc, test_defaults);
        tcase_add_test(tc, test_allowed_ports);
        tcase_add_test(tc, test_allowed_addresses);
        tcase_add_test(tc, test_fewer_profiles);
        tcase_add_test(tc, test_more_allowed);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
