/* SPDX-License-Identifier: MIT */

/*
 * A value that was written does not mean that the port is open. An obstacle is found and named, and
 * its end is noticed. Also the firewall rules that belong to open ports.
 */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"
#include "windows-helper/core/ports/verify.h"

#include <errno.h>
#include <string.h>

static World w;
static FakeAgent *ubuntu;

static void setup(void) {
        world_init(&w);
        w.host.listeners = true;
        w.options.means.relay = true;
        world_start(&w);
        ubuntu = &w.agents[0];
        agent_connect(ubuntu);
}

static void teardown(void) {
        world_done(&w);
}

#define expect_text(part) \
        ck_assert_msg(strstr(agent_text(ubuntu, 0), part), "%s", agent_text(ubuntu, 0))

START_TEST(test_active_at_once_without_a_timer) {
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80,[::]:80 dev=10.1.1.1:8000-8002");
        agent_expect(ubuntu, "web active; dev active");
        ck_assert_uint_eq(ubuntu->n_results, 1);
        ck_assert_uint_gt(controller_deadline(w.controller), w.host.now_usec + 1000000);
}
END_TEST

START_TEST(test_pending_until_it_listens) {
        w.host.iphlpsvc_slow = true;
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web pending not-listening");
        world_wait(&w, 30);
        ck_assert_uint_eq(ubuntu->n_results, 1);
        w.host.iphlpsvc_slow = false;
        world_wait(&w, 60);
        agent_expect(ubuntu, "web active");
        ck_assert_uint_eq(ubuntu->n_results, 2);
        ck_assert_uint_eq(w.host.calls[MEMORY_ACTIVATE], 1);
}
END_TEST

START_TEST(test_never_listens) {
        w.host.iphlpsvc_slow = true;
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        world_wait(&w, 4000);
        agent_expect(ubuntu, "web blocked not-listening");
        expect_text("restart it");
        world_wait(&w, 60000); /* activated again now and then, not all the time */
        ck_assert_uint_ge(w.host.calls[MEMORY_ACTIVATE], 2);
        ck_assert_uint_le(w.host.calls[MEMORY_ACTIVATE], 5);
        w.host.iphlpsvc_slow = false;
        world_wait(&w, 2100);
        agent_expect(ubuntu, "web active");
}
END_TEST

/* An endpoint that has had its time is not "pending" again because another guest asks for
 * something. Its guest would get a RESULT each time, perhaps with thousands of services. */
START_TEST(test_others_do_not_start_it_anew) {
        FakeAgent *debian = &w.agents[1];
        unsigned n_results;

        agent_connect(debian);
        w.host.iphlpsvc_slow = true;
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        world_wait(&w, 4000);
        agent_expect(ubuntu, "web blocked not-listening");
        n_results = ubuntu->n_results;
        agent_ask(debian, "172.20.0.3", "ssh=0.0.0.0:22");
        agent_expect(debian, "ssh pending not-listening");
        world_wait(&w, 4000);
        agent_expect(debian, "ssh blocked not-listening");
        agent_expect(ubuntu, "web blocked not-listening");
        ck_assert_uint_eq(ubuntu->n_results, n_results);
        controller_forwarder_changed(w.controller); /* it was restarted, so everything is open */
        world_run(&w);
        agent_expect(ubuntu, "web pending not-listening");
        w.host.iphlpsvc_slow = false;
        world_wait(&w, 2100);
        agent_expect(ubuntu, "web active");
        agent_expect(debian, "ssh active");
}
END_TEST

START_TEST(test_port_in_use_and_freed) {
        uint64_t activations;

        w.host.taken_port = 80;
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80 ssh=0.0.0.0:2222>22");
        world_wait(&w, 200);
        agent_expect(ubuntu, "web conflict port-in-use; ssh active");
        expect_text("0.0.0.0:80");
        expect_text("python.exe (process 99)");
        activations = w.host.calls[MEMORY_ACTIVATE];
        world_wait(&w, 20000);
        ck_assert_uint_eq(w.host.calls[MEMORY_ACTIVATE],
                          activations); /* another activation would not help */
        w.host.taken_port = 0;
        w.host.iphlpsvc_slow = true; /* and iphlpsvc does not try again by itself */
        world_wait(&w, 2100);
        ck_assert_uint_eq(w.host.calls[MEMORY_ACTIVATE], activations + 1);
        w.host.iphlpsvc_slow = false;
        world_wait(&w, 2100);
        agent_expect(ubuntu, "web active; ssh active");
}
END_TEST

