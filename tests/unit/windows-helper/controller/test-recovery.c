/* SPDX-License-Identifier: MIT */

/* The helper ends, properly or not, and starts again: which rules stay, which go, and when. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/controller/three-agents.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(test_helper_stops) {
        serve(ubuntu);
        world_foreign(&w, "v4tov4 0.0.0.0/22", "10.9.9.9/22");
        ubuntu->hangs = true;
        ck_assert_int_eq(controller_stop(w.controller, w.host.now_usec), 0);
        world_expect_rules(&w, "v4tov4 0.0.0.0/22 10.9.9.9/22\n");
        world_expect_ledger(&w, "");
        ck_assert(!w.host.iphlpsvc_behind);
        ck_assert(ubuntu->closed);
}
END_TEST

static int forwarder_error;

static int refuse_activation(MemoryHost *m, MemoryCall call) {
        return call == MEMORY_ACTIVATE ? forwarder_error : 0;
}

/* It reads the values when it starts, so there is nothing to tell it, and the stop has not failed:
 * after a failure Windows would start the helper again. One that hangs has the rule still. */
START_TEST(test_helper_stops_without_the_forwarder) {
        static const int errors[] = {-EPERM, -ESRCH, -ETIMEDOUT};

        forwarder_error = errors[_i];
        serve(ubuntu);
        w.host.fault = refuse_activation;
        ck_assert_int_eq(controller_stop(w.controller, w.host.now_usec),
                         forwarder_error == -ETIMEDOUT ? -ETIMEDOUT : 0);
        world_expect_rules(&w, "");
}
END_TEST

START_TEST(test_helper_stops_while_a_newcomer_waits) {
        serve(ubuntu);
        ubuntu->hangs = true;
        agent_connect(twin);
        w.log[0] = '\0';
        ck_assert_int_eq(controller_stop(w.controller, w.host.now_usec), 0);
        ck_assert(ubuntu->closed);
        ck_assert(twin->closed);
        ck_assert_ptr_null(strstr(w.log, ": connected, ")); /* it was not let in for a moment */
        world_expect_rules(&w, "");
}
END_TEST

/* Nobody waits any more, so everything goes at once. */
START_TEST(test_helper_stops_with_more_than_a_slice) {
        world_stop(&w);
        w.options.slice_changes = 2;
        world_start(&w);
        agent_connect(debian);
        agent_connect(ubuntu);
        agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:8000-8019");
        agent_expect(ubuntu, "web active");
        ck_assert_int_eq(controller_stop(w.controller, w.host.now_usec), 0);
        world_expect_rules(&w, "");
        world_expect_ledger(&w, "");
}
END_TEST

START_TEST(test_helper_killed_and_back) {
        uint64_t writes;

        serve(ubuntu);
        writes = w.host.calls[MEMORY_RULE_SET];
        world_kill(&w);
        world_start(&w);
        world_expect_rules(&w, RULE);
        world_wait(&w, CONTROLLER_RECOVERY_MS - 1);
        agent_connect(ubuntu);
        agent_ask_again(ubuntu);
        agent_expect(ubuntu, "web active");
        world_wait(&w, CONTROLLER_RECOVERY_MS);
        world_expect_rules(&w, RULE);
        ck_assert_uint_eq(w.host.calls[MEMORY_RULE_SET], writes); /* no session was cut */
}
END_TEST

/* A value may have gone without an activation, and what is in the ledger now needs none. */
START_TEST(test_helper_killed_beside_a_guest_that_is_reached_directly) {
        uint64_t activations;

        agent_connect(ubuntu);
        agent_ask(ubuntu, "mirrored", "web=0.0.0.0:80");
        activations = w.host.calls[MEMORY_ACTIVATE];
        world_kill(&w);
        world_start(&w);
        ck_assert_uint_eq(w.host.calls[MEMORY_ACTIVATE], activations + 1);
}
END_TEST

