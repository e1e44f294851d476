/* SPDX-License-Identifier: MIT */

/*
 * Claim: what PortProxy cannot carry, the relay does, under the same promises: one guest for an
 * endpoint, foreign values untouched, drift repaired, nothing left behind, and each service told
 * what is true.
 */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"
#include "windows-helper/core/relay/relay-table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WEB_BY_RELAY "relay-tcp-v4tov4 0.0.0.0/80 172.20.0.2/80\n"

static World w;
static FakeAgent *ubuntu, *debian;

static void setup(void) {
        world_init(&w);
        w.options.means.relay = true;
        w.host.listeners = true;
        world_start(&w);
        ubuntu = &w.agents[0];
        debian = &w.agents[1];
        agent_connect(ubuntu);
        ck_assert(agent_ready(ubuntu));
}

static void teardown(void) {
        world_done(&w);
}

/* Each way to ask for it, and what is written then. */
START_TEST(test_what_is_written) {
        static const struct {
                const char *services, *rules, *ledger;
        } cases[] = {
                {"dns=0.0.0.0:53+udp", "relay-udp-v4tov4 0.0.0.0/53 172.20.0.2/53\n",
                 "0.0.0.0/53/udp a0000000000000000000000000000000/Ubuntu|dns|"
                 "relay 172.20.0.2/53|relay 172.20.0.2/53\n"},
                {"web=0.0.0.0:80>8080+proxy-v2",
                 "relay-tcp-v4tov4 0.0.0.0/80 172.20.0.2/8080 proxy-v2\n",
                 "0.0.0.0/80 a0000000000000000000000000000000/Ubuntu|web|"
                 "relay 172.20.0.2/8080 proxy-v2|relay 172.20.0.2/8080 proxy-v2\n"},
                {"web=[::]:80+relay", "relay-tcp-v6tov4 ::/80 172.20.0.2/80\n",
                 "::/80 a0000000000000000000000000000000/Ubuntu|web|"
                 "relay 172.20.0.2/80|relay 172.20.0.2/80\n"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                agent_ask(ubuntu, "172.20.0.2", cases[i].services);
                ck_assert_int_eq(ubuntu->result.services[0].state, WIRE_SERVICE_ACTIVE);
                ck_assert_int_eq(ubuntu->result.services[0].forwarder, WIRE_FORWARDER_RELAY);
                world_expect_rules(&w, cases[i].rules);
                world_expect_ledger(&w, cases[i].ledger);
                ck_assert(w.host.relay_runs);
                agent_ask(ubuntu, "172.20.0.2", "");
                world_expect_rules(&w, "");
                world_expect_ledger(&w, "");
                ck_assert(!w.host.relay_runs);
        }
}
END_TEST

START_TEST(test_a_port_of_both_protocols) {
        agent_connect(debian);
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:53 dns=0.0.0.0:53+udp");
        agent_expect(ubuntu, "web active; dns active");
        agent_ask(debian, "172.20.0.3", "web=0.0.0.0:53 dns=0.0.0.0:53+udp");
        agent_expect(debian, "web conflict other-agent; dns conflict other-agent");
        ck_assert_ptr_nonnull(strstr(agent_text(debian, 1), "0.0.0.0:53/udp: held by"));
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:53");
        agent_expect(debian, "web conflict other-agent; dns active");
        world_expect_rules(&w, "relay-udp-v4tov4 0.0.0.0/53 172.20.0.3/53\n"
                               "v4tov4 0.0.0.0/53 172.20.0.2/53\n");
}
END_TEST

/* The other forwarder must have let go of the port before the new one can have it. */
static void never_both(MemoryHost *m, const char *rule, const char *data) {
        bool relay = strncmp(rule, "relay", 5) == 0;
        const char *other = relay ? "v4tov4 0.0.0.0/80" : "relay-tcp-v4tov4 0.0.0.0/80";

        ck_assert(!data || !text_map_get(&m->rules, other));
        ck_assert_msg(!data || !relay || !m->iphlpsvc_behind, "iphlpsvc has not heard of it");
}

START_TEST(test_the_forwarder_changes) {
        static const char *const turns[] = {"web=0.0.0.0:80", "web=0.0.0.0:80+relay",
                                            "web=0.0.0.0:80+proxy-v2", "web=0.0.0.0:80",
                                            "web=0.0.0.0:80>81+relay"};
        static const char *const rules[] = {"v4tov4 0.0.0.0/80 172.20.0.2/80\n", WEB_BY_RELAY,
                                            "relay-tcp-v4tov4 0.0.0.0/80 172.20.0.2/80 proxy-v2\n",
                                            "v4tov4 0.0.0.0/80 172.20.0.2/80\n",
                                            "relay-tcp-v4tov4 0.0.0.0/80 172.20.0.2/81\n"};

        w.host.changing = never_both;
        for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
                agent_ask(ubuntu, "172.20.0.2", turns[i]);
                agent_expect(ubuntu, "web active");
                world_expect_rules(&w, rules[i]);
                ck_assert_uint_eq(w.host.firewall.n, 1); /* the port stays open */
        }
}
END_TEST

