/* SPDX-License-Identifier: MIT */

/* Each guest's share of the helper's time: a guest that asks without a pause waits, and the others
 * do not. That looks at the host's sockets are part of it is in test-share-looks.c, and more about
 * what waits in test-share-waits.c. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"
#include "windows-helper/core/controller/scope-private.h"

#include <errno.h>
#include <stdio.h>

#define WRITE_USEC 1000 /* what the host needs for a value */
#define LISTENS    100  /* so many come and go with each STATE */

static World w;
static FakeAgent *small, *loud;

static void setup(void) {
        world_start_two(&w);
        small = &w.agents[0];
        loud = &w.agents[1];
        w.host.write_usec = WRITE_USEC;
}

static void teardown(void) {
        world_done(&w);
}

/* Ask for something else than last time. */
static void toggle(FakeAgent *a, unsigned turn) {
        agent_ask(a, "172.20.0.2", turn % 2 ? "a=0.0.0.0:20000-20099" : "a=0.0.0.0:30000-30099");
}

static uint64_t writes(void) {
        return w.host.calls[MEMORY_RULE_SET] + w.host.calls[MEMORY_RULE_DELETE];
}

/* Ask every five milliseconds for @sec seconds. Returns how much of that time was spent on it. */
static double flood(unsigned sec) {
        uint64_t begin = w.host.now_usec, n = writes();

        for (unsigned turn = 0; w.host.now_usec - begin < sec * UINT64_C(1000000); turn++) {
                toggle(loud, turn);
                world_wait(&w, 5);
        }
        return (double) ((writes() - n) * WRITE_USEC) / (double) (w.host.now_usec - begin);
}

START_TEST(test_one_that_floods_has_its_share) {
        double part;

        agent_ask(small, "172.20.0.9", "web=0.0.0.0:80");
        part = flood(20);
        ck_assert_double_lt(part, 1.0 / SHARE_PART + 0.05);
        ck_assert_double_gt(part, 1.0 / SHARE_PART - 0.05);
        world_wait(&w, SHARE_WAIT_USEC / 1000); /* the last one counts */
        agent_expect(loud, "a active");
        ck_assert_uint_eq(w.host.rules.n, LISTENS + 1);
}
END_TEST

static int no_iphlpsvc(MemoryHost *m, MemoryCall call) {
        return call == MEMORY_ACTIVATE ? -EPERM : 0;
}

/* … while every run is for all, and another guest has much more. */
START_TEST(test_a_flood_without_iphlpsvc) {
        w.host.fault = no_iphlpsvc;
        agent_ask(small, "172.20.0.9", "web=0.0.0.0:40000-40999");
        ck_assert_double_lt(flood(20), 1.0 / SHARE_PART + 0.05);
}
END_TEST

START_TEST(test_one_that_is_alone_never_waits) {
        agent_leave(small);
        world_run(&w);
        ck_assert_double_gt(flood(5), 0.9);
}
END_TEST

/* … nor does one that begins to be alone. */
START_TEST(test_the_other_leaves) {
        unsigned n;

        (void) flood(2);
        toggle(loud, 0);
        toggle(loud, 1);
        n = loud->n_results;
        agent_leave(small);
        world_run(&w);
        ck_assert_uint_eq(loud->n_results, n + 1);
}
END_TEST

/* What was not used is left to a guest: some changes in a row. */
START_TEST(test_news_now_and_then_never_waits) {
        world_wait(&w, SHARE_UNUSED_USEC / 1000);
        for (unsigned i = 0; i < 100; i++) {
                unsigned n = loud->n_results;

                agent_ask(loud, i % 2 ? "172.20.0.2" : "172.20.0.3", "a=0.0.0.0:20000-20009");
                ck_assert_uint_eq(loud->n_results, n + 1);
                if (i % 10 == 9) /* ten times 10 ms, and 20 of the first */
                        world_wait(&w, 800);
        }
}
END_TEST

/* The other one's changes are made at once, whoever waits. */
START_TEST(test_the_others_do_not_wait) {
        for (unsigned i = 0; i < 20; i++) {
                unsigned n;
                char address[32];

                (void) flood(1);
                n = small->n_results;
                (void) snprintf(address, sizeof(address), "172.20.1.%u", i + 1);
                agent_ask(small, address, "web=0.0.0.0:80");
                ck_assert_uint_eq(small->n_results, n + 1);
        }
}
END_TEST

START_TEST(test_no_wait_is_long) {
        WireState s;
        unsigned n;

        for (unsigned turn = 0; turn < 2; turn++) { /* seconds of work */
                world_parse(&s, "172.20.0.2",
                            turn ? "a=0.0.0.0:10000-19999" : "a=0.0.0.0:20000-29999");
                agent_push(loud, &s);
                wire_state_done(&s);
        }
        n = loud->n_results;
        agent_ask(loud, "172.20.0.2", "b=0.0.0.0:80"); /* waits */
        ck_assert_uint_eq(loud->n_results, n);
        world_wait(&w, SHARE_WAIT_USEC / 1000);
        agent_expect(loud, "b active");
        ck_assert_uint_eq(w.host.rules.n, 1);
}
END_TEST

static void send(FakeAgent *a, const char *services) {
        WireState s;

        world_parse(&s, "172.20.0.2", services);
        agent_send(a, &s);
        wire_state_done(&s);
        controller_dispatch(w.controller, w.host.now_usec); /* one slice at most */
        agent_read(a);
        agent_read(small);
}