START_TEST(test_helper_killed_and_agent_gone) {
        serve(ubuntu);
        world_kill(&w);
        world_start(&w);
        world_wait(&w, CONTROLLER_RECOVERY_MS - 1);
        world_expect_rules(&w, RULE);
        world_wait(&w, 1);
        world_expect_rules(&w, "");
        world_expect_ledger(&w, "");
}
END_TEST

/* An agent that comes back and says nothing, or leaves again, does not shorten that time. One whose
 * key is another one now does. */
START_TEST(test_back_in_the_grace_period) {
        for (unsigned turn = 0; turn < 3; turn++) {
                serve(ubuntu);
                world_kill(&w);
                world_start(&w);
                agent_connect(ubuntu);
                if (turn == 1) {
                        agent_leave(ubuntu);
                } else if (turn == 2) {
                        w.host.key = NULL;
                        controller_keys_changed(w.controller, w.host.now_usec);
                        world_run(&w);
                        world_expect_rules(&w, "");
                        continue;
                }
                world_wait(&w, CONTROLLER_RECOVERY_MS - 1);
                world_expect_rules(&w, RULE);
                world_wait(&w, 1);
                world_expect_rules(&w, "");
        }
}
END_TEST

START_TEST(test_unpaired_while_the_helper_was_down) {
        serve(ubuntu);
        world_kill(&w);
        w.host.key = NULL;
        world_start(&w);
        world_expect_rules(&w, "");
        world_expect_ledger(&w, "");
}
END_TEST

START_TEST(test_endpoint_of_the_grace_period_is_not_given_away) {
        serve(ubuntu);
        world_kill(&w);
        world_start(&w);
        agent_connect(debian);
        agent_ask(debian, "172.20.0.3", "www=0.0.0.0:80");
        agent_expect(debian, "www conflict other-agent");
        ck_assert_ptr_nonnull(strstr(agent_text(debian, 0), "'web' of Ubuntu"));
        world_wait(&w, CONTROLLER_RECOVERY_MS);
        agent_expect(debian, "www active");
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.3/80\n");
}
END_TEST

START_TEST(test_value_changed_while_the_helper_was_down) {
        serve(ubuntu);
        world_kill(&w);
        world_foreign(&w, "v4tov4 0.0.0.0/80", "10.9.9.9/80");
        world_start(&w);
        world_expect_rules(&w, "v4tov4 0.0.0.0/80 10.9.9.9/80\n");
        world_expect_ledger(&w, ""); /* at once: it does not matter who may come back */
}
END_TEST

START_TEST(test_value_gone_while_the_helper_was_down) {
        serve(ubuntu);
        world_kill(&w);
        world_foreign(&w, "v4tov4 0.0.0.0/80", NULL);
        world_start(&w);
        world_expect_rules(&w, "");
        world_expect_ledger(&w, "");
        agent_connect(ubuntu);
        agent_ask_again(ubuntu);
        world_expect_rules(&w, RULE);
}
END_TEST

START_TEST(test_unreadable_ledger_entry_is_left_alone) {
        ck_assert_int_eq(text_map_set(&w.host.ledger, "0.0.0.0/81", "written by the future"), 0);
        world_kill(&w);
        world_start(&w);
        serve(ubuntu);
        ck_assert_str_eq(text_map_get(&w.host.ledger, "0.0.0.0/81"), "written by the future");
        ck_assert_ptr_nonnull(strstr(w.log, "cannot be read"));
}
END_TEST

static int no_ledger(MemoryHost *m, MemoryCall call) {
        return call == MEMORY_LEDGER_LOAD ? -EACCES : 0;
}

START_TEST(test_ledger_cannot_be_loaded) {
        serve(ubuntu);
        world_kill(&w);
        w.host.fault = no_ledger;
        ck_assert_int_eq(
                controller_new(&w.controller, &w.options, &w.controller_host, w.host.now_usec),
                -EACCES);
        world_expect_rules(&w, RULE); /* nothing is provably ours, so nothing is touched */
}
END_TEST