/* What goes closes first, and iphlpsvc is told, before the relay is asked to listen. */
static void in_order(MemoryHost *m, const char *rule, const char *data) {
        bool relay = strncmp(rule, "relay-tcp-", 10) == 0;
        char other[128];

        (void) snprintf(other, sizeof(other), "%s%s", relay ? "" : "relay-tcp-",
                        relay ? rule + 10 : rule);
        if (!data)
                return;
        ck_assert_ptr_null(text_map_get(&m->rules, other));
        ck_assert_msg(!relay || !m->iphlpsvc_behind, "%s: iphlpsvc has not heard of it", rule);
}

/* In slices, too, the firewall stays open for what moves. */
START_TEST(test_many_ports_move) {
        uint64_t n_firewall, activations;

        world_stop(&w);
        w.options.slice_changes = 2;
        world_start(&w);
        agent_connect(ubuntu);
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:8000-8009");
        agent_expect(ubuntu, "web active");
        n_firewall = w.host.n_firewall;
        activations = w.host.calls[MEMORY_ACTIVATE];
        w.host.changing = in_order;
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:8000-8009+relay");
        agent_expect(ubuntu, "web active");
        ck_assert_uint_eq(w.host.calls[MEMORY_ACTIVATE], activations + 1); /* and no more often */
        ck_assert_uint_eq(w.host.n_firewall, n_firewall);
        ck_assert_uint_eq(w.host.firewall.n, 10);
        ck_assert_uint_eq(w.host.rules.n, 10);
        ck_assert_ptr_nonnull(strstr(world_rules(&w), "relay-tcp-v4tov4 0.0.0.0/8009 "));
        ck_assert(!w.host.iphlpsvc_behind);
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:8000-8009"); /* and back */
        agent_expect(ubuntu, "web active");
        ck_assert_uint_eq(w.host.rules.n, 10);
        ck_assert(!w.host.iphlpsvc_behind);
}
END_TEST

/* The relay reads at most this many entries, and which ones does not depend on whose they are. */
static void expect_room_for_all(void) {
        const TextMapEntry **list = text_map_list(&w.host.rules);
        RelayTable table = RELAY_TABLE_NULL;
        size_t n = 0;

        ck_assert_ptr_nonnull(list);
        for (size_t i = 0; i < w.host.rules.n; i++) {
                RelayEntry entry;
                RuleFamily family;
                const char *name = memory_host_split(list[i]->key, &family);

                n += !relay_entry_parse(family, name, list[i]->data, &entry) &&
                     relay_table_add(&table, &entry) == 0;
        }
        ck_assert_uint_eq(n, w.host.rules.n);
        relay_table_done(&table);
        free(list);
}

/* A guest takes as much as the policy may let it, and a newcomer still gets its port. The guest is
 * told by which limit it is bounded. */
START_TEST(test_a_guest_with_everything) {
        Policy policy = w.options.policy;

        ck_assert_uint_ge(RELAY_ENTRIES_MAX, CONTROLLER_GUESTS_MAX * WIRE_ENDPOINTS_MAX);
        policy.max_endpoints = WIRE_ENDPOINTS_MAX;
        controller_set_policy(w.controller, &policy, w.host.now_usec);
        world_run(&w);
        agent_connect(debian);
        agent_ask(ubuntu, "172.20.0.2", "rtp=0.0.0.0:20000-36383+udp");
        agent_ask(debian, "172.20.0.3", "dns=0.0.0.0:53+udp");
        agent_expect(ubuntu, "rtp active");
        ck_assert_uint_eq(w.host.rules.n, WIRE_ENDPOINTS_MAX + 1);
        expect_room_for_all();
        policy.max_endpoints = WIRE_ENDPOINTS_MAX - 1;
        controller_set_policy(w.controller, &policy, w.host.now_usec);
        world_run(&w);
        agent_expect(ubuntu, "rtp refused policy-services");
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), "MaxEndpointsPerAgent allows 16383"));
        agent_expect(debian, "dns active");
}
END_TEST

