/* SPDX-License-Identifier: MIT */

/* Looks at the host's sockets and each guest's share of the helper's time: nobody waits for a look
 * that is due for somebody else, and a guest for which one is due again and again waits itself. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"
#include "windows-helper/core/controller/scope-private.h"

#include <stdio.h>

static World w;
static FakeAgent *small, *loud;

static void setup(void) {
        world_start_two(&w);
        small = &w.agents[0];
        loud = &w.agents[1];
}

static void teardown(void) {
        world_done(&w);
}

/* Ask for something else than last time. */
static void toggle(FakeAgent *a, unsigned turn) {
        agent_ask(a, "172.20.0.2", turn % 2 ? "a=0.0.0.0:20000-20099" : "a=0.0.0.0:30000-30099");
}

/* One slice at most. */
static void dispatch(void) {
        controller_dispatch(w.controller, w.host.now_usec);
        agent_read(small);
        agent_read(loud);
}

/* What the host needs for a look, and how often it has looked. */
#define LOOK_USEC 20000

static uint64_t looks(void) {
        return w.host.calls[MEMORY_LISTENING_READ];
}

/* The forwarder is slow to listen for loud's endpoints, so looks are due all the time. The small
 * one's is open, and its address changes. */
static void wait_for_loud(void) {
        w.host.listeners = true;
        agent_ask(small, "172.20.0.9", "web=0.0.0.0:80");
        world_wait(&w, 1000);
        agent_expect(small, "web active");
        w.host.iphlpsvc_slow = true;
        w.host.look_usec = LOOK_USEC;
        toggle(loud, 0);
        agent_expect(loud, "a pending not-listening");
}

START_TEST(test_news_do_not_wait_for_a_look_for_another) {
        uint64_t n;

        wait_for_loud();
        n = looks();
        w.host.now_usec = controller_deadline(w.controller); /* the look is due … */
        agent_ask_later(small, "172.20.0.10", "web=0.0.0.0:80");
        dispatch();
        ck_assert_uint_eq(looks(), n); /* … and comes after the answer */
        ck_assert_str_eq(memory_host_rule(&w.host, RULE_V4TOV4, "0.0.0.0/80"), "172.20.0.10/80");
        dispatch();
        ck_assert_uint_eq(looks(), n + 1);
}
END_TEST

/* Both ask at once. Who needs no look is answered before the other one's. */
START_TEST(test_news_do_not_wait_for_a_look_for_news_of_another) {
        uint64_t n;

        wait_for_loud();
        w.host.iphlpsvc_slow = false;
        world_wait(&w, 10000);
        agent_expect(loud, "a active");
        n = looks();
        agent_ask_later(loud, "172.20.0.2", "a=0.0.0.0:30000-30099 b=0.0.0.0:81");
        agent_ask_later(small, "172.20.0.10", "web=0.0.0.0:80");
        dispatch();
        agent_expect(small, "web active");
        agent_expect(loud, "a active; b active");
        ck_assert_uint_eq(looks(), n + 1);
        ck_assert_uint_lt(small->result.apply_usec, LOOK_USEC);
        ck_assert_uint_ge(loud->result.apply_usec, LOOK_USEC);
}
END_TEST

/* iphlpsvc is told of the small one's changes, so the checks of what loud waits for begin anew each
 * time. Not for long: soon somebody looks at the small one's endpoint, too. It does not matter
 * which of them came first. */
START_TEST(test_looks_are_part_of_the_share) {
        uint64_t begin, n;
        char address[32];

        small = &w.agents[_i];
        loud = &w.agents[1 - _i];
        wait_for_loud();
        begin = w.host.now_usec;
        n = looks();
        for (unsigned turn = 0; turn < 25; turn++) {
                (void) snprintf(address, sizeof(address), "172.20.0.%u", 10 + turn % 2);
                agent_ask(small, address, "web=0.0.0.0:80");
                world_pass(&w, 50);
        }
        n = looks() - n;
        ck_assert_uint_lt(w.host.now_usec - begin, SCOPE_ALL_USEC);
        ck_assert_uint_le(n * LOOK_USEC,
                          (w.host.now_usec - begin + SHARE_UNUSED_USEC) / SHARE_PART + LOOK_USEC);
        ck_assert_uint_gt(n, 10);
        w.host.iphlpsvc_slow = false;
        world_pass(&w, SHARE_WAIT_USEC / 1000 + 100);
        agent_expect(loud, "a active");
}
END_TEST

static uint64_t decided(void) {
        ControllerSummary summary;

        controller_summary(w.controller, &summary);
        return summary.n_decided;
}