START_TEST(test_more_owners_than_places) {
        char owner[LEDGER_OWNER_MAX + 1], data[LEDGER_TEXT_MAX], name[64];

        world_kill(&w);
        for (unsigned i = 0; i < CONTROLLER_GUESTS_MAX + 6; i++) {
                (void) snprintf(name, sizeof(name), "0.0.0.0/%u", 1000 + i);
                (void) snprintf(owner, sizeof(owner), "%032x/Clone", i);
                (void) snprintf(data, sizeof(data), "%s|web|-|172.20.0.2/80", owner);
                ck_assert_int_eq(text_map_set(&w.host.ledger, name, data), 0);
                memory_host_foreign(&w.host, RULE_V4TOV4, name, "172.20.0.2/80");
        }
        world_start(&w);
        /* Guests without a place have no claim. Their values are removed, and none of ours is
         * forgotten. */
        ck_assert_uint_eq(w.host.rules.n, CONTROLLER_GUESTS_MAX);
        ck_assert_uint_eq(w.host.ledger.n, CONTROLLER_GUESTS_MAX);
        agent_connect(ubuntu); /* one that is here matters more than one that may come back */
        ck_assert(agent_ready(ubuntu));
        ck_assert_uint_eq(w.host.rules.n, CONTROLLER_GUESTS_MAX - 1);
        world_wait(&w, CONTROLLER_RECOVERY_MS);
        world_expect_rules(&w, "");
        serve(ubuntu);
}
END_TEST

/* There is no place left, so a run for all is for as many as there can be: one asks for the port of
 * the others on another address. What those have stays open as it is. */
START_TEST(test_any_of_many_comes_back) {
        char owner[LEDGER_OWNER_MAX + 1], data[LEDGER_TEXT_MAX], text[64];
        FirewallRules *open = &w.host.firewall;

        world_kill(&w);
        w.host.listeners = true;
        for (int i = 0; i < CONTROLLER_GUESTS_MAX; i++) {
                (void) snprintf(text, sizeof(text), "10.0.0.%d/80", i);
                (void) snprintf(owner, sizeof(owner), i == _i ? "a0%030x/Ubuntu" : "%032x/Clone",
                                i == _i ? 0 : i);
                (void) snprintf(data, sizeof(data), "%s|web|-|172.20.0.2/80", owner);
                ck_assert_int_eq(text_map_set(&w.host.ledger, text, data), 0);
                memory_host_foreign(&w.host, RULE_V4TOV4, text, "172.20.0.2/80");
        }
        world_start(&w);
        ck_assert_uint_eq(open->n, CONTROLLER_GUESTS_MAX);
        agent_connect(ubuntu);
        (void) snprintf(text, sizeof(text), "web=10.0.0.%d:80", _i);
        for (unsigned i = 2; i < 5; i++) {
                (void) snprintf(data, sizeof(data), "172.20.0.%u", i);
                agent_ask(ubuntu, data, text);
                agent_expect(ubuntu, "web active");
                ck_assert_uint_eq(open->n, CONTROLLER_GUESTS_MAX);
                for (int k = 0; k < CONTROLLER_GUESTS_MAX; k++) {
                        ck_assert_uint_eq(open->items[k].listen.addr.bytes[3], k);
                        ck_assert_int_eq(open->items[k].profiles != 0, k == _i);
                }
        }
}
END_TEST

static int no_rules_flush(MemoryHost *m, MemoryCall call) {
        return call == MEMORY_RULES_FLUSH ? -EIO : 0;
}

static bool dead;

static int dead_after_ledger_flush(MemoryHost *m, MemoryCall call) {
        if (dead)
                return -EIO;
        dead = call == MEMORY_LEDGER_FLUSH;
        return 0;
}

/* The new value has been written but is not on disk, and the next one is already wanted. The ledger
 * must not stop proving the value that a power cut brings back. */
