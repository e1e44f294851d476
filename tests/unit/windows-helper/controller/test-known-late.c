/* SPDX-License-Identifier: MIT */

/* An endpoint on which nobody listens does not become one that is open only because nobody has
 * looked since. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"

#define SLICE 4 /* changes */

static World w;
static FakeAgent *small, *big;

static void setup(void) {
        world_init(&w);
        w.options.slice_changes = SLICE;
        w.host.listeners = w.host.iphlpsvc_slow = true;
        world_start(&w);
        small = &w.agents[0];
        big = &w.agents[1];
        agent_connect(small);
        agent_connect(big);
}

static void teardown(void) {
        world_done(&w);
}

static void one_slice(void) {
        controller_dispatch(w.controller, w.host.now_usec);
        agent_read(small);
        agent_read(big);
}

/* A run is for some guests only if there is one that it is not for. */
static void add_another_guest(void) {
        agent_connect(&w.agents[2]);
        agent_ask(&w.agents[2], "172.20.0.4", "dev=0.0.0.0:8080");
        world_wait(&w, 20000);
}

/* What @big hears first. */
static const char *first_answer(const char *services) {
        unsigned n = big->n_results;

        agent_ask_later(big, "172.20.0.3", services);
        while (big->n_results == n)
                one_slice();
        return agent_results_text(big);
}

/* It was asked for no longer, but its value is still there when it is asked for again: the changes
 * of its guest take several slices, and somebody looks for another guest between them. */
START_TEST(test_asked_for_again_between_two_slices) {
        if (_i)
                add_another_guest();
        agent_ask(big, "172.20.0.3",
                  "a=0.0.0.0:1 b=0.0.0.0:2 c=0.0.0.0:3 d=0.0.0.0:4 e=0.0.0.0:5 f=0.0.0.0:6 "
                  "g=0.0.0.0:7 h=0.0.0.0:8 i=0.0.0.0:9 j=0.0.0.0:10 k=0.0.0.0:11 z=0.0.0.0:12");
        world_wait(&w, 20000);
        ck_assert_uint_eq(big->result.services[11].state, WIRE_SERVICE_BLOCKED);
        agent_ask_later(big, "172.20.0.3", "");
        one_slice();
        agent_ask_later(small, "172.20.0.2", "web=0.0.0.0:80");
        one_slice();
        ck_assert_str_eq(first_answer("z=0.0.0.0:12"), "z pending not-listening");
        world_wait(&w, 20000);
        agent_expect(big, "z blocked not-listening");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("known-late");
        TCase *tc = tcase_create("known-late");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_loop_test(tc, test_asked_for_again_between_two_slices, 0, 2);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
