/* SPDX-License-Identifier: MIT */

/* How often the helper looks who listens. That is what an answer waits for longest on a host with
 * thousands of listeners, so it is counted: a guest whose ports were open at the last look, and
 * that only asks for other targets, is answered without one. One look for all follows, at leisure.
 */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"
#include "windows-helper/core/rules/slice.h"

#include <errno.h>
#include <stdio.h>

#define LEISURE_MS 2000

static World w;
static FakeAgent *small, *big;

static void setup(void) {
        world_start_two(&w);
        small = &w.agents[0];
        big = &w.agents[1];
}

static void teardown(void) {
        world_done(&w);
}

static uint64_t looks(void) {
        static uint64_t before;
        uint64_t n = w.host.calls[MEMORY_LISTENING_READ] - before;

        before += n;
        return n;
}

#define expect_looks(n) ck_assert_uint_eq(looks(), n)

/* One guest alone, and the same beside another: what needs a look before the answer, and how many
 * follow. */
START_TEST(test_when_a_look_is_needed) {
        static const struct {
                const char *address, *services, *results;
                unsigned before, after;
        } asks[] = {
                {"172.20.0.2", "web=0.0.0.0:80", "web active", 1, 0},
                {"172.20.0.3", "web=0.0.0.0:80", "web active", 0, 1},     /* moved */
                {"172.20.0.3", "web=0.0.0.0:80", "web active", 0, 1},     /* nothing new */
                {"172.20.0.3", "web=0.0.0.0:80+any", "web active", 0, 1}, /* for others, too */
                {"172.20.0.3", "www=0.0.0.0:80", "www active", 0, 1},     /* another name */
                {"172.20.0.3", "web=0.0.0.0:80 ssh=0.0.0.0:22", "web active; ssh active", 1, 0},
                {"172.20.0.4", "web=0.0.0.0:80 ssh=0.0.0.0:22", "web active; ssh active", 0, 1},
                {"172.20.0.4", "web=0.0.0.0:80", "web active", 0, 1},
                {"fd00::2", "web=0.0.0.0:80", "web active", 1, 0}, /* a value of another key */
                {"fd00::3", "web=0.0.0.0:80", "web active", 0, 1},
                {"", "web=0.0.0.0:80", "web withdrawn no-address", 0, 0},
                {"fd00::3", "web=0.0.0.0:80", "web active", 1, 0},
        };

        for (int others = 0; others < 2; others++) {
                if (others)
                        agent_ask(big, "172.20.0.9", "dev=0.0.0.0:8000-8010");
                else
                        agent_ask(small, "172.20.0.2", "");
                world_wait(&w, LEISURE_MS + 1);
                (void) looks();
                for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
                        agent_ask(small, asks[i].address, asks[i].services);
                        ck_assert_msg(looks() == asks[i].before, "case %zu", i);
                        agent_expect(small, asks[i].results);
                        world_wait(&w, LEISURE_MS + 1);
                        /* a run for one of two guests is always followed by one for all */
                        ck_assert_msg(looks() == (others ? 1 : asks[i].after), "case %zu", i);
                        agent_expect(small, asks[i].results);
                }
                agent_ask(small, "172.20.0.2", "");
        }
}
END_TEST

/* However many updates there are, and whatever another guest's endpoint waits for. */
START_TEST(test_one_look_for_many_updates) {
        agent_ask(small, "172.20.0.2", "web=0.0.0.0:80");
        world_wait(&w, LEISURE_MS + 1);
        (void) looks();
        for (unsigned i = 0; i < 20; i++) {
                agent_ask(small, i % 2 ? "172.20.0.2" : "172.20.0.3", "web=0.0.0.0:80");
                w.host.now_usec += 10000;
        }
        expect_looks(0);
        world_wait(&w, LEISURE_MS + 1);
        expect_looks(1);
        w.host.taken_port = 8000;
        agent_ask(big, "172.20.0.9", "dev=0.0.0.0:8000");
        world_wait(&w, 10000);
        agent_expect(big, "dev conflict port-in-use");
        (void) looks();
        agent_ask(small, "172.20.0.4", "web=0.0.0.0:80");
        expect_looks(0);
        agent_expect(small, "web active");
}
END_TEST

