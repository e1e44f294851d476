/* SPDX-License-Identifier: MIT */

/*
 * Others write to the table, too, before, while and after we do, and Windows may refuse to write.
 * Foreign values stay as they are, ours stay provable, and once the obstacle is gone, all is well.
 */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define UBUNTU "a0000000000000000000000000000000/Ubuntu"

static World w;
static FakeAgent *ubuntu;

static MemoryCall broken_call; /* of the hooks below */

static void setup(void) {
        world_init(&w);
        world_start(&w);
        ubuntu = &w.agents[0];
        agent_connect(ubuntu);
        ck_assert(agent_ready(ubuntu));
}

static void teardown(void) {
        world_done(&w);
}

START_TEST(test_foreign_rule) {
        world_foreign(&w, "v4tov4 0.0.0.0/80", "10.9.9.9/80");
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80 ssh=0.0.0.0:2222>22");
        agent_expect(ubuntu, "web conflict foreign-rule; ssh active");
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), "10.9.9.9/80"));
        world_foreign(&w, "v4tov4 0.0.0.0/80", "10.9.9.9/81");
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), "10.9.9.9/81"));
        world_foreign(&w, "v4tov4 0.0.0.0/80", NULL);
        agent_expect(ubuntu, "web active; ssh active");
        world_expect_rules(&w, "v4tov4 0.0.0.0/2222 172.20.0.2/22\n"
                               "v4tov4 0.0.0.0/80 172.20.0.2/80\n");
}
END_TEST

START_TEST(test_foreign_rule_in_other_shapes) {
        static const struct {
                const char *listen, *rule, *data;
                bool conflict;
        } cases[] = {
                {"web=0.0.0.0:80", "v4tov6 0.0.0.0/80", "fd00::9/80", true},
                {"web=0.0.0.0:80", "v4tov4 */80", "10.9.9.9/80", true},
                {"web=0.0.0.0:80", "v4tov4 0.0.0.0/80", "garbage", true},
                {"web=0.0.0.0:80", "v4tov4 0.0.0.0/80", "", true},
                {"web=0.0.0.0:80", "v4tov4 0.0.0.0/80", "\x01\xff and a long tail", true},
                {"web=[::]:80", "v6tov6 ::/80", "fd00::9/80", true},
                {"web=[::]:80", "v6tov4 0:0:0:0:0:0:0:0/80", "10.9.9.9/80", true},
                {"web=0.0.0.0:80", "v6tov4 ::/80", "10.9.9.9/80", false},
                {"web=0.0.0.0:80", "v4tov4 192.168.1.2/80", "10.9.9.9/80", false},
                {"web=0.0.0.0:80", "v4tov4 garbage", "10.9.9.9/80", false},
                /* Exactly what we would write, but nothing proves that we did. */
                {"web=0.0.0.0:80", "v4tov4 0.0.0.0/80", "172.20.0.2/80", true},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                world_foreign(&w, cases[i].rule, cases[i].data);
                agent_ask(ubuntu, "172.20.0.2", cases[i].listen);
                agent_expect(ubuntu,
                             cases[i].conflict ? "web conflict foreign-rule" : "web active");
                agent_ask(ubuntu, "172.20.0.2", "");
                ck_assert_uint_eq(w.host.rules.n, 1);
                ck_assert_str_eq(text_map_get(&w.host.rules, cases[i].rule), cases[i].data);
                world_foreign(&w, cases[i].rule, NULL);
        }
}
END_TEST

START_TEST(test_somebody_changes_our_value) {
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        world_foreign(&w, "v4tov4 0.0.0.0/80", "10.9.9.9/80");
        agent_expect(ubuntu, "web conflict foreign-rule");
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 10.9.9.9/80\n");
        world_expect_ledger(&w, "");
        agent_leave(ubuntu);
        world_wait(&w, 60000);
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 10.9.9.9/80\n"); /* foreign from then on */
}
END_TEST

