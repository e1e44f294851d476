/* SPDX-License-Identifier: MIT */

/*
 * What an agent asks for, which rules end up in the table, and which results the agent gets. These
 * are scenarios that a user would recognise, through the real session, controller, reconcile and
 * apply.
 */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"

#include <stdlib.h>
#include <string.h>

#define UBUNTU "a0000000000000000000000000000000/Ubuntu"

static World w;
static FakeAgent *ubuntu, *debian;

static void setup(void) {
        world_init(&w);
        world_start(&w);
        ubuntu = &w.agents[0];
        debian = &w.agents[1];
        agent_connect(ubuntu);
        ck_assert(agent_ready(ubuntu));
}

static void teardown(void) {
        world_done(&w);
}

START_TEST(test_one_service) {
        agent_ask(ubuntu, "172.20.0.2", "ssh=0.0.0.0:2222>22");
        agent_expect(ubuntu, "ssh active");
        world_expect_rules(&w, "v4tov4 0.0.0.0/2222 172.20.0.2/22\n");
        world_expect_ledger(&w, "0.0.0.0/2222 " UBUNTU "|ssh|172.20.0.2/22|172.20.0.2/22\n");
        ck_assert_uint_eq(w.host.calls[MEMORY_ACTIVATE], 1);
        ck_assert_uint_eq(w.host.calls[MEMORY_LEDGER_FLUSH], 1);
}
END_TEST

START_TEST(test_address_changes) {
        agent_ask(ubuntu, "172.20.0.2", "ssh=0.0.0.0:2222>22 web=0.0.0.0:80,[::]:80");
        agent_ask(ubuntu, "172.20.0.99", "ssh=0.0.0.0:2222>22 web=0.0.0.0:80,[::]:80");
        agent_expect(ubuntu, "ssh active; web active");
        world_expect_rules(&w, "v4tov4 0.0.0.0/2222 172.20.0.99/22\n"
                               "v4tov4 0.0.0.0/80 172.20.0.99/80\n"
                               "v6tov4 ::/80 172.20.0.99/80\n");
        ck_assert_uint_eq(w.host.calls[MEMORY_ACTIVATE], 2); /* one for each batch */
        ck_assert_uint_eq(w.host.calls[MEMORY_LEDGER_FLUSH], 2);
}
END_TEST

START_TEST(test_unchanged_state_changes_nothing) {
        uint64_t changes;
        unsigned n_results;

        agent_ask(ubuntu, "172.20.0.2", "ssh=0.0.0.0:2222>22 web=0.0.0.0:80");
        changes = world_changes(&w);
        n_results = ubuntu->n_results;
        agent_ask_again(ubuntu);
        ck_assert_uint_eq(world_changes(&w), changes);
        ck_assert_uint_eq(ubuntu->n_results, n_results + 1);
        ck_assert_uint_eq(ubuntu->result.sequence, 2);
        agent_expect(ubuntu, "ssh active; web active");
}
END_TEST

START_TEST(test_range) {
        agent_ask(ubuntu, "172.20.0.2", "dev=0.0.0.0:8000-8002>3000");
        agent_expect(ubuntu, "dev active");
        world_expect_rules(&w, "v4tov4 0.0.0.0/8000 172.20.0.2/3000\n"
                               "v4tov4 0.0.0.0/8001 172.20.0.2/3001\n"
                               "v4tov4 0.0.0.0/8002 172.20.0.2/3002\n");
}
END_TEST

START_TEST(test_last_port) {
        agent_ask(ubuntu, "172.20.0.2", "top=0.0.0.0:65534-65535");
        world_expect_rules(&w, "v4tov4 0.0.0.0/65534 172.20.0.2/65534\n"
                               "v4tov4 0.0.0.0/65535 172.20.0.2/65535\n");
}
END_TEST

START_TEST(test_service_removed) {
        agent_ask(ubuntu, "172.20.0.2", "ssh=0.0.0.0:2222>22 web=0.0.0.0:80");
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.2/80\n");
        agent_ask(ubuntu, "172.20.0.2", "");
        world_expect_rules(&w, "");
        world_expect_ledger(&w, "");
}
END_TEST

START_TEST(test_service_renamed) {
        uint64_t writes, activations;

        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        writes = w.host.calls[MEMORY_RULE_SET];
        activations = w.host.calls[MEMORY_ACTIVATE];
        agent_ask(ubuntu, "172.20.0.2", "nginx=0.0.0.0:80");
        world_expect_ledger(&w, "0.0.0.0/80 " UBUNTU "|nginx|172.20.0.2/80|172.20.0.2/80\n");
        ck_assert_uint_eq(w.host.calls[MEMORY_RULE_SET], writes); /* the value is right already */
        ck_assert_uint_eq(w.host.calls[MEMORY_ACTIVATE], activations);
}
END_TEST

