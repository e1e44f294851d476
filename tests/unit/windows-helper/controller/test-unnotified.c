/* SPDX-License-Identifier: MIT */

/* Others change port forwardings so shortly before, between or after our own changes that no
 * notification tells of it in time. And what is logged of what they do. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"
#include "windows-helper/core/rules/rule-view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Somebody does so while the helper reads the values in order to remove its own. */
START_TEST(test_foreign_rule_while_the_helper_stops) {
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        memory_host_foreign(&w.host, RULE_V4TOV4, "0.0.0.0/99", "10.9.9.9/99");
        controller_rules_changed(w.controller); /* so the values are read */
        race_call = MEMORY_RULES_READ;
        w.host.fault = racing_in_another_spelling;
        ck_assert_int_eq(controller_stop(w.controller, w.host.now_usec), 0);
        ck_assert(!w.host.fault);
        world_expect_rules(&w, "v4tov4 */80 10.9.9.9/80\nv4tov4 0.0.0.0/99 10.9.9.9/99\n");
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

static int (*read_values)(void *userdata, RuleCursor *cursor, size_t n, RuleTable *table);

/* A value that is no text. */
static int read_binary(void *userdata, RuleCursor *cursor, size_t n, RuleTable *table) {
        int r = read_values(userdata, cursor, n, table);

        for (size_t i = 0; i < table->n_values; i++) {
                if (table->values[i].data && strcmp(table->values[i].data, "binary") == 0) {
                        free(table->values[i].data);
                        table->values[i].data = NULL;
                }
        }
        return r;
}

static unsigned n_lines(const char *text) {
        unsigned n = 0;

        for (const char *p = w.log; (p = strstr(p, text)); p++)
                n++;
        return n;
}

/* What others did to our values is logged: a few lines if it was done to many. */
START_TEST(test_what_is_logged) {
        char name[32];

        world_kill(&w);
        read_values = w.controller_host.rules.rules_read;
        w.controller_host.rules.rules_read = read_binary;
        world_start(&w);
        agent_connect(ubuntu);
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:8000-8019");
        for (unsigned round = 1; round <= 10; round *= 10) { /* 1 and 10 of them */
                for (unsigned port = 8010; port < 8010 + round; port++) {
                        (void) snprintf(name, sizeof(name), "0.0.0.0/%u", port);
                        memory_host_foreign(&w.host, RULE_V4TOV4, name, NULL);
                }
                controller_rules_changed(w.controller);
                world_run(&w);
                (void) snprintf(name, sizeof(name), "had deleted: %u\n", round);
                ck_assert_uint_eq(n_lines(name), 1);
        }
        ck_assert_uint_eq(n_lines("had deleted"), 2);
        ck_assert_uint_eq(n_lines("somebody changed"), 0);
        memory_host_foreign(&w.host, RULE_V4TOV4, "0.0.0.0/8000", "binary");
        for (unsigned port = 8001; port < 8010; port++) {
                (void) snprintf(name, sizeof(name), "0.0.0.0/%u", port);
                memory_host_foreign(&w.host, RULE_V4TOV4, name, "10.9.9.9/80");
        }
        controller_rules_changed(w.controller);
        world_run(&w);
        ck_assert_uint_eq(n_lines("somebody changed"), 8);
        ck_assert_uint_eq(n_lines("0.0.0.0:8000: somebody changed the port forwarding from "
                                  "172.20.0.2/8000 to not a string; wslbridge does not touch it"),
                          1);
        ck_assert_uint_eq(n_lines("0.0.0.0:8007: somebody changed the port forwarding from "
                                  "172.20.0.2/8007 to 10.9.9.9/80; wslbridge"),
                          1);
        ck_assert_uint_eq(n_lines("had deleted"), 2);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("unnotified");
        TCase *tc = tcase_create("unnotified");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_foreign_rule_a_moment_before);
        tcase_add_test(tc, test_foreign_rule_between_our_writes);
        tcase_add_test(tc, test_foreign_rule_while_the_helper_stops);
        tcase_add_test(tc, test_our_value_is_replaced_at_once);
        tcase_add_test(tc, test_our_value_is_replaced_within_a_step_of_the_clock);
        tcase_add_test(tc, test_what_is_logged);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
