/* SPDX-License-Identifier: MIT */

/* What happens between two slices of a large update: to its guest, to the others, and to what the
 * firewall lets in. See test-fairness.c for how long others wait for it. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"
#include "windows-helper/core/rules/rule-view.h"
#include "windows-helper/core/rules/slice.h"

#include <stdio.h>

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

/* Returns whether the last run left changes. */
static bool one_slice(void) {
        controller_dispatch(w.controller, w.host.now_usec);
        agent_read(small);
        agent_read(big);
        return controller_deadline(w.controller) == 0;
}

static uint64_t decided(void) {
        ControllerSummary summary;

        controller_summary(w.controller, &summary);
        return summary.n_decided;
}

static unsigned n_open(void) {
        unsigned n = 0;

        for (size_t i = 0; i < w.host.firewall.n; i++)
                n += w.host.firewall.items[i].profiles != 0;
        return n;
}

/* A guest with fewer endpoints has smaller slices, because a run for it alone costs little. There
 * are not many of them, and nobody else's endpoints are looked at. */
START_TEST(test_their_size) {
        static const struct {
                const char *services;
                unsigned n, size;
        } asks[] = {
                {"a=0.0.0.0:20000-20099", 100, SLICE_CHANGES_LEAST},
                {"a=0.0.0.0:21000-21999", 1000, SLICE_CHANGES_LEAST},
                {"a=0.0.0.0:22000-23100", 1101, 138},
                {"a=0.0.0.0:22000-24399", 2400, 300},
                {"a=0.0.0.0:10000-13999,0.0.0.0:14000-17999", 8000, SLICE_CHANGES},
        };

        agent_connect(&w.agents[2]);
        agent_ask(&w.agents[2], "172.20.0.9", "dev=0.0.0.0:40000-43999");
        for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
                unsigned n_slices = 1;
                uint64_t before, flushes, *sets = &w.host.calls[MEMORY_RULE_SET];

                agent_ask(big, "172.20.0.2", "");
                world_wait(&w, 2 * RULE_VIEW_AGAIN_USEC / 1000 + 1);
                before = decided();
                flushes = w.host.calls[MEMORY_LEDGER_FLUSH];
                agent_ask_later(big, "172.20.0.2", asks[i].services);
                for (uint64_t n = *sets; one_slice(); n = *sets, n_slices++)
                        ck_assert_uint_le(*sets - n, asks[i].size);
                ck_assert_uint_eq(n_slices, (asks[i].n + asks[i].size - 1) / asks[i].size);
                ck_assert_uint_eq(decided() - before, n_slices * asks[i].n);
                ck_assert_uint_le(w.host.calls[MEMORY_LEDGER_FLUSH] - flushes, 2 * n_slices);
                agent_expect(big, "a active");
        }
}
END_TEST

/* Nobody waits for a guest that is alone, so nothing is cut: one plan, one flush of each kind. */
START_TEST(test_a_guest_that_is_alone) {
        uint64_t before, flushes;

        agent_leave(small);
        world_wait(&w, 1);
        before = decided();
        flushes = w.host.calls[MEMORY_LEDGER_FLUSH];
        agent_ask_later(big, "172.20.0.2", "a=0.0.0.0:10000-13999,0.0.0.0:14000-17999");
        (void) one_slice();
        agent_expect(big, "a active");
        ck_assert_uint_eq(decided() - before, 8000);
        ck_assert_uint_eq(w.host.calls[MEMORY_LEDGER_FLUSH] - flushes, 1);
}
END_TEST

/* What is not known while there are changes left is not reported as if it was well, and the
 * firewall does not let people in to another program that has the port. */
START_TEST(test_others_keep_their_answer) {
        unsigned n_results, n_slices = 0;

        w.host.taken_port = 80;
        agent_ask(small, "172.20.0.2", "web=0.0.0.0:80");
        world_wait(&w, 4000);
        agent_expect(small, "web conflict port-in-use");
        ck_assert_uint_eq(n_open(), 0);
        n_results = small->n_results;
        for (unsigned all = 0; all < 2; all++) {
                agent_ask_later(big, "172.20.0.3",
                                all ? "a=0.0.0.0:21000-21999" : "a=0.0.0.0:20000-20999");
                if (all)
                        controller_adoptions_changed(w.controller);
                while (one_slice()) {
                        n_slices++;
                        ck_assert_uint_eq(small->n_results, n_results);
                        ck_assert_ptr_null(
                                firewall_rules_find(&w.host.firewall, w.host.firewall.n,
                                                    &(IpEndpoint){ip_v4(0, 0, 0, 0), 80}));
                }
                agent_expect(small, "web conflict port-in-use");
                agent_expect(big, "a active");
                ck_assert_uint_eq(n_open(), 1000);
        }
        ck_assert_uint_gt(n_slices, 4);
}
END_TEST