/* A value that is not ours does not keep the relay running without a helper. */
START_TEST(test_stop_beside_a_value_of_somebody) {
        world_foreign(&w, "relay-udp-v4tov4 0.0.0.0/53", "10.9.9.9/53");
        ck_assert(w.host.relay_runs);
        world_stop(&w);
        ck_assert(!w.host.relay_runs);
        ck_assert_uint_eq(w.host.rules.n, 1);
}
END_TEST

/* It was killed between the two steps of the change above. */
START_TEST(test_killed_while_the_forwarder_changes) {
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        world_kill(&w);
        memory_host_foreign(&w.host, RULE_V4TOV4, "0.0.0.0/80", NULL);
        world_start(&w);
        agent_connect(ubuntu);
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80+relay");
        agent_expect(ubuntu, "web active");
        world_expect_rules(&w, WEB_BY_RELAY);
        world_stop(&w);
        world_expect_rules(&w, "");
        world_expect_ledger(&w, "");
        ck_assert(!w.host.relay_runs);
}
END_TEST

/* A kill leaves the relay as it is: its connections live on. */
START_TEST(test_killed_and_started_again) {
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80+relay");
        world_kill(&w);
        ck_assert(w.host.relay_runs);
        world_start(&w);
        world_run(&w);
        ck_assert(w.host.relay_runs);
        world_expect_rules(&w, WEB_BY_RELAY);
        world_wait(&w, CONTROLLER_RECOVERY_MS + 1000); /* nobody came back */
        world_expect_rules(&w, "");
        ck_assert(!w.host.relay_runs);
}
END_TEST

START_TEST(test_others) {
        static const struct {
                const char *services, *rule, *data, *expected;
        } cases[] = {
                {"web=0.0.0.0:80+relay", "v4tov4 0.0.0.0/80", "10.9.9.9/80",
                 "web conflict foreign-rule"},
                {"web=0.0.0.0:80+udp", "v4tov4 0.0.0.0/80", "10.9.9.9/80", "web active"},
                {"web=0.0.0.0:80+udp", "v4tov4 *:80", "10.9.9.9/80", "web active"},
                {"web=0.0.0.0:80", "relay-tcp-v4tov4 0.0.0.0/80", "172.20.0.2/80",
                 "web conflict foreign-rule"},
                {"web=0.0.0.0:80+udp", "relay-udp-v4tov6 0.0.0.0/80", "fd00::2/80",
                 "web conflict foreign-rule"},
                {"web=0.0.0.0:80+udp", "relay-tcp-v4tov4 0.0.0.0/80", "172.20.0.2/80",
                 "web active"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                world_foreign(&w, cases[i].rule, cases[i].data);
                agent_ask(ubuntu, "172.20.0.2", cases[i].services);
                agent_expect(ubuntu, cases[i].expected);
                agent_ask(ubuntu, "172.20.0.2", "");
                ck_assert_uint_eq(w.host.rules.n, 1);
                world_foreign(&w, cases[i].rule, NULL);
        }
}
END_TEST

START_TEST(test_drift) {
        agent_ask(ubuntu, "172.20.0.2", "dns=0.0.0.0:53+udp");
        world_foreign(&w, "relay-udp-v4tov4 0.0.0.0/53", NULL);
        world_expect_rules(&w, "relay-udp-v4tov4 0.0.0.0/53 172.20.0.2/53\n");
        world_foreign(&w, "relay-udp-v4tov4 0.0.0.0/53", "10.9.9.9/53");
        agent_expect(ubuntu, "dns conflict foreign-rule");
        world_expect_rules(&w, "relay-udp-v4tov4 0.0.0.0/53 10.9.9.9/53\n");
        world_expect_ledger(&w, "");
        world_foreign(&w, "relay-udp-v4tov4 0.0.0.0/53", NULL);
        agent_expect(ubuntu, "dns active");
}
END_TEST

START_TEST(test_it_does_not_listen) {
        w.host.relay_slow = true;
        agent_ask(ubuntu, "172.20.0.2", "dns=0.0.0.0:53+udp web=0.0.0.0:80");
        agent_expect(ubuntu, "dns pending not-listening; web active");
        world_wait(&w, 10000);
        agent_expect(ubuntu, "dns blocked not-listening; web active");
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), "wslbridge-relay does not listen"));
        w.host.relay_slow = false;
        controller_relay_changed(w.controller);
        world_run(&w);
        agent_expect(ubuntu, "dns active; web active");
}
END_TEST