START_TEST(test_somebody_adds_a_second_value) {
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        world_foreign(&w, "v4tov6 0.0.0.0/80", "fd00::9/80");
        agent_expect(ubuntu, "web conflict foreign-rule");
        world_expect_rules(&w, "v4tov6 0.0.0.0/80 fd00::9/80\n");
}
END_TEST

START_TEST(test_our_value_vanishes) {
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        world_foreign(&w, "v4tov4 0.0.0.0/80", NULL); /* netsh … reset */
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.2/80\n");
        ck_assert_uint_eq(ubuntu->n_results, 1); /* the agent need not know */
}
END_TEST

/* Somebody puts our old value back beside the new one, and the ledger still proves both. */
static void killed_with_both_values(void) {
        LedgerEntry e = {.listen = {ip_v4(0, 0, 0, 0), 80},
                         .owner = UBUNTU,
                         .service = "web",
                         .current = {ip_v4(172, 20, 0, 2), 80}};

        world_kill(&w);
        ck_assert_int_eq(ip_parse("fd00::2", &e.next.addr), 0);
        e.next.port = 80;
        ck_assert_int_eq(w.controller_host.rules.ledger_put(&w.host, &e), 0);
        memory_host_foreign(&w.host, RULE_V4TOV4, "0.0.0.0/80", "172.20.0.2/80");
        memory_host_foreign(&w.host, RULE_V4TOV6, "0.0.0.0/80", "fd00::2/80");
        world_start(&w);
}

START_TEST(test_old_and_new_value_are_there_and_nobody_asks) {
        killed_with_both_values();
        ck_assert_uint_eq(w.host.rules.n, 2);
        world_wait(&w, CONTROLLER_RECOVERY_MS);
        world_expect_rules(&w, "");
        world_expect_ledger(&w, "");
}
END_TEST

START_TEST(test_old_and_new_value_are_there_and_a_third_is_wanted) {
        killed_with_both_values();
        agent_connect(ubuntu);
        agent_ask(ubuntu, "172.20.0.7", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web active");
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.7/80\n");
}
END_TEST

static int no_iphlpsvc(MemoryHost *m, MemoryCall call) {
        return call == MEMORY_ACTIVATE ? -ESRCH : 0;
}

START_TEST(test_iphlpsvc_is_stopped) {
        w.host.fault = no_iphlpsvc;
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80 smb=0.0.0.0:445");
        agent_expect(ubuntu, "web blocked iphlpsvc; smb refused policy-port");
        ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), "sc.exe start iphlpsvc"));
        w.host.fault = NULL;
        world_wait(&w, CONTROLLER_RETRY_MS);
        agent_expect(ubuntu, "web active; smb refused policy-port");
        ck_assert(!w.host.iphlpsvc_behind);
}
END_TEST

static int hanging_iphlpsvc(MemoryHost *m, MemoryCall call) {
        return call == MEMORY_ACTIVATE ? -ETIMEDOUT : 0;
}

/* Two agents want one endpoint, and iphlpsvc answers late when it changes hands. That is no reason
 * to call it blocked, and nothing is logged. */
START_TEST(test_iphlpsvc_answers_late) {
        FakeAgent *debian = &w.agents[1];

        agent_connect(debian);
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        agent_ask(debian, "172.20.0.3", "web=0.0.0.0:80");
        agent_expect(debian, "web conflict other-agent");
        w.host.fault = hanging_iphlpsvc;
        agent_ask(ubuntu, "172.20.0.2", "");
        agent_expect(debian, "web pending iphlpsvc");
        ck_assert_str_eq(
                agent_text(debian, 0),
                "the service IP Helper (iphlpsvc) has not answered yet (no answer in time)");
        ck_assert_ptr_null(strstr(w.log, "does not answer"));
        w.host.fault = NULL;
        controller_forwarder_changed(w.controller); /* as the late answer does */
        world_run(&w);
        agent_expect(debian, "web active");
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.3/80\n");
        ck_assert_ptr_null(strstr(w.log, "does not answer"));
}
END_TEST

