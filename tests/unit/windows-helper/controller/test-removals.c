/* SPDX-License-Identifier: MIT */

/* A port that nobody wants any more is closed, whatever fails on the way. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"

#include <errno.h>

static World w;
static FakeAgent *ubuntu;
static MemoryCall broken_call;

static void setup(void) {
        world_init(&w);
        ubuntu = &w.agents[0];
        world_start(&w);
        agent_connect(ubuntu);
}

static void teardown(void) {
        world_done(&w);
}

static int absent_error;

static int absent_iphlpsvc(MemoryHost *m, MemoryCall call) {
        return call == MEMORY_ACTIVATE ? absent_error : 0;
}

/* When iphlpsvc is missing, stopped or disabled, it forwards nothing, and a removal is complete
 * without it. An entry that stayed in the ledger would make 'uninstall' fail. */
START_TEST(test_nothing_remains_without_iphlpsvc) {
        static const int errors[] = {-ENOENT, -ESRCH, -EPERM};

        for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
                w.host.fault = NULL;
                agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
                absent_error = errors[i];
                w.host.fault = absent_iphlpsvc;
                agent_ask(ubuntu, "172.20.0.2", "");
                world_expect_rules(&w, "");
                world_expect_ledger(&w, "");
        }
}
END_TEST

static int broken(MemoryHost *m, MemoryCall call) {
        return call == broken_call ? -ENOSPC : 0;
}

START_TEST(test_removal_fails) {
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
        broken_call = MEMORY_RULE_DELETE;
        w.host.fault = broken;
        agent_ask(ubuntu, "172.20.0.2", "");
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.2/80\n");
        ck_assert_uint_eq(w.host.ledger.n, 1); /* it still proves our value */
        w.host.fault = NULL;
        world_wait(&w, CONTROLLER_RETRY_MS);
        world_expect_rules(&w, "");
        world_expect_ledger(&w, "");
}
END_TEST

/* The disk is full. What was saved before proves that the value is ours, so its port is closed all
 * the same, also for good. What is new waits for room. */
START_TEST(test_removal_when_nothing_can_be_saved) {
        agent_ask(ubuntu, "172.20.0.2", "ssh=0.0.0.0:22 web=0.0.0.0:80");
        broken_call = MEMORY_LEDGER_FLUSH;
        w.host.fault = broken;
        agent_ask(ubuntu, "172.20.0.2", "ssh=0.0.0.0:22 new=0.0.0.0:90");
        agent_expect(ubuntu, "ssh active; new blocked write-failed");
        world_expect_rules(&w, "v4tov4 0.0.0.0/22 172.20.0.2/22\n");
        agent_ask(ubuntu, "172.20.0.2", "");
        world_expect_rules(&w, "");
        world_wait(&w, CONTROLLER_RETRY_MS);
        world_kill(&w);
        memory_host_power_cut(&w.host);
        world_start(&w);
        world_expect_rules(&w, "");
        w.host.fault = NULL;
        world_wait(&w, 60000);
        world_expect_ledger(&w, "");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("removals");
        TCase *tc = tcase_create("removals");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_nothing_remains_without_iphlpsvc);
        tcase_add_test(tc, test_removal_fails);
        tcase_add_test(tc, test_removal_when_nothing_can_be_saved);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