START_TEST(test_guest_moves_to_ipv6_and_back) {
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        agent_ask(ubuntu, "fd00::2", "web=0.0.0.0:80");
        world_expect_rules(&w, "v4tov6 0.0.0.0/80 fd00::2/80\n");
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.2/80\n");
        agent_expect(ubuntu, "web active");
}
END_TEST

START_TEST(test_ipv4_is_preferred) {
        WireState state;

        world_parse(&state, "172.20.0.2", "web=0.0.0.0:80");
        ck_assert_int_eq(ip_parse("fd00::2", &state.v6.addr), 0);
        state.v6.prefix = 64;
        agent_push(ubuntu, &state);
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.2/80\n");
        wire_state_done(&state);
}
END_TEST

START_TEST(test_nothing_to_forward_to) {
        static const struct {
                const char *address, *results, *says;
        } cases[] = {
                {"", "web withdrawn no-address", "no address"},
                {"none", "web withdrawn networking-mode", "no network"},
                {"127.0.0.1", "web invalid guest-address", "loopback"},
                {"169.254.3.4", "web invalid guest-address", "169.254.3.4"},
                {"224.0.0.1", "web invalid guest-address", "multicast"},
                {"10.255.255.254", "web invalid guest-address", "10.255.255.254"},
                {"fe80::1", "web invalid guest-address", "fe80::1"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
                world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.2/80\n");
                agent_ask(ubuntu, cases[i].address, "web=0.0.0.0:80");
                agent_expect(ubuntu, cases[i].results);
                ck_assert_msg(strstr(agent_text(ubuntu, 0), cases[i].says), "%s",
                              agent_text(ubuntu, 0));
                world_expect_rules(&w, "");
        }
}
END_TEST

START_TEST(test_policy_refuses_one_service) {
        agent_ask(ubuntu, "172.20.0.2", "smb=0.0.0.0:445 web=0.0.0.0:80");
        agent_expect(ubuntu, "smb refused policy-port; web active");
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), "DeniedListenPorts"));
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.2/80\n");
}
END_TEST

START_TEST(test_same_endpoint_in_two_services) {
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80 proxy=0.0.0.0:79-81>8079");
        agent_expect(ubuntu, "web active; proxy invalid duplicate");
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 1), "0.0.0.0:80"));
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 1), "'web'"));
        /* The endpoints that nobody disputes are in force. */
        world_expect_rules(&w, "v4tov4 0.0.0.0/79 172.20.0.2/8079\n"
                               "v4tov4 0.0.0.0/80 172.20.0.2/80\n"
                               "v4tov4 0.0.0.0/81 172.20.0.2/8081\n");
}
END_TEST

START_TEST(test_same_endpoint_twice_in_one_service) {
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80,0.0.0.0:80-81");
        agent_expect(ubuntu, "web invalid duplicate");
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.2/80\n"
                               "v4tov4 0.0.0.0/81 172.20.0.2/81\n");
}
END_TEST

/* One endpoint of a service has a problem. The firewall opens the others, as they are in force. */
START_TEST(test_the_others_of_a_service_stay_open) {
        static const struct {
                const char *mode, *services, *results, *open;
                size_t n_at_last; /* once nothing is in the way; 0: another agent or service has
                                     some */
        } cases[] = {
                {"172.20.0.2", "web=0.0.0.0:79-81", "web conflict port-in-use", "79 81", 3},
                {"mirrored", "web=0.0.0.0:79-81", "web conflict port-in-use", "79 81", 3},
                {"172.20.0.2", "web=0.0.0.0:90-92", "web conflict foreign-rule", "90 92", 3},
                {"172.20.0.2", "web=0.0.0.0:70-72", "web conflict other-agent", "70 71 72", 0},
                {"172.20.0.2", "a=0.0.0.0:60 web=0.0.0.0:60-61", "a active; web invalid duplicate",
                 "60 61", 0},
                {"172.20.0.2", "web=0.0.0.0:50-52", "web blocked excluded-range", "50 52", 3},
                {"172.20.0.2", "web=10.1.1.1:40,0.0.0.0:41", "web blocked not-listening", "41", 2},
                {"172.20.0.2", "web=10.1.1.1:40,0.0.0.0:50-51,0.0.0.0:79-81",
                 "web conflict port-in-use", "50 79 81", 6},
        };

        w.host.listeners = true;
        w.host.taken_port = 80;
        w.host.excluded[0] = w.host.excluded[1] = 51;
        w.host.no_address = "10.1.1.1";
        world_foreign(&w, "v4tov4 0.0.0.0/91", "10.1.1.1/80");
        agent_connect(debian);
        if (_i == 3) /* 71 is open for the other agent */
                agent_ask(debian, "172.20.0.3", "www=0.0.0.0:71");
        agent_ask(ubuntu, cases[_i].mode, cases[_i].services);
        world_wait(&w, 4000);
        agent_expect(ubuntu, cases[_i].results);
        world_expect_open(&w, cases[_i].open);
        w.host.taken_port = 0;
        w.host.excluded[0] = 0;
        w.host.no_address = NULL;
        world_foreign(&w, "v4tov4 0.0.0.0/91", NULL);
        agent_ask(debian, "172.20.0.3", "");
        world_wait(&w, 4000);
        if (cases[_i].n_at_last > 0)
                ck_assert_uint_eq(w.host.firewall.n, cases[_i].n_at_last);
}
END_TEST