/* What was not listened on is not asked about again, either. */
START_TEST(test_late_ones_are_known) {
        w.host.iphlpsvc_slow = true;
        agent_ask(small, "172.20.0.2", "web=0.0.0.0:80 ssh=0.0.0.0:22");
        world_wait(&w, 10000);
        agent_expect(small, "web blocked not-listening; ssh blocked not-listening");
        (void) looks();
        agent_ask(small, "172.20.0.3", "web=0.0.0.0:80 ssh=0.0.0.0:22");
        expect_looks(0);
        agent_expect(small, "web blocked not-listening; ssh blocked not-listening");
        agent_ask(small, "172.20.0.3", "dev=0.0.0.0:81 ssh=0.0.0.0:22"); /* with a new one */
        expect_looks(1);
        agent_expect(small, "dev pending not-listening; ssh blocked not-listening");
}
END_TEST

/* Where a look takes long, nobody is answered only after it, and half of the time at least is left
 * for everything else. */
START_TEST(test_slow_looks) {
        uint64_t before;

        agent_ask(small, "172.20.0.2", "web=0.0.0.0:80");
        w.host.look_usec = 3000000;
        world_pass(&w, 60000);
        controller_forwarder_changed(w.controller); /* somebody learns that it is slow */
        world_run(&w);
        (void) looks();
        agent_ask(small, "172.20.0.2", "web=0.0.0.0:80 ssh=0.0.0.0:22");
        expect_looks(0);
        agent_expect(small, "web active; ssh pending not-listening");
        agent_ask(small, "172.20.0.3", "web=0.0.0.0:80 ssh=0.0.0.0:22");
        expect_looks(0);
        agent_expect(small, "web active; ssh pending not-listening");
        world_pass(&w, 5);
        expect_looks(1);
        agent_expect(small, "web active; ssh active");
        w.host.iphlpsvc_slow = true;
        agent_ask(small, "172.20.0.3", "web=0.0.0.0:80 ssh=0.0.0.0:22 dev=0.0.0.0:81");
        before = w.host.now_usec;
        world_pass(&w, 30000);
        ck_assert_uint_le(looks() * w.host.look_usec,
                          (w.host.now_usec - before) / 2 + w.host.look_usec);
}
END_TEST

/* One of 50 ms is waited for. */
START_TEST(test_what_is_slow) {
        for (unsigned slow = 0; slow < 2; slow++) {
                agent_ask(small, "172.20.0.2", "web=0.0.0.0:80");
                w.host.look_usec = 50000 + slow;
                world_pass(&w, 60000);
                controller_forwarder_changed(w.controller);
                world_run(&w);
                world_pass(&w, 60000);
                (void) looks();
                agent_ask(small, "172.20.0.2", "web=0.0.0.0:80 ssh=0.0.0.0:22");
                agent_expect(small, slow ? "web active; ssh pending not-listening"
                                         : "web active; ssh active");
                expect_looks(1 - slow);
        }
}
END_TEST

/* The same for a guest that is reached directly: a program of Windows may have the port. Nobody
 * lets people in to that program before somebody has looked. */
START_TEST(test_slow_looks_at_direct_endpoints) {
        static const char *const more = "web=0.0.0.0:80 dev=0.0.0.0:81 ssh=0.0.0.0:22";

        agent_ask(small, "mirrored", "web=0.0.0.0:80");
        w.host.look_usec = 100000;
        controller_forwarder_changed(w.controller);
        world_run(&w);
        world_pass(&w, 60000);
        (void) looks();
        w.host.taken_port = 81;
        agent_ask(small, "mirrored", more);
        expect_looks(0);
        agent_expect(small, "web active direct; dev pending; ssh pending");
        ck_assert_uint_eq(w.host.firewall.n, 1);
        world_pass(&w, 1000);
        agent_expect(small, "web active direct; dev conflict port-in-use; ssh active direct");
        ck_assert_uint_eq(w.host.firewall.n, 2);
}
END_TEST