/*
 * The other program ends just when a repeated activation is due. That one activation serves both
 * purposes, and what follows is checked from the start: it is pending, and soon active. Were it
 * taken for a mere repetition, the port would go on as blocked, with a check every two seconds.
 */
START_TEST(test_port_freed_when_a_repetition_is_due) {
        uint64_t activations;

        w.host.taken_port = 80;
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        world_wait(&w, 60000); /* longer than any pause between repetitions */
        agent_expect(ubuntu, "web conflict port-in-use");
        activations = w.host.calls[MEMORY_ACTIVATE];
        w.host.taken_port = 0;
        w.host.iphlpsvc_slow = true;
        world_wait(&w, 2100);
        ck_assert_uint_eq(w.host.calls[MEMORY_ACTIVATE], activations + 1);
        agent_expect(ubuntu, "web pending not-listening");
        w.host.iphlpsvc_slow = false;
        world_wait(&w, 1000);
        agent_expect(ubuntu, "web active");
}
END_TEST

/* Each protocol has ports of its own. Whoever has one of UDP is named, too. */
START_TEST(test_a_udp_port_that_is_taken) {
        w.host.taken_port = 53;
        w.host.taken_udp = true;
        w.host.taken_by = "dns.exe";
        agent_ask(ubuntu, "172.20.0.2", "dns=0.0.0.0:53+udp tcp=0.0.0.0:53");
        world_wait(&w, 1000);
        agent_expect(ubuntu, "dns conflict port-in-use; tcp active");
        ck_assert_ptr_nonnull(
                strstr(agent_text(ubuntu, 0), "0.0.0.0:53/udp: in use by dns.exe (process 99)"));
        agent_ask(ubuntu, "mirrored", "dns=0.0.0.0:53+udp tcp=0.0.0.0:53");
        world_wait(&w, 1000);
        agent_expect(ubuntu, "dns conflict port-in-use; tcp active direct");
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), "in use by dns.exe"));
        agent_ask(ubuntu, "172.20.0.2", "dns=0.0.0.0:53+udp tcp=0.0.0.0:53+relay");
        w.host.taken_udp = false; /* now it has the other one */
        world_wait(&w, 10000);
        agent_expect(ubuntu, "dns active; tcp conflict port-in-use");
        w.host.taken_port = 0;
        world_wait(&w, 10000);
        agent_expect(ubuntu, "dns active; tcp active");
}
END_TEST

START_TEST(test_excluded_range) {
        w.host.excluded[0] = 50000;
        w.host.excluded[1] = 50059;
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:50010");
        world_wait(&w, 200);
        agent_expect(ubuntu, "web blocked excluded-range");
        expect_text("50000 to 50059");
        w.host.excluded[0] = 0;
        world_wait(&w, 2100);
        agent_expect(ubuntu, "web active");
}
END_TEST

START_TEST(test_address_not_there_yet) {
        uint64_t activations;

        w.host.no_address = "10.1.1.1";
        w.host.taken_port = 8080;
        agent_ask(ubuntu, "172.20.0.2", "web=10.1.1.1:80 dev=0.0.0.0:8080");
        world_wait(&w, 200);
        agent_expect(ubuntu, "web blocked not-listening; dev conflict port-in-use");
        expect_text("does not have the address");
        activations = w.host.calls[MEMORY_ACTIVATE];
        w.host.no_address = NULL; /* iphlpsvc listens by itself */
        world_wait(&w, 2100);
        agent_expect(ubuntu, "web active; dev conflict port-in-use");
        ck_assert_uint_eq(w.host.calls[MEMORY_ACTIVATE], activations);
}
END_TEST