/* A rule for a second one would let people in to that program, and nobody would say so. */
START_TEST(test_each_taken_port_of_a_service_stays_closed) {
        w.host.listeners = true;
        w.host.taken_port = 80;
        w.host.wsl = (IpEndpoint){.port = 81};
        ck_assert_int_eq(ip_parse("0.0.0.0", &w.host.wsl.addr), 0);
        agent_ask(ubuntu, "mirrored", "web=0.0.0.0:79-82");
        world_wait(&w, 4000);
        agent_expect(ubuntu, "web conflict port-in-use");
        world_expect_open(&w, "79 82");
        w.host.taken_port = 0;
        world_wait(&w, 4000);
        agent_expect(ubuntu, "web conflict port-in-use");
        world_expect_open(&w, "79 80 82");
}
END_TEST

/* What the other one has open stays so, and the firewall is asked only for what is new. */
START_TEST(test_the_firewall_beside_another_agent) {
        static const struct {
                const char *address, *services, *open;
                unsigned n_asked;
        } asks[] = {
                {"172.20.0.2", "web=0.0.0.0:80", "70 80 90", 1},
                {"172.20.0.3", "web=0.0.0.0:80", "70 80 90", 0},
                {"172.20.0.3", "web=0.0.0.0:80 ssh=0.0.0.0:22", "22 70 80 90", 1},
                {"172.20.0.3", "ssh=0.0.0.0:22", "22 70 90", 1},
                {"172.20.0.4", "", "70 90", 1},
        };
        uint64_t n;

        agent_connect(debian);
        agent_ask(debian, "172.20.0.9", "a=0.0.0.0:70 b=0.0.0.0:90");
        n = w.host.n_firewall;
        for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
                agent_ask(ubuntu, asks[i].address, asks[i].services);
                world_expect_open(&w, asks[i].open);
                n += asks[i].n_asked;
                ck_assert_uint_eq(w.host.n_firewall, n);
        }
        world_wait(&w, 10000); /* a run for both finds nothing else */
        ck_assert_uint_eq(w.host.n_firewall, n);
}
END_TEST

START_TEST(test_two_agents_one_endpoint) {
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        agent_connect(debian);
        agent_ask(debian, "172.20.0.3", "www=0.0.0.0:80");
        agent_expect(debian, "www conflict other-agent");
        ck_assert_ptr_nonnull(strstr(agent_text(debian, 0), "'web' of Ubuntu"));
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.2/80\n");

        /* The holder keeps the endpoint when its address changes, and gives it up when it is done.
         */
        agent_ask(ubuntu, "172.20.0.9", "web=0.0.0.0:80");
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.9/80\n");
        agent_ask(ubuntu, "172.20.0.9", "");
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.3/80\n");
        agent_expect(debian, "www active"); /* without having asked again */
        ck_assert_uint_eq(debian->result.sequence, 1);

        agent_ask(ubuntu, "172.20.0.9", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web conflict other-agent");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("services");
        TCase *tc = tcase_create("services");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_one_service);
        tcase_add_test(tc, test_address_changes);
        tcase_add_test(tc, test_unchanged_state_changes_nothing);
        tcase_add_test(tc, test_range);
        tcase_add_test(tc, test_last_port);
        tcase_add_test(tc, test_service_removed);
        tcase_add_test(tc, test_service_renamed);
        tcase_add_test(tc, test_guest_moves_to_ipv6_and_back);
        tcase_add_test(tc, test_ipv4_is_preferred);
        tcase_add_test(tc, test_nothing_to_forward_to);
        tcase_add_test(tc, test_policy_refuses_one_service);
        tcase_add_test(tc, test_same_endpoint_in_two_services);
        tcase_add_test(tc, test_same_endpoint_twice_in_one_service);
        tcase_add_loop_test(tc, test_the_others_of_a_service_stay_open, 0, 8);
        tcase_add_test(tc, test_each_taken_port_of_a_service_stays_closed);
        tcase_add_test(tc, test_the_firewall_beside_another_agent);
        tcase_add_test(tc, test_two_agents_one_endpoint);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