/* In a run for one guest of two: what was seen open does not wait any more. */
START_TEST(test_seen_beside_another_guest) {
        agent_ask(big, "172.20.0.9", "dev=0.0.0.0:8000");
        world_wait(&w, LEISURE_MS + 1);
        (void) looks();
        agent_ask(small, "172.20.0.2", "web=0.0.0.0:80");
        expect_looks(1);
        agent_ask(small, "172.20.0.3", "web=0.0.0.0:80");
        expect_looks(0);
        agent_expect(small, "web active");
}
END_TEST

/* What was late, went and came back is new, whether somebody looks at once or not. */
START_TEST(test_a_late_one_comes_back) {
        w.host.iphlpsvc_slow = true;
        for (unsigned slow = 0; slow < 2; slow++) {
                agent_ask(small, "172.20.0.2", "web=0.0.0.0:80 ssh=0.0.0.0:22");
                w.host.look_usec = slow * 100000;
                world_pass(&w, 20000);
                agent_expect(small, "web blocked not-listening; ssh blocked not-listening");
                (void) looks();
                agent_ask(small, "172.20.0.2", "web=0.0.0.0:80");
                expect_looks(0);
                agent_ask(small, "172.20.0.2", "web=0.0.0.0:80 ssh=0.0.0.0:22");
                expect_looks(1 - slow);
                agent_expect(small, "web blocked not-listening; ssh pending not-listening");
        }
}
END_TEST

/* A look between two slices is not for the guest with changes left. What it has got so far is not
 * known to be open after that. */
START_TEST(test_a_look_between_two_slices) {
        uint64_t n;

        agent_ask(small, "172.20.0.2", "web=0.0.0.0:80");
        agent_ask(big, "172.20.0.3", "a=0.0.0.0:9000");
        w.host.look_usec = 100000;
        controller_forwarder_changed(w.controller);
        world_run(&w);
        w.host.iphlpsvc_slow = true;
        agent_ask_later(big, "172.20.0.3", "a=0.0.0.0:10000-10199 b=0.0.0.0:20000-22999");
        controller_dispatch(w.controller, w.host.now_usec); /* all of a is in this slice */
        agent_ask_later(small, "172.20.0.2", "web=0.0.0.0:80 ssh=0.0.0.0:22");
        n = w.host.calls[MEMORY_LISTENING_READ];
        controller_dispatch(w.controller, w.host.now_usec);
        w.host.now_usec += 2000000;
        controller_dispatch(w.controller, w.host.now_usec);
        ck_assert_uint_eq(w.host.calls[MEMORY_LISTENING_READ], n + 1);
        while (controller_deadline(w.controller) == 0)
                controller_dispatch(w.controller, w.host.now_usec);
        agent_read(big);
        agent_expect(big, "a pending not-listening; b pending not-listening");
}
END_TEST

/* iphlpsvc opens the port anew for the other target, and fails. The look that follows finds that.
 */
START_TEST(test_what_was_known_turns_out_wrong) {
        agent_ask(small, "172.20.0.2", "web=0.0.0.0:80");
        w.host.iphlpsvc_slow = true;
        agent_ask(small, "172.20.0.3", "web=0.0.0.0:80");
        agent_expect(small, "web active");
        world_wait(&w, LEISURE_MS);
        agent_expect(small, "web pending not-listening");
        (void) looks();
        agent_ask(small, "172.20.0.4", "web=0.0.0.0:80"); /* it is not known any more */
        agent_expect(small, "web pending not-listening");
        ck_assert_uint_ge(looks(), 1);
        w.host.iphlpsvc_slow = false;
        world_wait(&w, LEISURE_MS);
        agent_expect(small, "web active");
}
END_TEST

/* Whatever else happens, somebody looks at once. */
START_TEST(test_other_news_are_followed_by_a_look) {
        agent_ask(small, "172.20.0.2", "web=0.0.0.0:80");
        world_wait(&w, LEISURE_MS + 1);
        (void) looks();
        controller_forwarder_changed(w.controller);
        world_run(&w);
        expect_looks(1);
        controller_relay_changed(w.controller);
        world_run(&w);
        expect_looks(1);
        controller_set_policy(w.controller, &w.options.policy, w.host.now_usec);
        world_run(&w);
        expect_looks(1);
        world_foreign(&w, "v4tov4 0.0.0.0/80", NULL); /* it is restored */
        expect_looks(1);
        agent_expect(small, "web active");
}
END_TEST