/* A look that takes longer uses up the share. The next one is put off until there is time for it,
 * and nothing else is done when it would have been due. */
START_TEST(test_a_look_is_put_off) {
        uint64_t n, n_looks;

        wait_for_loud();
        w.host.look_usec = 300000;
        agent_ask(loud, "172.20.0.2", "b=0.0.0.0:81");
        agent_expect(loud, "b pending not-listening");
        n = decided(), n_looks = looks();
        w.host.now_usec = controller_deadline(w.controller);
        world_run(&w);
        ck_assert_uint_eq(looks(), n_looks);
        ck_assert_uint_eq(decided(), n);
        ck_assert_uint_gt(controller_deadline(w.controller), w.host.now_usec);
        w.host.now_usec = controller_deadline(w.controller);
        world_run(&w);
        ck_assert_uint_eq(looks(), n_looks + 1);
        ck_assert_uint_eq(decided(), n + 1);
}
END_TEST

/* The small one's port is taken, and it waits for nobody. However long another one does, no look is
 * made because of the small one, and it does not pay for any. */
START_TEST(test_an_obstacle_is_no_reason_to_look) {
        unsigned n_results;
        uint64_t begin, n;

        w.host.listeners = true;
        w.host.taken_port = 9100;
        agent_ask(small, "172.20.0.9", "web=0.0.0.0:9100");
        world_wait(&w, 10000);
        agent_expect(small, "web conflict port-in-use");
        w.host.iphlpsvc_slow = true;
        w.host.look_usec = LOOK_USEC;
        begin = w.host.now_usec;
        n = looks();
        for (unsigned turn = 0; turn < 100; turn++) {
                agent_ask(loud, "172.20.0.2", turn % 2 ? "a=0.0.0.0:80" : "a=0.0.0.0:81");
                world_pass(&w, 100);
        }
        begin = w.host.now_usec - begin;
        n = looks() - n - begin / SCOPE_ALL_USEC; /* those for all are nobody's */
        ck_assert_uint_le(n * LOOK_USEC, (begin + SHARE_UNUSED_USEC) / SHARE_PART + LOOK_USEC);
        n_results = small->n_results;
        agent_ask(small, "172.20.0.9", "www=0.0.0.0:9100");
        ck_assert_uint_eq(small->n_results, n_results + 1);
}
END_TEST

/* The third asks for a new port while the changes of one are made slice by slice, and the news of
 * another need no look. Its own comes soon all the same. */
START_TEST(test_a_look_that_was_left_is_made) {
        FakeAgent *third = &w.agents[2];
        uint64_t begin;

        agent_connect(third);
        w.host.listeners = true;
        agent_ask(third, "172.20.0.7", "web=0.0.0.0:81");
        agent_ask(small, "172.20.0.9", "web=0.0.0.0:80");
        world_wait(&w, 10000);
        agent_ask_later(loud, "172.20.0.2",
                        "a=0.0.0.0:20000-23999,0.0.0.0:24000-27999,0.0.0.0:28000-31999");
        dispatch();
        begin = w.host.now_usec;
        agent_ask_later(third, "172.20.0.7", "web=0.0.0.0:81 dev=0.0.0.0:82");
        for (unsigned i = 0; i < 20; i++) {
                char address[32];

                (void) snprintf(address, sizeof(address), "172.20.0.%u", i + 10);
                agent_ask_later(small, address, "web=0.0.0.0:80");
                dispatch();
                agent_read(third);
                ck_assert_uint_eq(controller_deadline(w.controller), 0); /* there are slices left */
                w.host.now_usec += 50000;
        }
        agent_expect(third, "web active; dev active");
        ck_assert_uint_lt(third->result.apply_usec, 700000);
        ck_assert_uint_eq(w.host.now_usec - begin, 1000000);
}
END_TEST

/* … after half a second at the latest, and for those who wait for it. If everything was to be
 * checked at the moment when it was left, it is for all: the relay listens for the last one now. */
