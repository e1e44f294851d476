/* SPDX-License-Identifier: MIT */

/* Whom an administrator is told to pair: those who try and have no key. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"

static World w;
static FakeAgent *ubuntu, *debian;

static void setup(void) {
        world_init(&w);
        ubuntu = &w.agents[0];
        debian = &w.agents[1];
        world_start(&w);
}

static void teardown(void) {
        world_done(&w);
}

START_TEST(test_unpaired_peers_are_remembered) {
        ControllerSummary summary;

        w.host.key = NULL;
        for (unsigned i = 0; i < 3; i++) {
                agent_connect(ubuntu);
                agent_connect(debian);
        }
        for (unsigned i = 0; i < 2 * CONTROLLER_UNPAIRED_MAX; i++) {
                FakeAgent *a = &w.agents[2];

                a->id = (uint8_t) (0x10 + i);
                agent_connect(a);
        }
        agent_connect(debian);
        controller_summary(w.controller, &summary);
        ck_assert_uint_eq(summary.n_unpaired, CONTROLLER_UNPAIRED_MAX);
        ck_assert_str_eq(summary.unpaired[0], "a1000000000000000000000000000000/Debian");
        ck_assert_str_eq(summary.unpaired[1], "1f000000000000000000000000000000/Alpine");
        agent_connect(debian);
        controller_summary(w.controller, &summary);
        ck_assert_str_eq(summary.unpaired[1], "1f000000000000000000000000000000/Alpine");
}
END_TEST

/* One that is paired is not to be paired, and one that was deleted never comes back. */
START_TEST(test_unpaired_peers_are_forgotten) {
        ControllerSummary summary;
        const uint8_t *key = w.host.key;
        uint64_t generation;

        w.host.key = NULL;
        agent_connect(ubuntu);
        agent_connect(debian);
        world_wait(&w, 60000);
        agent_connect(&w.agents[2]);
        w.host.key = key;
        agent_connect(debian);
        controller_summary(w.controller, &summary);
        ck_assert_uint_eq(summary.n_unpaired, 2);
        ck_assert_str_eq(summary.unpaired[0], "a2000000000000000000000000000000/Alpine");
        ck_assert_str_eq(summary.unpaired[1], "a0000000000000000000000000000000/Ubuntu");
        generation = summary.generation;
        world_wait(&w, 61000);
        controller_summary(w.controller, &summary);
        ck_assert_uint_eq(summary.n_unpaired, 1);
        ck_assert_uint_gt(summary.generation, generation);
        world_wait(&w, 60000);
        controller_summary(w.controller, &summary);
        ck_assert_uint_eq(summary.n_unpaired, 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("unpaired");
        TCase *tc = tcase_create("unpaired");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_unpaired_peers_are_remembered);
        tcase_add_test(tc, test_unpaired_peers_are_forgotten);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