/* An agent that asks for the same again, or for nothing that can be had, does not wait for the
 * slices of another. What it is told is checked. */
START_TEST(test_an_update_without_changes_is_answered) {
        unsigned n_results;

        w.host.taken_port = 80;
        agent_ask(small, "172.20.0.2", "web=0.0.0.0:80");
        world_wait(&w, 4000);
        agent_ask_later(big, "172.20.0.3", "a=0.0.0.0:20000-20999");
        ck_assert(one_slice());
        n_results = small->n_results;
        agent_ask_later(small, "172.20.0.2", "web=0.0.0.0:80");
        ck_assert(one_slice());
        ck_assert_uint_eq(small->n_results, n_results + 1);
        agent_expect(small, "web conflict port-in-use");
        ck_assert(w.host.iphlpsvc_behind); /* nothing was activated for it */
        world_run(&w);
        agent_expect(big, "a active");
}
END_TEST

/* A guest that asks for something else before each last slice does not keep the others from hearing
 * of what happens to them. */
START_TEST(test_others_hear_beside_a_flood) {
        w.host.iphlpsvc_slow = true;
        agent_ask(small, "172.20.0.2", "web=0.0.0.0:80");
        agent_expect(small, "web pending not-listening");
        w.host.iphlpsvc_slow = false;
        for (unsigned i = 0; i < 7; i++) {
                agent_ask_later(big, "172.20.0.3",
                                i % 2 ? "a=0.0.0.0:20000-20999" : "b=0.0.0.0:22000-22999");
                ck_assert(one_slice());
                ck_assert_uint_eq(big->n_results, 0);
                w.host.now_usec += 100000;
        }
        agent_expect(small, "web active");
}
END_TEST

/* Somebody looks who listens half a second after the last look, and not after each slice. */
START_TEST(test_looks_between_slices) {
        static const uint64_t later[] = {0, 1, 499999, 500000, 500001};
        uint64_t begin, n = w.host.calls[MEMORY_LISTENING_READ];

        agent_ask(small, "172.20.0.2", "web=0.0.0.0:80");
        ck_assert_uint_eq(w.host.calls[MEMORY_LISTENING_READ], ++n);
        world_wait(&w, 4000);
        begin = w.host.now_usec;
        agent_ask_later(big, "172.20.0.3", "a=0.0.0.0:20000-20999");
        controller_adoptions_changed(w.controller); /* so each run is for both */
        for (unsigned i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
                w.host.now_usec = begin + later[i];
                ck_assert(one_slice());
                n += i == 0 || i == 3;
                ck_assert_uint_eq(w.host.calls[MEMORY_LISTENING_READ], n);
        }
}
END_TEST

/* What a guest has open stays as it is until its last slice, and nothing is opened before that.
 * The firewall is asked once. */
START_TEST(test_the_firewall_is_asked_once) {
        uint64_t n;

        agent_ask(big, "172.20.0.2", "a=0.0.0.0:20000-20499 b=0.0.0.0:21000");
        ck_assert_uint_eq(n_open(), 501);
        n = w.host.n_firewall;
        agent_ask_later(big, "172.20.0.3", "a=0.0.0.0:20000-20999 b=0.0.0.0:21000");
        while (one_slice()) {
                ck_assert_uint_eq(w.host.n_firewall, n);
                ck_assert_uint_eq(n_open(), 501);
        }
        ck_assert_uint_eq(w.host.n_firewall, n + 1);
        ck_assert_uint_eq(n_open(), 1001);
        agent_ask_later(big, "172.20.0.4", "a=0.0.0.0:20000-20999");
        ck_assert(one_slice());
        ck_assert_uint_eq(n_open(), 1000); /* what it gives up is closed at once … */
        ck_assert_uint_eq(w.host.n_firewall, n + 2);
        world_run(&w);
        ck_assert_uint_eq(w.host.n_firewall, n + 2); /* … and the rest is open already */
}
END_TEST

/* Somebody deletes the values of a guest whose endpoints are being checked, and whose last STATE is
 * answered. It is not forgotten between two slices. */