START_TEST(test_how_long_a_look_is_left) {
        static const uint64_t later[] = {0, 250000, 499999, 500000};
        FakeAgent *third = &w.agents[2], *last = &w.agents[3];
        uint64_t begin, n;

        world_kill(&w);
        w.options.means.relay = w.host.relay_slow = true;
        world_start(&w);
        for (unsigned i = 0; i < WORLD_AGENTS; i++)
                agent_connect(&w.agents[i]);
        agent_ask(third, "172.20.0.7", "web=0.0.0.0:81");
        agent_ask(small, "172.20.0.9", "web=0.0.0.0:80");
        agent_ask(last, "172.20.0.8", "dns=0.0.0.0:53+udp");
        world_wait(&w, 10000);
        agent_expect(last, "dns blocked not-listening");
        w.host.relay_slow = false;
        begin = controller_deadline(w.controller) - 1 + (unsigned) _i;
        w.host.now_usec = begin - 1;
        agent_ask_later(loud, "172.20.0.2", "a=0.0.0.0:20000-23999");
        dispatch();
        agent_ask_later(third, "172.20.0.7", "web=0.0.0.0:81 dev=0.0.0.0:82");
        n = looks();
        for (unsigned i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
                char address[32];

                w.host.now_usec = begin + later[i];
                (void) snprintf(address, sizeof(address), "172.20.0.%u", i + 10);
                agent_ask_later(small, address, "web=0.0.0.0:80");
                dispatch();
                ck_assert_uint_eq(controller_deadline(w.controller), 0); /* there are slices left */
                ck_assert_uint_eq(looks() - n, i == 3);
        }
        agent_read(third);
        agent_read(last);
        agent_expect(third, "web active; dev active");
        agent_expect(last, _i ? "dns active" : "dns blocked not-listening");
}
END_TEST

/* News without an end do not put the look off for ever. */
START_TEST(test_looks_go_on) {
        uint64_t begin;

        wait_for_loud();
        w.host.iphlpsvc_slow = false;
        begin = w.host.now_usec;
        for (unsigned i = 0; i < 200; i++) {
                char address[32];

                (void) snprintf(address, sizeof(address), "172.20.0.%u", i + 10);
                agent_ask_later(small, address, "web=0.0.0.0:80");
                dispatch();
                w.host.now_usec += 10000;
        }
        ck_assert_uint_lt(w.host.now_usec - begin, UINT64_C(3000000));
        agent_expect(loud, "a active");
}
END_TEST

/* A program has a port of loud's guest, which is looked at every two seconds. Whatever the small
 * one asks for meanwhile, this stays as it was reported, and iphlpsvc is told of the small one's
 * changes only. */
START_TEST(test_an_obstacle_of_another) {
        unsigned n_results;
        uint64_t n_looks;

        w.host.listeners = true;
        w.host.taken_port = 90;
        agent_ask(small, "172.20.0.9", "web=0.0.0.0:80");
        agent_ask(loud, "172.20.0.2", "a=0.0.0.0:90");
        world_wait(&w, 10000);
        agent_expect(loud, "a conflict port-in-use");
        n_results = loud->n_results;
        for (unsigned i = 0; i < 40; i++) {
                uint64_t n = w.host.calls[MEMORY_ACTIVATE];
                char services[64];

                (void) snprintf(services, sizeof(services), "web=0.0.0.0:%u", 200 + i);
                agent_ask(small, "172.20.0.9", services);
                agent_expect(small, "web active");
                ck_assert_uint_eq(w.host.calls[MEMORY_ACTIVATE], n + 1);
                world_wait(&w, 130);
        }
        ck_assert_uint_eq(loud->n_results, n_results);
        world_wait(&w, 10000);
        w.host.now_usec = controller_deadline(w.controller); /* a look at the obstacle is due */
        n_looks = looks();
        agent_ask_later(small, "172.20.0.2", "web=0.0.0.0:250"); /* … and this needs one, too */
        dispatch();
        agent_ask(small, "172.20.0.10", "web=0.0.0.0:80");
        ck_assert_uint_le(looks(), n_looks + 3);
        agent_expect(small, "web active");
        w.host.taken_port = 0;
        world_wait(&w, 5000);
        agent_expect(loud, "a active");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("share-looks");
        TCase *tc = tcase_create("share-looks");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_set_timeout(tc, 60); /* a limit for hangs under sanitizers, not what is expected */
        tcase_add_test(tc, test_news_do_not_wait_for_a_look_for_another);
        tcase_add_test(tc, test_news_do_not_wait_for_a_look_for_news_of_another);
        tcase_add_loop_test(tc, test_looks_are_part_of_the_share, 0, 2);
        tcase_add_test(tc, test_a_look_is_put_off);
        tcase_add_test(tc, test_an_obstacle_is_no_reason_to_look);
        tcase_add_test(tc, test_a_look_that_was_left_is_made);
        tcase_add_loop_test(tc, test_how_long_a_look_is_left, 0, 2);
        tcase_add_test(tc, test_looks_go_on);
        tcase_add_test(tc, test_an_obstacle_of_another);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
