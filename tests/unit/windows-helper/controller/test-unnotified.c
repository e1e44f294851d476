/* SPDX-License-Identifier: MIT */

/* Others change port forwardings so shortly before, between or after our own changes that no
 * notification tells of it in time. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"
#include "windows-helper/core/rules/rule-view.h"

static World w;
static FakeAgent *ubuntu;
static MemoryCall race_call;

static void setup(void) {
        world_init(&w);
        world_start(&w);
        ubuntu = &w.agents[0];
        agent_connect(ubuntu);
}

static void teardown(void) {
        world_done(&w);
}

/* Nothing has been notified yet. */
START_TEST(test_foreign_rule_a_moment_before) {
        static const char *const names[] = {"*/80", "0.0.0.0/80"};

        agent_ask(ubuntu, "172.20.0.2", "ssh=0.0.0.0:22");
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                memory_host_foreign(&w.host, RULE_V4TOV4, names[i], "10.9.9.9/80");
                agent_ask(ubuntu, "172.20.0.2", "ssh=0.0.0.0:22 web=0.0.0.0:80");
                agent_expect(ubuntu, "ssh active; web conflict foreign-rule");
                ck_assert_uint_eq(w.host.rules.n, 2);
                agent_ask(ubuntu, "172.20.0.2", "ssh=0.0.0.0:22");
                memory_host_foreign(&w.host, RULE_V4TOV4, names[i], NULL);
        }
        memory_host_foreign(&w.host, RULE_V6TOV4, "::ffff:0:0/80", "10.9.9.9/80");
        agent_ask(ubuntu, "172.20.0.2", "web=[::ffff:0:0]:80");
        world_expect_rules(&w, "v6tov4 ::ffff:0:0/80 10.9.9.9/80\n");
}
END_TEST

/* In another spelling, so that reading the values that are to be written does not find it. */
static int racing_in_another_spelling(MemoryHost *m, MemoryCall call) {
        if (call == race_call) {
                m->fault = NULL; /* once */
                memory_host_foreign(m, RULE_V4TOV4, "*/80", "10.9.9.9/80");
        }
        return 0;
}

START_TEST(test_foreign_rule_between_our_writes) {
        static const MemoryCall calls[] = {MEMORY_LEDGER_FLUSH, MEMORY_RULE_GET, MEMORY_RULE_SET,
                                           MEMORY_ACTIVATE};

        for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
                race_call = calls[i];
                w.host.fault = racing_in_another_spelling;
                agent_ask(ubuntu, "172.20.0.2", "a=0.0.0.0:70 web=0.0.0.0:80 z=0.0.0.0:90");
                ck_assert(!w.host.fault);
                controller_rules_changed(w.controller); /* by us and by somebody else */
                world_run(&w);
                agent_expect(ubuntu, "a active; web conflict foreign-rule; z active");
                world_expect_rules(&w, "v4tov4 */80 10.9.9.9/80\n"
                                       "v4tov4 0.0.0.0/70 172.20.0.2/70\n"
                                       "v4tov4 0.0.0.0/90 172.20.0.2/90\n");
                ck_assert(!w.host.iphlpsvc_behind);
                agent_ask(ubuntu, "172.20.0.2", "");
                memory_host_foreign(&w.host, RULE_V4TOV4, "*/80", NULL);
        }
}
END_TEST

/* Our value is replaced before the agent is answered, and one notification comes for both. */
static int racing_to_replace_ours(MemoryHost *m, MemoryCall call) {
        if (call == MEMORY_ACTIVATE) {
                m->fault = NULL; /* once */
                memory_host_foreign(m, RULE_V4TOV4, "0.0.0.0/80", "10.9.9.9/80");
        }
        return 0;
}

START_TEST(test_our_value_is_replaced_at_once) {
        w.host.fault = racing_to_replace_ours;
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        controller_rules_changed(w.controller);
        world_run(&w);
        agent_expect(ubuntu, "web conflict foreign-rule");
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 10.9.9.9/80\n");
}
END_TEST

/* So soon after our change that the key's time is the same. Then it takes until the next reading.
 */
START_TEST(test_our_value_is_replaced_within_a_step_of_the_clock) {
        w.host.coarse = true;
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        world_wait(&w, 2 * RULE_VIEW_AGAIN_USEC / 1000 + 1);
        agent_ask(ubuntu, "172.20.0.3", "web=0.0.0.0:80");
        world_foreign(&w, "v4tov4 0.0.0.0/80", "10.9.9.9/80");
        agent_expect(ubuntu, "web active"); /* nobody can know */
        world_wait(&w, RULE_VIEW_AGAIN_USEC / 1000 + 1);
        agent_expect(ubuntu, "web conflict foreign-rule");
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 10.9.9.9/80\n");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("unnotified");
        TCase *tc = tcase_create("unnotified");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_foreign_rule_a_moment_before);
        tcase_add_test(tc, test_foreign_rule_between_our_writes);
        tcase_add_test(tc, test_our_value_is_replaced_at_once);
        tcase_add_test(tc, test_our_value_is_replaced_within_a_step_of_the_clock);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
