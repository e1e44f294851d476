/* SPDX-License-Identifier: MIT */

/* A STATE that waits for its guest's share of the helper's time: who has one, for how long, and
 * what becomes of it. Each value takes the host so long that one STATE uses up a share. What many
 * do in a row is in test-share.c. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"
#include "windows-helper/core/controller/scope-private.h"

#define WRITE_USEC 10000  /* what the host needs for a value */
#define LOOK_USEC  300000 /* … for a look at its sockets, where a test says so */

static World w;
static FakeAgent *one, *other;

static void setup(void) {
        world_start_two(&w);
        one = &w.agents[0];
        other = &w.agents[1];
        w.host.write_usec = WRITE_USEC;
}

static void teardown(void) {
        world_done(&w);
}

static void swap(void) {
        FakeAgent *first = one;

        one = other;
        other = first;
}

/* Ask, and see whether there is an answer. */
static void ask(FakeAgent *a, const char *services, bool answered) {
        unsigned n = a->n_results;

        agent_ask(a, "172.20.0.2", services);
        ck_assert_uint_eq(a->n_results, n + answered);
}

static void use_up(FakeAgent *a) {
        ask(a, "a=0.0.0.0:20000-20099", true); /* it takes a second */
}

/* Whoever came first. The helper wakes for it. */
START_TEST(test_the_wait_has_an_end) {
        unsigned n;
        uint64_t begin;

        if (_i == 1)
                swap();
        use_up(one);
        n = one->n_results;
        begin = w.host.now_usec;
        ask(one, "b=0.0.0.0:80", false);
        while (one->n_results == n) {
                ck_assert_uint_gt(controller_deadline(w.controller), w.host.now_usec);
                w.host.now_usec = controller_deadline(w.controller);
                ck_assert_uint_le(w.host.now_usec - begin, SHARE_WAIT_USEC);
                world_run(&w);
        }
        agent_expect(one, "b active");
}
END_TEST

/* … even if it does not ask meanwhile. Nothing is owed for longer, whatever it has cost. */
START_TEST(test_no_debt_is_old) {
        use_up(one);
        world_wait(&w, SHARE_WAIT_USEC / 1000);
        ask(one, "b=0.0.0.0:80", true);
}
END_TEST

/* Newer ones take the place of the one that waits, but do not begin to wait anew: not even when the
 * helper looks at everybody's ports meanwhile, and that is slow. */
START_TEST(test_the_newest_is_taken) {
        uint64_t begin;
        unsigned n;

        ask(other, "web=0.0.0.0:90", true);
        w.host.iphlpsvc_slow = true;
        w.host.look_usec = LOOK_USEC;
        use_up(one);
        n = one->n_results;
        begin = w.host.now_usec;
        ask(one, "b=0.0.0.0:80", false);
        world_pass(&w, 600);
        ask(one, "c=0.0.0.0:81", false);
        world_pass(&w, 600);
        ask(one, "d=0.0.0.0:82", false);
        while (one->n_results == n) {
                w.host.now_usec = controller_deadline(w.controller);
                ck_assert_uint_le(w.host.now_usec - begin, SHARE_WAIT_USEC);
                world_run(&w);
        }
        agent_expect(one, "d pending not-listening");
        world_expect_rules(&w,
                           "v4tov4 0.0.0.0/82 172.20.0.2/82\nv4tov4 0.0.0.0/90 172.20.0.2/90\n");
}
END_TEST

/* It asks for the first time, does not have to wait, and is gone before the helper comes to it. */
START_TEST(test_gone_at_once) {
        FakeAgent *third = &w.agents[2];

        agent_connect(third);
        agent_ask_later(third, "172.20.0.7", "web=0.0.0.0:80");
        agent_vanish(third);
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.7/80\n");
}
END_TEST

/* The other one has never been there. */
START_TEST(test_always_alone) {
        world_stop(&w);
        world_start(&w);
        agent_connect(one);
        for (unsigned i = 0; i < 5; i++) {
                use_up(one);
                ask(one, "b=0.0.0.0:80", true);
        }
}
END_TEST

/* Both ask at once, and nearly all of the run is for the one that has many endpoints. */
START_TEST(test_a_run_for_two) {
        if (_i == 1)
                swap();
        agent_ask_later(one, "172.20.0.2", "a=0.0.0.0:20000-20099");
        agent_ask_later(other, "172.20.0.9", "web=0.0.0.0:80");
        world_run(&w);
        agent_expect(one, "a active");
        agent_expect(other, "web active");
        ask(other, "web=0.0.0.0:80", true);
        ask(one, "b=0.0.0.0:81", false);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("share-waits");
        TCase *tc = tcase_create("share-waits");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_loop_test(tc, test_the_wait_has_an_end, 0, 2);
        tcase_add_test(tc, test_no_debt_is_old);
        tcase_add_test(tc, test_the_newest_is_taken);
        tcase_add_test(tc, test_gone_at_once);
        tcase_add_test(tc, test_always_alone);
        tcase_add_loop_test(tc, test_a_run_for_two, 0, 2);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