/* It never does: after a while it is blocked, and that is logged once. */
START_TEST(test_iphlpsvc_does_not_answer) {
        size_t logged;

        w.host.fault = hanging_iphlpsvc;
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web pending iphlpsvc");
        world_wait(&w, CONTROLLER_PATIENCE_MS - 1);
        agent_expect(ubuntu, "web pending iphlpsvc");
        world_wait(&w, 1);
        agent_expect(ubuntu, "web blocked iphlpsvc");
        ck_assert_ptr_nonnull(strstr(w.log, "does not answer"));
        logged = strlen(w.log);
        world_wait(&w, CONTROLLER_RETRY_MS);
        agent_expect(ubuntu, "web blocked iphlpsvc");
        ck_assert_ptr_null(strstr(w.log + logged, "does not answer"));
        w.host.fault = NULL;
        world_wait(&w, CONTROLLER_RETRY_MS);
        agent_expect(ubuntu, "web active");
        ck_assert_ptr_nonnull(strstr(w.log, "iphlpsvc accepts our settings again"));
        w.host.fault = hanging_iphlpsvc; /* the next time is another one */
        agent_ask(ubuntu, "172.20.0.3", "web=0.0.0.0:80");
        agent_expect(ubuntu, "web pending iphlpsvc");
}
END_TEST

/* iphlpsvc hangs and forwards to a guest that may be gone. Then the helper dies as well. */
START_TEST(test_iphlpsvc_hangs_and_the_helper_dies) {
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        w.host.fault = hanging_iphlpsvc;
        agent_ask(ubuntu, "172.20.0.2", "");
        world_expect_rules(&w, "");
        ck_assert(w.host.iphlpsvc_behind);
        world_kill(&w);
        w.host.fault = NULL;
        world_start(&w);
        ck_assert(!w.host.iphlpsvc_behind);
        world_expect_ledger(&w, "");
}
END_TEST

static int broken(MemoryHost *m, MemoryCall call) {
        return call == broken_call ? -EACCES : 0;
}

START_TEST(test_a_host_function_fails) {
        static const MemoryCall calls[] = {
                MEMORY_RULES_READ, MEMORY_RULES_STAMP, MEMORY_RULE_GET,
                MEMORY_RULE_SET,   MEMORY_LEDGER_PUT,  MEMORY_LEDGER_FLUSH,
        };

        for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
                broken_call = calls[i];
                w.host.fault = broken;
                memory_host_foreign(&w.host, RULE_V4TOV4, "passing", ""); /* so they are read */
                memory_host_foreign(&w.host, RULE_V4TOV4, "passing", NULL);
                agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
                agent_expect(ubuntu, "web blocked write-failed");
                ck_assert_ptr_nonnull(strstr(agent_text(ubuntu, 0), "access denied"));
                world_expect_rules(&w, "");
                w.host.fault = NULL;
                world_wait(&w, CONTROLLER_RETRY_MS);
                agent_expect(ubuntu, "web active");
                world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.2/80\n");
                agent_ask(ubuntu, "172.20.0.2", "");
                world_expect_ledger(&w, "");
        }
}
END_TEST

/* Somebody writes between our reading of the table and our writing. */
static int racing(MemoryHost *m, MemoryCall call) {
        if (call == MEMORY_LEDGER_FLUSH)
                memory_host_foreign(m, RULE_V4TOV4, "0.0.0.0/80", "10.9.9.9/80");
        return 0;
}

