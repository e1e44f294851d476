/* SPDX-License-Identifier: MIT */

/* Taking over a value that an old script left: only when an administrator asks, only that value,
 * and only when a guest wants its endpoint. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"

#include <stdio.h>
#include <string.h>

static World w;
static FakeAgent *ubuntu;

static void setup(void) {
        world_init(&w);
        w.options.means.relay = true;
        world_start(&w);
        ubuntu = &w.agents[0];
        agent_connect(ubuntu);
}

static void teardown(void) {
        world_done(&w);
}

static void adopt(const char *rule, const char *data) {
        ck_assert_int_eq(text_map_set(&w.host.adoptions, rule, data), 0);
        controller_adoptions_changed(w.controller);
        world_run(&w);
}

START_TEST(test_taken_over_when_asked) {
        world_foreign(&w, "v4tov4 0.0.0.0/80", "172.20.0.77/80");
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web conflict foreign-rule");
        ck_assert_str_eq(
                agent_text(ubuntu, 0),
                "0.0.0.0:80: there is a port forwarding that wslbridge did not make; delete "
                "it, take it over ('wslbridge-helper adopt 0.0.0.0:80'), or listen elsewhere "
                "(v4tov4 0.0.0.0/80 = 172.20.0.77/80)");
        adopt("v4tov4 0.0.0.0/80", "172.20.0.77/80");
        agent_expect(ubuntu, "web active");
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.2/80\n");
        ck_assert_uint_eq(w.host.adoptions.n, 0); /* the request is used up */
        ck_assert_ptr_nonnull(strstr(w.log, "taking over v4tov4 0.0.0.0/80 = 172.20.0.77/80"));
}
END_TEST

/* What netsh stores for "any" keeps its name as long as it is there, and follows the guest. */
START_TEST(test_a_star_stays) {
        uint64_t deletes;

        world_foreign(&w, "v4tov4 */80", "172.20.0.77/80");
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web conflict foreign-rule");
        deletes = w.host.calls[MEMORY_RULE_DELETE];
        adopt("v4tov4 */80", "172.20.0.77/80");
        agent_expect(ubuntu, "web active");
        world_expect_rules(&w, "v4tov4 */80 172.20.0.2/80\n");
        ck_assert_uint_eq(w.host.calls[MEMORY_RULE_DELETE], deletes);
        agent_ask(ubuntu, "172.20.0.3", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web active");
        world_expect_rules(&w, "v4tov4 */80 172.20.0.3/80\n");
        world_foreign(&w, "v4tov4 */80", NULL); /* somebody deletes it: it is put back */
        agent_expect(ubuntu, "web active");
        world_expect_rules(&w, "v4tov4 */80 172.20.0.3/80\n");
        agent_ask(ubuntu, "172.20.0.3", "");
        world_expect_rules(&w, "");
        ck_assert_uint_eq(w.host.ledger.n, 0);
        agent_ask(ubuntu, "172.20.0.3", "web=0.0.0.0:80"); /* this one was never called otherwise */
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.3/80\n");
}
END_TEST

/* After a kill, the next helper knows its value by the name that it kept. */
START_TEST(test_a_star_after_a_restart) {
        world_foreign(&w, "v4tov4 */80", "172.20.0.77/80");
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        adopt("v4tov4 */80", "172.20.0.77/80");
        world_kill(&w);
        world_start(&w);
        agent_connect(ubuntu);
        agent_ask(ubuntu, "172.20.0.2", "");
        world_expect_rules(&w, "");
        ck_assert_uint_eq(w.host.ledger.n, 0);
}
END_TEST

/* Somebody adds the other spelling: it is not ours, so the endpoint is given up. */
START_TEST(test_a_star_and_the_other_spelling) {
        world_foreign(&w, "v4tov4 */80", "172.20.0.77/80");
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        adopt("v4tov4 */80", "172.20.0.77/80");
        agent_expect(ubuntu, "web active");
        world_foreign(&w, "v4tov4 0.0.0.0/80", "172.20.0.2/80");
        agent_expect(ubuntu, "web conflict foreign-rule");
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.2/80\n");
}
END_TEST

/* Whatever iphlpsvc reads in between, the port has a value. */
static void never_without(MemoryHost *m, const char *rule, const char *data) {
        ck_assert_msg(data || m->rules.n > 1, "%s was the last value of the port", rule);
}

/* Both spellings are there: one goes, and the other one becomes ours, in one activation. */
START_TEST(test_both_spellings) {
        uint64_t activations;

        w.host.changing = never_without;

        world_foreign(&w, "v4tov4 */80", "172.20.0.77/80");
        world_foreign(&w, "v4tov4 0.0.0.0/80", "172.20.0.78/80");
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        activations = w.host.calls[MEMORY_ACTIVATE];
        ck_assert_int_eq(text_map_set(&w.host.adoptions, "v4tov4 */80", "172.20.0.77/80"), 0);
        adopt("v4tov4 0.0.0.0/80", "172.20.0.78/80");
        agent_expect(ubuntu, "web active");
        ck_assert_uint_eq(w.host.calls[MEMORY_ACTIVATE], activations + 1);
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.2/80\n");
}
END_TEST

START_TEST(test_not_when_the_value_has_changed) {
        world_foreign(&w, "v4tov4 0.0.0.0/80", "172.20.0.78/80");
        adopt("v4tov4 0.0.0.0/80", "172.20.0.77/80");
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web conflict foreign-rule");
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.78/80\n");
}
END_TEST

/* Several at once, in whatever order they are stored. */
START_TEST(test_each_is_found) {
        static const unsigned ports[] = {9, 80, 100, 2000, 30000};
        char rule[64], data[64], services[WORLD_TEXT_MAX] = "";
        size_t n = 0;

        for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
                (void) snprintf(rule, sizeof(rule), "v4tov4 0.0.0.0/%u", ports[i]);
                (void) snprintf(data, sizeof(data), "172.20.0.77/%u", ports[i]);
                n += (size_t) snprintf(services + n, sizeof(services) - n, "s%u=0.0.0.0:%u ",
                                       ports[i], ports[i]);
                world_foreign(&w, rule, data);
                adopt(rule, data);
        }
        agent_ask(ubuntu, "172.20.0.2", services);
        agent_expect(ubuntu, "s9 active; s80 active; s100 active; s2000 active; s30000 active");
        ck_assert_uint_eq(w.host.adoptions.n, 0);
}
END_TEST