START_TEST(test_a_port_that_is_taken) {
        w.host.taken_port = 53;
        agent_ask(ubuntu, "172.20.0.2", "tcp=0.0.0.0:53+relay");
        world_wait(&w, 1000);
        agent_expect(ubuntu, "tcp conflict port-in-use");
        w.host.excluded[0] = w.host.excluded[1] = 54;
        agent_ask(ubuntu, "172.20.0.2", "udp=0.0.0.0:54+udp");
        world_wait(&w, 1000);
        agent_expect(ubuntu, "udp blocked excluded-range");
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), "protocol=udp"));
}
END_TEST

static unsigned n_asked; /* how often iphlpsvc was told to read its values */

static int no_iphlpsvc(MemoryHost *m, MemoryCall call) {
        n_asked += call == MEMORY_ACTIVATE;
        return call == MEMORY_ACTIVATE ? -EPERM : 0;
}

/* 'forwarder = relay' is for hosts where IP Helper is disabled, too. */
START_TEST(test_without_ip_helper) {
        w.host.fault = no_iphlpsvc;
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80 dns=0.0.0.0:53+udp");
        agent_expect(ubuntu, "web blocked iphlpsvc; dns active");
        w.host.relay_slow = true;
        controller_relay_changed(w.controller);
        world_wait(&w, 10000);
        agent_expect(ubuntu, "web blocked iphlpsvc; dns blocked not-listening");
        w.host.relay_slow = false;
        controller_relay_changed(w.controller);
        agent_ask(ubuntu, "172.20.0.2", "dns=0.0.0.0:53+udp");
        world_wait(&w, 1000);
        agent_expect(ubuntu, "dns active");
        n_asked = 0;
        world_wait(&w, 10 * CONTROLLER_RETRY_MS); /* nobody asks the disabled service any more */
        ck_assert_uint_eq(n_asked, 0);
}
END_TEST

START_TEST(test_policy) {
        Policy policy = w.options.policy;

        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80 dns=0.0.0.0:53+udp");
        policy.allow_relay = false;
        controller_set_policy(w.controller, &policy, w.host.now_usec);
        world_run(&w);
        agent_expect(ubuntu, "web active; dns refused policy-relay");
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.2/80\n");
        ck_assert(!w.host.relay_runs);
        policy.allow_relay = true;
        controller_set_policy(w.controller, &policy, w.host.now_usec);
        world_run(&w);
        agent_expect(ubuntu, "web active; dns active");
}
END_TEST

START_TEST(test_firewall) {
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:53 dns=0.0.0.0:53+udp");
        ck_assert_uint_eq(w.host.firewall.n, 2);
        ck_assert(!w.host.firewall.items[0].listen.udp && w.host.firewall.items[1].listen.udp);
}
END_TEST

/* In these modes nothing is forwarded. The firewall opens the port. */
START_TEST(test_direct) {
        agent_ask(ubuntu, "mirrored", "dns=0.0.0.0:53+udp");
        agent_expect(ubuntu, "dns active direct");
        world_expect_rules(&w, "");
        ck_assert(!w.host.relay_runs);
        ck_assert_uint_eq(w.host.firewall.n, 1);
        ck_assert(w.host.firewall.items[0].listen.udp);
        agent_ask(ubuntu, "172.20.0.2", "dns=0.0.0.0:53+udp");
        agent_expect(ubuntu, "dns active");
        ck_assert(w.host.relay_runs);
        agent_ask(ubuntu, "mirrored", "dns=0.0.0.0:53+udp");
        agent_expect(ubuntu, "dns active direct");
        world_expect_rules(&w, "");
        ck_assert(!w.host.relay_runs);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("relay");
        TCase *tcase = tcase_create("relay");

        tcase_set_timeout(tcase, 60);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, test_what_is_written);
        tcase_add_test(tcase, test_a_port_of_both_protocols);
        tcase_add_test(tcase, test_the_forwarder_changes);
        tcase_add_test(tcase, test_many_ports_move);
        tcase_add_test(tcase, test_a_guest_with_everything);
        tcase_add_test(tcase, test_stop_beside_a_value_of_somebody);
        tcase_add_test(tcase, test_killed_while_the_forwarder_changes);
        tcase_add_test(tcase, test_killed_and_started_again);
        tcase_add_test(tcase, test_others);
        tcase_add_test(tcase, test_drift);
        tcase_add_test(tcase, test_it_does_not_listen);
        tcase_add_test(tcase, test_a_port_that_is_taken);
        tcase_add_test(tcase, test_without_ip_helper);
        tcase_add_test(tcase, test_policy);
        tcase_add_test(tcase, test_firewall);
        tcase_add_test(tcase, test_direct);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