START_TEST(test_race_with_somebody_else) {
        for (int had_value = 0; had_value < 2; had_value++) {
                if (had_value)
                        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
                w.host.fault = racing;
                agent_ask(ubuntu, "172.20.0.3", "web=0.0.0.0:80");
                w.host.fault = NULL;
                agent_expect(ubuntu, "web conflict foreign-rule");
                world_expect_rules(&w, "v4tov4 0.0.0.0/80 10.9.9.9/80\n");
                world_expect_ledger(&w, "");
                world_foreign(&w, "v4tov4 0.0.0.0/80", NULL);
                agent_expect(ubuntu, "web active");
                agent_ask(ubuntu, "172.20.0.3", "");
        }
}
END_TEST

static int racing_with_our_own_text(MemoryHost *m, MemoryCall call) {
        if (call == MEMORY_LEDGER_FLUSH)
                memory_host_foreign(m, RULE_V4TOV4, "0.0.0.0/80", "172.20.0.3/80");
        return 0;
}

START_TEST(test_race_with_the_very_same_value) {
        w.host.fault = racing_with_our_own_text;
        agent_ask(ubuntu, "172.20.0.3", "web=0.0.0.0:80");
        w.host.fault = NULL;
        agent_expect(ubuntu, "web conflict foreign-rule"); /* we did not write it */
        world_expect_ledger(&w, "");
}
END_TEST

START_TEST(test_race_while_removing) {
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        w.host.fault = racing;
        agent_ask(ubuntu, "172.20.0.2", "");
        w.host.fault = NULL;
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 10.9.9.9/80\n");
        world_expect_ledger(&w, "");
}
END_TEST

/* Our value was gone when the table was read (or a change at that moment hid it), and is there
 * again when the ledger is written. For the ledger it is ours all the time. */
static int racing_to_put_it_back(MemoryHost *m, MemoryCall call) {
        if (call == MEMORY_LEDGER_PUT || call == MEMORY_LEDGER_REMOVE) {
                memory_host_foreign(m, RULE_V4TOV4, "0.0.0.0/80", "172.20.0.2/80");
                m->fault = NULL; /* once */
        }
        return 0;
}

START_TEST(test_our_value_reappears) {
        static const char *const next[] = {"172.20.0.2", "172.20.0.3", "fd00::2", ""};

        for (size_t i = 0; i < sizeof(next) / sizeof(next[0]); i++) {
                agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
                memory_host_foreign(&w.host, RULE_V4TOV4, "0.0.0.0/80", NULL);
                controller_rules_changed(w.controller);
                w.host.fault = racing_to_put_it_back;
                agent_ask(ubuntu, next[i], "web=0.0.0.0:80");
                ck_assert(!w.host.fault);
                agent_expect(ubuntu, *next[i] ? "web active" : "web withdrawn no-address");
                agent_ask(ubuntu, "172.20.0.2", "");
                world_expect_rules(&w, "");
                world_expect_ledger(&w, "");
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("foreign");
        TCase *tc = tcase_create("foreign");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_foreign_rule);
        tcase_add_test(tc, test_foreign_rule_in_other_shapes);
        tcase_add_test(tc, test_somebody_changes_our_value);
        tcase_add_test(tc, test_somebody_adds_a_second_value);
        tcase_add_test(tc, test_our_value_vanishes);
        tcase_add_test(tc, test_old_and_new_value_are_there_and_nobody_asks);
        tcase_add_test(tc, test_old_and_new_value_are_there_and_a_third_is_wanted);
        tcase_add_test(tc, test_iphlpsvc_is_stopped);
        tcase_add_test(tc, test_iphlpsvc_answers_late);
        tcase_add_test(tc, test_iphlpsvc_does_not_answer);
        tcase_add_test(tc, test_iphlpsvc_hangs_and_the_helper_dies);
        tcase_add_test(tc, test_a_host_function_fails);
        tcase_add_test(tc, test_race_with_somebody_else);
        tcase_add_test(tc, test_race_with_the_very_same_value);
        tcase_add_test(tc, test_race_while_removing);
        tcase_add_test(tc, test_our_value_reappears);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