START_TEST(test_waits_until_somebody_wants_it) {
        world_foreign(&w, "v4tov4 0.0.0.0/80", "172.20.0.77/80");
        world_foreign(&w, "v4tov4 0.0.0.0/81", "172.20.0.77/81");
        adopt("v4tov4 0.0.0.0/80", "172.20.0.77/80");
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.77/80\n"
                               "v4tov4 0.0.0.0/81 172.20.0.77/81\n");
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80-81");
        agent_expect(ubuntu, "web conflict foreign-rule"); /* nobody asked to adopt the other one */
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.2/80\n"
                               "v4tov4 0.0.0.0/81 172.20.0.77/81\n");
}
END_TEST

/* A helper that lost its ledger has left its values. An administrator who names one gets it back;
 * the port may lead through either forwarder then. */
START_TEST(test_values_of_the_relay) {
        static const struct {
                const char *services, *rule, *data, *rules;
        } cases[] = {
                {"web=0.0.0.0:80+udp", "relay-udp-v4tov4 0.0.0.0/80", "172.20.0.77/80",
                 "relay-udp-v4tov4 0.0.0.0/80 172.20.0.2/80\n"},
                {"web=0.0.0.0:80+udp", "relay-udp-v4tov4 0.0.0.0/80", "not of ours",
                 "relay-udp-v4tov4 0.0.0.0/80 172.20.0.2/80\n"},
                {"web=0.0.0.0:80+udp", "relay-udp-v4tov4 */80", "172.20.0.77/80",
                 "relay-udp-v4tov4 0.0.0.0/80 172.20.0.2/80\n"}, /* the relay knows no "*" */
                {"web=0.0.0.0:80+relay", "relay-tcp-v4tov4 0.0.0.0/80", "172.20.0.77/80 proxy-v2",
                 "relay-tcp-v4tov4 0.0.0.0/80 172.20.0.2/80\n"},
                {"web=0.0.0.0:80", "relay-tcp-v4tov4 0.0.0.0/80", "172.20.0.77/80",
                 "v4tov4 0.0.0.0/80 172.20.0.2/80\n"},
                {"web=0.0.0.0:80+relay", "v4tov4 0.0.0.0/80", "172.20.0.77/80",
                 "relay-tcp-v4tov4 0.0.0.0/80 172.20.0.2/80\n"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                world_foreign(&w, cases[i].rule, cases[i].data);
                agent_ask(ubuntu, "172.20.0.2", cases[i].services);
                agent_expect(ubuntu, "web conflict foreign-rule");
                ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), "adopt 0.0.0.0:80"));
                adopt(cases[i].rule, cases[i].data);
                agent_expect(ubuntu, "web active");
                world_expect_rules(&w, cases[i].rules);
                ck_assert_uint_eq(w.host.adoptions.n, 0);
                agent_ask(ubuntu, "172.20.0.2", "");
                world_expect_rules(&w, "");
                world_expect_ledger(&w, "");
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("adopt");
        TCase *tc = tcase_create("adopt");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_taken_over_when_asked);
        tcase_add_test(tc, test_a_star_stays);
        tcase_add_test(tc, test_a_star_after_a_restart);
        tcase_add_test(tc, test_a_star_and_the_other_spelling);
        tcase_add_test(tc, test_both_spellings);
        tcase_add_test(tc, test_not_when_the_value_has_changed);
        tcase_add_test(tc, test_each_is_found);
        tcase_add_test(tc, test_waits_until_somebody_wants_it);
        tcase_add_test(tc, test_values_of_the_relay);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