START_TEST(test_restored_in_slices) {
        w.host.iphlpsvc_slow = true;
        agent_ask(big, "172.20.0.2", "a=0.0.0.0:20000-20999");
        agent_expect(big, "a pending not-listening");
        for (unsigned port = 20000; port < 21000; port++) {
                char name[32];

                (void) snprintf(name, sizeof(name), "0.0.0.0/%u", port);
                memory_host_foreign(&w.host, RULE_V4TOV4, name, NULL);
        }
        agent_ask(small, "172.20.0.3", "web=0.0.0.0:80");
        agent_expect(small, "web pending not-listening");
        ck_assert_uint_eq(w.host.rules.n, 1001);
        ck_assert(!w.host.iphlpsvc_behind);
        w.host.iphlpsvc_slow = false;
        world_wait(&w, 1000);
        agent_expect(big, "a active");
        agent_expect(small, "web active");
}
END_TEST

/* An endpoint that iphlpsvc is slow to listen on is still checked after the slices of another. */
START_TEST(test_checks_go_on) {
        agent_connect(&w.agents[2]); /* a run for the other two is not for all */
        agent_ask(&w.agents[2], "172.20.0.9", "ssh=0.0.0.0:22");
        w.host.iphlpsvc_slow = true;
        agent_ask(small, "172.20.0.2", "web=0.0.0.0:80");
        agent_expect(small, "web pending not-listening");
        agent_ask_later(big, "172.20.0.3", "a=0.0.0.0:20000-20999");
        ck_assert(one_slice());
        w.host.iphlpsvc_slow = false;
        world_wait(&w, 500); /* the next run for all comes later */
        agent_expect(big, "a active");
        agent_expect(small, "web active");
}
END_TEST

/* IP Helper cannot be told of anything. All the same a large update comes in slices. */
START_TEST(test_without_iphlpsvc) {
        w.host.fault = world_fails_activation;
        agent_ask(small, "172.20.0.3", "web=0.0.0.0:80");
        agent_expect(small, "web blocked iphlpsvc");
        agent_ask_later(big, "172.20.0.2", "a=0.0.0.0:20000-23999");
        ck_assert(one_slice());
        ck_assert_uint_le(w.host.rules.n, SLICE_CHANGES + 1);
        agent_ask(small, "172.20.0.4", "web=0.0.0.0:80");
        ck_assert_uint_eq(w.host.rules.n, 4001);
        agent_expect(small, "web blocked iphlpsvc");
        agent_expect(big, "a blocked iphlpsvc");
}
END_TEST

/* … unless a removal is kept until it can be told: that would be in each slice again, and in time
 * everything else, too. */
START_TEST(test_removals_without_iphlpsvc) {
        uint64_t n;

        agent_ask(small, "172.20.0.3", "web=0.0.0.0:80");
        agent_ask(big, "172.20.0.2", "a=0.0.0.0:20000-20999");
        w.host.fault = world_fails_activation;
        agent_ask(small, "172.20.0.3", "");
        n = w.host.calls[MEMORY_ACTIVATE];
        agent_ask_later(big, "172.20.0.2", "a=0.0.0.0:30000-30999");
        for (unsigned i = 0; i < 20 && one_slice(); i++)
                ck_assert_uint_lt(i, 10);
        world_run(&w);
        ck_assert_uint_le(w.host.calls[MEMORY_ACTIVATE], n + 3);
        ck_assert_uint_eq(w.host.rules.n, 1000);
        agent_expect(big, "a blocked iphlpsvc");
        w.host.fault = NULL;
        world_wait(&w, CONTROLLER_RETRY_MS);
        agent_expect(big, "a active");
        ck_assert_uint_eq(w.host.rules.n, 1000);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("slices");
        TCase *tc = tcase_create("slices");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_set_timeout(tc, 60); /* a limit for hangs under sanitizers, not what is expected */
        tcase_add_test(tc, test_their_size);
        tcase_add_test(tc, test_a_guest_that_is_alone);
        tcase_add_test(tc, test_others_keep_their_answer);
        tcase_add_test(tc, test_an_update_without_changes_is_answered);
        tcase_add_test(tc, test_others_hear_beside_a_flood);
        tcase_add_test(tc, test_looks_between_slices);
        tcase_add_test(tc, test_the_firewall_is_asked_once);
        tcase_add_test(tc, test_restored_in_slices);
        tcase_add_test(tc, test_checks_go_on);
        tcase_add_test(tc, test_without_iphlpsvc);
        tcase_add_test(tc, test_removals_without_iphlpsvc);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