START_TEST(test_power_cut_in_the_second_change_in_a_row) {
        for (unsigned i = 0; i < 16; i++) { /* by chance the old value is on disk or not */
                serve(ubuntu);
                w.host.fault = no_rules_flush;
                agent_ask(ubuntu, "172.20.0.3", "web=0.0.0.0:80");
                w.host.fault = dead_after_ledger_flush;
                dead = false;
                agent_ask(ubuntu, "172.20.0.4", "web=0.0.0.0:80");
                world_kill(&w);
                w.host.fault = NULL;
                w.host.random = i;
                memory_host_power_cut(&w.host);
                world_start(&w);
                world_wait(&w, CONTROLLER_RECOVERY_MS);
                world_expect_rules(&w, "");
                world_expect_ledger(&w, "");
        }
}
END_TEST

/* Helper and agent are killed or stopped and restarted, in every order. The rules are right in the
 * end. */
START_TEST(test_restarts_in_every_order) {
        enum { HELPER_KILLED, HELPER_STOPPED, AGENT_KILLED, AGENT_STOPPED, N_EVENTS };

        for (unsigned order = 0; order < N_EVENTS * N_EVENTS * N_EVENTS; order++) {
                if (!agent_ready(ubuntu))
                        agent_connect(ubuntu);
                agent_ask(ubuntu, "172.20.0.2", "web=0.0.0.0:80");
                for (unsigned i = 0, rest = order; i < 3; i++, rest /= N_EVENTS) {
                        switch (rest % N_EVENTS) {
                        case HELPER_KILLED:
                                world_kill(&w);
                                world_start(&w);
                                break;
                        case HELPER_STOPPED:
                                world_stop(&w);
                                world_expect_rules(&w, "");
                                world_start(&w);
                                break;
                        case AGENT_KILLED:
                                agent_vanish(ubuntu);
                                break;
                        case AGENT_STOPPED:
                                if (ubuntu->session)
                                        agent_leave(ubuntu);
                                break;
                        }
                }
                agent_connect(ubuntu);
                agent_ask(ubuntu, "172.20.0.9", "web=0.0.0.0:80");
                agent_expect(ubuntu, "web active");
                world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.9/80\n");
                world_wait(&w, SILENCE + CONTROLLER_RECOVERY_MS);
                world_expect_rules(&w, "v4tov4 0.0.0.0/80 172.20.0.9/80\n");
                ck_assert_uint_eq(w.host.ledger.n, 1);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("recovery");
        TCase *tc = tcase_create("recovery");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_helper_stops);
        tcase_add_loop_test(tc, test_helper_stops_without_the_forwarder, 0, 3);
        tcase_add_test(tc, test_helper_stops_while_a_newcomer_waits);
        tcase_add_test(tc, test_helper_stops_with_more_than_a_slice);
        tcase_add_test(tc, test_helper_killed_and_back);
        tcase_add_test(tc, test_helper_killed_beside_a_guest_that_is_reached_directly);
        tcase_add_test(tc, test_helper_killed_and_agent_gone);
        tcase_add_test(tc, test_back_in_the_grace_period);
        tcase_add_test(tc, test_unpaired_while_the_helper_was_down);
        tcase_add_test(tc, test_endpoint_of_the_grace_period_is_not_given_away);
        tcase_add_test(tc, test_value_changed_while_the_helper_was_down);
        tcase_add_test(tc, test_value_gone_while_the_helper_was_down);
        tcase_add_test(tc, test_unreadable_ledger_entry_is_left_alone);
        tcase_add_test(tc, test_ledger_cannot_be_loaded);
        tcase_add_test(tc, test_more_owners_than_places);
        tcase_add_loop_test(tc, test_any_of_many_comes_back, 0, CONTROLLER_GUESTS_MAX);
        tcase_add_test(tc, test_power_cut_in_the_second_change_in_a_row);
        tcase_add_test(tc, test_restarts_in_every_order);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