/* Seconds of work are under way. The first correction stops it, and none waits for its end. */
START_TEST(test_unfinished_work_is_corrected) {
        uint64_t begin;
        size_t n;

        send(loud, "a=0.0.0.0:10000-19999");
        for (unsigned i = 0; i < 5; i++)
                controller_dispatch(w.controller, w.host.now_usec);
        n = w.host.rules.n;
        ck_assert_uint_lt(n, 4000);
        send(loud, "a=0.0.0.0:10000-10009");
        ck_assert_uint_lt(w.host.rules.n, n);
        send(loud, "a=0.0.0.0:20000-29999");
        begin = w.host.now_usec;
        while (memory_host_rule(&w.host, RULE_V4TOV4, "0.0.0.0/10000")) {
                controller_dispatch(w.controller, w.host.now_usec);
                if (controller_deadline(w.controller) > w.host.now_usec)
                        w.host.now_usec = controller_deadline(w.controller);
        }
        ck_assert_uint_le(w.host.now_usec - begin,
                          SHARE_WAIT_USEC + UINT64_C(2) * 512 * WRITE_USEC);
}
END_TEST

/* The newest STATE of a flood waits, and whatever it asks for is not in force yet. */
static void flood_and_ask(const char *services) {
        uint64_t n;

        (void) flood(1);
        toggle(loud, 0); /* at most one of these is a correction, which is taken at once */
        toggle(loud, 1);
        n = writes();
        agent_ask(loud, "172.20.0.2", services);
        ck_assert_uint_eq(writes(), n);
}

/* Its connection ends while a STATE waits. That is what its guest wants, and what it keeps; and its
 * claim lasts no longer than it would have. */
START_TEST(test_the_connection_ends_meanwhile) {
        for (unsigned turn = 0; turn < 2; turn++) {
                uint64_t n;

                flood_and_ask("b=0.0.0.0:80");
                if (turn == 1)
                        agent_leave(loud);
                else
                        agent_vanish(loud);
                n = writes();
                world_run(&w);
                ck_assert_uint_eq(writes(), n); /* an end is no way to be served first */
                world_wait(&w, SHARE_WAIT_USEC / 1000);
                world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.2/80\n");
                if (turn == 0)
                        agent_connect(loud);
        }
        world_wait(&w, w.options.goodbye_ms);
        world_expect_rules(&w, "");
}
END_TEST

/* The key is replaced while a STATE of the old key's session waits. It never comes into force. */
START_TEST(test_revoked_meanwhile) {
        flood_and_ask("b=0.0.0.0:80");
        w.host.key = NULL;
        controller_keys_changed(w.controller, w.host.now_usec);
        world_wait(&w, 2 * SHARE_WAIT_USEC / 1000);
        world_expect_rules(&w, "");
}
END_TEST

/* Its connection fails under a RESULT, while a STATE for many more services waits. */
START_TEST(test_no_answer_can_be_sent) {
        char many[WORLD_TEXT_MAX] = "";
        size_t at = 0;

        for (unsigned i = 0; i < 40; i++)
                at += (size_t) snprintf(many + at, sizeof(many) - at, "s%u=0.0.0.0:%u ", i,
                                        40000 + i);
        w.host.iphlpsvc_slow = true;
        flood_and_ask(many);
        loud->breaks = true;
        w.host.iphlpsvc_slow = false;
        controller_forwarder_changed(w.controller);
        world_run(&w); /* what was pending is active: a RESULT that nobody asked for */
        ck_assert_ptr_null(loud->connection);
        world_wait(&w, SHARE_WAIT_USEC / 1000);
        ck_assert_uint_eq(w.host.rules.n, 40);
}
END_TEST

/* A new session's first STATE waits, too. Until then nothing is answered, because the numbers of
 * RESULTs are those of the session's own STATEs. */
START_TEST(test_a_new_session_is_no_way_out) {
        unsigned n;

        (void) flood(1);
        agent_vanish(loud);
        world_run(&w);
        agent_connect(loud);
        n = loud->n_results;
        agent_ask(loud, "172.20.0.2", "b=0.0.0.0:80");
        ck_assert_uint_eq(loud->n_results, n);
        world_wait(&w, SHARE_WAIT_USEC / 1000);
        agent_expect(loud, "b active");
        ck_assert_uint_eq(loud->n_results, n + 1);
        ck_assert_uint_eq(loud->result.sequence, 1);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("share");
        TCase *tc = tcase_create("share");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_set_timeout(tc, 60); /* a limit for hangs under sanitizers, not what is expected */
        tcase_add_test(tc, test_one_that_floods_has_its_share);
        tcase_add_test(tc, test_a_flood_without_iphlpsvc);
        tcase_add_test(tc, test_one_that_is_alone_never_waits);
        tcase_add_test(tc, test_the_other_leaves);
        tcase_add_test(tc, test_news_now_and_then_never_waits);
        tcase_add_test(tc, test_the_others_do_not_wait);
        tcase_add_test(tc, test_no_wait_is_long);
        tcase_add_test(tc, test_the_connection_ends_meanwhile);
        tcase_add_test(tc, test_unfinished_work_is_corrected);
        tcase_add_test(tc, test_revoked_meanwhile);
        tcase_add_test(tc, test_no_answer_can_be_sent);
        tcase_add_test(tc, test_a_new_session_is_no_way_out);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