START_TEST(test_restarted_forwarder_is_checked_again) {
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        w.host.iphlpsvc_slow = true;
        controller_forwarder_changed(w.controller);
        world_run(&w);
        ck_assert_uint_eq(w.host.calls[MEMORY_ACTIVATE], 2);
        agent_expect(ubuntu, "web pending not-listening");
        w.host.iphlpsvc_slow = false;
        world_wait(&w, 50);
        agent_expect(ubuntu, "web active");
}
END_TEST

/* … and so is a restarted relay: what was late has its time again, and is looked at soon. */
START_TEST(test_restarted_relay_is_checked_again) {
        w.host.relay_slow = true;
        agent_ask(ubuntu, "172.20.0.2", "dns=0.0.0.0:53+udp");
        world_wait(&w, 20000);
        agent_expect(ubuntu, "dns blocked not-listening");
        controller_relay_changed(w.controller);
        world_run(&w);
        agent_expect(ubuntu, "dns pending not-listening");
        w.host.relay_slow = false;
        world_wait(&w, 50);
        agent_expect(ubuntu, "dns active");
}
END_TEST

/* A guest that asks for nothing needs no look, so nothing is learned of the relay then. */
START_TEST(test_without_a_look_the_relay_runs_on) {
        FakeAgent *debian = &w.agents[1];

        w.host.relay_slow = true;
        agent_ask(ubuntu, "172.20.0.2", "dns=0.0.0.0:53+udp");
        world_wait(&w, 20000);
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), "does not listen there"));
        agent_connect(debian);
        agent_ask(debian, "172.20.0.9", "");
        agent_ask(ubuntu, "172.20.0.3", "dns=0.0.0.0:53+udp");
        agent_expect(ubuntu, "dns blocked not-listening");
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), "does not listen there"));
}
END_TEST

START_TEST(test_firewall_follows) {
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80 ssh=0.0.0.0:2222+none");
        ck_assert_uint_eq(w.host.firewall.n, 1);
        ck_assert_uint_eq(w.host.firewall.items[0].listen.port, 80);
        ck_assert_str_eq(w.host.firewall.items[0].remote, "LocalSubnet");
        ck_assert_uint_eq(w.host.n_firewall, 2); /* the empty request at the start, and this one */
        agent_ask(ubuntu, "172.20.0.3", "web=0.0.0.0:80 ssh=0.0.0.0:2222+none");
        ck_assert_uint_eq(w.host.n_firewall,
                          2); /* the firewall does not care about guest addresses */
        world_foreign(&w, "v4tov4 0.0.0.0/80", "10.9.9.9/80");
        ck_assert_uint_eq(w.host.firewall.n, 0); /* a foreign port is not opened */
        world_foreign(&w, "v4tov4 0.0.0.0/80", NULL);
        ck_assert_uint_eq(w.host.firewall.n, 1);
        agent_leave(ubuntu);
        world_wait(&w, CONTROLLER_GOODBYE_MS);
        ck_assert_uint_eq(w.host.firewall.n, 0);
}
END_TEST

START_TEST(test_firewall_does_not_open_others_ports) {
        w.host.taken_port = 80;
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        world_wait(&w, 300);
        agent_expect(ubuntu, "web conflict port-in-use");
        ck_assert_uint_eq(w.host.firewall.n, 0);
}
END_TEST

START_TEST(test_firewall_keeps_rules_in_the_grace_period) {
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80-81");
        world_kill(&w);
        world_start(&w);
        ck_assert_uint_eq(w.host.firewall.n, 2);
        for (unsigned i = 0; i < 2; i++) /* the rules stay as they are */
                ck_assert_uint_eq(w.host.firewall.items[i].profiles, 0);
        world_wait(&w, CONTROLLER_RECOVERY_MS);
        ck_assert_uint_eq(w.host.firewall.n, 0);
}
END_TEST

static void (*ask_firewall)(void *userdata, const FirewallRules *wanted);

static void opens_behind_the_move(void *userdata, const FirewallRules *wanted) {
        for (size_t i = 0; i < wanted->n; i++)
                ck_assert(strcmp(wanted->items[i].service, "www") != 0 ||
                          text_map_get(&w.host.rules, "relay-tcp-v4tov4 0.0.0.0/80"));
        ask_firewall(userdata, wanted);
}