static int no_reading(MemoryHost *m, MemoryCall call) {
        return call == MEMORY_RULES_STAMP ? -EIO : 0;
}

/* … also when that fails at first, because the values cannot be read. */
START_TEST(test_the_look_after_other_news_fails) {
        agent_ask(small, "172.20.0.2", "web=0.0.0.0:80");
        agent_ask(big, "172.20.0.9", "dev=0.0.0.0:8000");
        w.host.fault = no_reading;
        if (_i)
                controller_forwarder_changed(w.controller);
        else
                controller_relay_changed(w.controller);
        world_run(&w);
        agent_expect(small, "web blocked write-failed");
        w.host.fault = NULL;
        w.host.iphlpsvc_slow = true;
        agent_ask(small, "172.20.0.3", "web=0.0.0.0:80");
        agent_expect(small, "web pending not-listening");
}
END_TEST

/* While iphlpsvc does not know the values, nobody looks at its ports, and nothing is known of them
 * afterwards. */
START_TEST(test_after_a_failed_activation) {
        agent_ask(small, "172.20.0.2", "web=0.0.0.0:80");
        (void) looks();
        w.host.fault = world_fails_activation;
        agent_ask(small, "172.20.0.3", "web=0.0.0.0:80");
        agent_expect(small, "web blocked iphlpsvc");
        expect_looks(0);
        w.host.fault = NULL;
        agent_ask(small, "172.20.0.4", "web=0.0.0.0:80");
        agent_expect(small, "web active");
        ck_assert_uint_ge(looks(), 1);
}
END_TEST

/* 10,000 rules: one look when all are written, however long that takes, and none when they move. */
START_TEST(test_ten_thousand) {
        static const char *const ports = "a=0.0.0.0:10000-13999,0.0.0.0:14000-17999,"
                                         "0.0.0.0:18000-19999";
        unsigned n_slices = 0;

        (void) looks();
        for (unsigned i = 0; i < 2; i++) {
                char address[32];

                (void) snprintf(address, sizeof(address), "172.20.0.%u", i + 2);
                agent_ask_later(big, address, ports);
                do {
                        controller_dispatch(w.controller, w.host.now_usec);
                        w.host.now_usec += 150000; /* all take longer than SCOPE_ALL_USEC */
                        n_slices++;
                } while (controller_deadline(w.controller) == 0);
                agent_read(big);
                agent_expect(big, "a active");
                expect_looks(i == 0 ? 1 : 0);
        }
        ck_assert_uint_eq(n_slices, 2 * ((10000 + SLICE_CHANGES - 1) / SLICE_CHANGES));
        world_wait(&w, LEISURE_MS + 1);
        expect_looks(1);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("looks");
        TCase *tc = tcase_create("looks");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_set_timeout(tc, 60); /* a limit for hangs under sanitizers, not what is expected */
        tcase_add_test(tc, test_when_a_look_is_needed);
        tcase_add_test(tc, test_one_look_for_many_updates);
        tcase_add_test(tc, test_late_ones_are_known);
        tcase_add_test(tc, test_slow_looks);
        tcase_add_test(tc, test_what_is_slow);
        tcase_add_test(tc, test_slow_looks_at_direct_endpoints);
        tcase_add_test(tc, test_seen_beside_another_guest);
        tcase_add_test(tc, test_a_late_one_comes_back);
        tcase_add_test(tc, test_a_look_between_two_slices);
        tcase_add_test(tc, test_what_was_known_turns_out_wrong);
        tcase_add_test(tc, test_other_news_are_followed_by_a_look);
        tcase_add_loop_test(tc, test_the_look_after_other_news_fails, 0, 2);
        tcase_add_test(tc, test_after_a_failed_activation);
        tcase_add_test(tc, test_ten_thousand);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