/* A port goes to the relay, and to another service. Its rule stays as it is on the way. */
START_TEST(test_firewall_stays_while_a_port_moves) {
        world_kill(&w);
        ask_firewall = w.controller_host.firewall;
        w.controller_host.firewall = opens_behind_the_move;
        world_start(&w);
        agent_connect(ubuntu);
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        agent_ask(ubuntu, "172.20.0.2", "www=0.0.0.0:80+relay");
        ck_assert_str_eq(w.host.firewall.items[0].service, "www");
}
END_TEST

START_TEST(test_firewall_problems_are_reported) {
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80 ssh=0.0.0.0:2222+none");
        controller_set_firewall_problem(w.controller, "the firewall service does not run", NULL);
        world_run(&w);
        agent_expect(ubuntu, "web blocked firewall; ssh active");
        controller_set_firewall_problem(w.controller, "", NULL);
        world_run(&w);
        agent_expect(ubuntu, "web active; ssh active");
}
END_TEST

/* One rule that Windows refuses is the trouble of one service. */
START_TEST(test_a_refused_rule_is_told_its_service) {
        FirewallRules whose = FIREWALL_RULES_NULL;
        FirewallRule rule = {
                .listen = {ip_v4(0, 0, 0, 0), 80}, .blamed = -EINVAL, .remote = (char[]){"*"}};

        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80 ssh=0.0.0.0:2222");
        ck_assert_int_eq(firewall_rules_add(&whose, &rule), 0);
        rule.listen.port = 2222;
        rule.blamed = 0;
        ck_assert_int_eq(firewall_rules_add(&whose, &rule), 0);
        controller_set_firewall_problem(w.controller, "a rule is refused", &whose);
        world_run(&w);
        agent_expect(ubuntu, "web blocked firewall; ssh active");
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), "'wslbridge 0.0.0.0:80' ("));
        ck_assert_uint_eq(w.host.firewall.n, 2); /* both are still wanted */
        controller_set_firewall_problem(w.controller, "", NULL);
        world_run(&w);
        agent_expect(ubuntu, "web active; ssh active");
        firewall_rules_done(&whose);
}
END_TEST

/* No firewall is before it, and Windows refuses such rules. */
START_TEST(test_no_rule_for_the_loopback) {
        agent_ask(ubuntu, "172.20.0.2", "web=127.0.0.1:80 six=[::1]:81 ssh=0.0.0.0:2222");
        agent_expect(ubuntu, "web active; six active; ssh active");
        ck_assert_uint_eq(w.host.firewall.n, 1);
        ck_assert_uint_eq(w.host.firewall.items[0].listen.port, 2222);
        controller_set_firewall_problem(w.controller, "the firewall is dead", NULL);
        world_run(&w);
        agent_expect(ubuntu, "web active; six active; ssh blocked firewall");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("verify");
        TCase *tc = tcase_create("verify");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_active_at_once_without_a_timer);
        tcase_add_test(tc, test_pending_until_it_listens);
        tcase_add_test(tc, test_never_listens);
        tcase_add_test(tc, test_others_do_not_start_it_anew);
        tcase_add_test(tc, test_port_in_use_and_freed);
        tcase_add_test(tc, test_port_freed_when_a_repetition_is_due);
        tcase_add_test(tc, test_a_udp_port_that_is_taken);
        tcase_add_test(tc, test_excluded_range);
        tcase_add_test(tc, test_address_not_there_yet);
        tcase_add_test(tc, test_restarted_forwarder_is_checked_again);
        tcase_add_test(tc, test_restarted_relay_is_checked_again);
        tcase_add_test(tc, test_without_a_look_the_relay_runs_on);
        tcase_add_test(tc, test_firewall_follows);
        tcase_add_test(tc, test_firewall_does_not_open_others_ports);
        tcase_add_test(tc, test_firewall_keeps_rules_in_the_grace_period);
        tcase_add_test(tc, test_firewall_stays_while_a_port_moves);
        tcase_add_test(tc, test_firewall_problems_are_reported);
        tcase_add_test(tc, test_a_refused_rule_is_told_its_service);
        tcase_add_test(tc, test_no_rule_for_the_loopback);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
