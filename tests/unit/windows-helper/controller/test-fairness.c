/* SPDX-License-Identifier: MIT */

/* One guest never costs another. Work is counted in calls to the host, because time depends on the
 * machine: whatever a guest with thousands of endpoints does, another's update needs the same calls
 * as without it, and at most one slice comes before it. What no call shows is counted in endpoints
 * that the helper decides on. What happens between two slices is in test-slices.c. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"
#include "windows-helper/core/rules/rule-view.h"
#include "windows-helper/core/rules/slice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST 10000 /* port of the big guest's first endpoint */

static World w;
static FakeAgent *small, *big;

static void setup(void) {
        world_start_two(&w);
        small = &w.agents[0];
        big = &w.agents[1];
        agent_ask(small, "172.20.0.2", "web=0.0.0.0:80");
}

static void teardown(void) {
        world_done(&w);
}

/* One service with one endpoint for each port. */
static WireState services(uint8_t host, unsigned n) {
        WireState s = {
                .mode = WIRE_MODE_NAT,
                .v4 = {.addr = ip_v4(172, 20, 1, host), .prefix = 20},
                .services = calloc(n + 1, sizeof(*s.services)),
                .listens = calloc(n + 1, sizeof(*s.listens)),
                .n_services = n,
                .n_listens = n,
        };

        ck_assert(s.services && s.listens);
        for (unsigned i = 0; i < n; i++) {
                (void) snprintf(s.services[i].name, sizeof(s.services[i].name), "s%u", i);
                s.services[i].first_listen = i;
                s.services[i].n_listens = 1;
                s.services[i].profiles = WIRE_PROFILE_PRIVATE;
                s.listens[i] = (WireListen){ip_v4(0, 0, 0, 0), (uint16_t) (FIRST + i), 1, 80};
        }
        return s;
}

static void big_asks(uint8_t host, unsigned n, bool run) {
        WireState s = services(host, n);

        agent_send(big, &s);
        if (run)
                world_run(&w);
        wire_state_done(&s);
}

/* Small moves its rule. Until it is answered, the controller is dispatched and nothing else
 * happens. Returns the number of dispatches, and the calls that they made. */
static unsigned small_moves(uint8_t host, uint64_t ret_calls[_MEMORY_CALL_END]) {
        unsigned n_dispatches = 0;
        uint64_t before[_MEMORY_CALL_END];
        WireState s;
        char address[32];

        (void) snprintf(address, sizeof(address), "172.20.0.%u", host);
        world_parse(&s, address, "web=0.0.0.0:80");
        memcpy(before, w.host.calls, sizeof(before));
        agent_read(small);
        agent_send(small, &s);
        wire_state_done(&s);
        while (buffer_length(&small->inbox) == 0) {
                controller_dispatch(w.controller, w.host.now_usec);
                ck_assert_uint_lt(n_dispatches++, 10);
        }
        for (int i = 0; i < _MEMORY_CALL_END; i++)
                ret_calls[i] = w.host.calls[i] - before[i];
        (void) snprintf(address, sizeof(address), "172.20.0.%u/80", host);
        ck_assert_str_eq(memory_host_rule(&w.host, RULE_V4TOV4, "0.0.0.0/80"), address);
        ck_assert(!w.host.iphlpsvc_behind || n_dispatches > 1);
        return n_dispatches;
}

/* Beside 16,384 endpoints that are in place, those of a guest that has gone included. */
START_TEST(test_an_update_costs_the_same_beside_many) {
        uint64_t alone[_MEMORY_CALL_END], beside[_MEMORY_CALL_END];

        ck_assert_uint_eq(small_moves(3, alone), 1);
        ck_assert_uint_eq(alone[MEMORY_RULES_READ], 0);
        world_run(&w);
        big_asks(1, WIRE_ENDPOINTS_MAX, true);
        ck_assert_uint_eq(w.host.rules.n, WIRE_ENDPOINTS_MAX + 1);
        ck_assert_uint_eq(small_moves(4, beside), 1);
        ck_assert_mem_eq(alone, beside, sizeof(alone));
        world_run(&w);
        agent_vanish(big);
        ck_assert_uint_eq(small_moves(5, beside), 1);
        ck_assert_mem_eq(alone, beside, sizeof(alone));
}
END_TEST

static uint64_t decided(void) {
        ControllerSummary summary;

        controller_summary(w.controller, &summary);
        return summary.n_decided;
}

/* Whatever the small guest changes about its one rule, only its endpoints are looked at, the old
 * ones and the new. A look at all of them follows, and finds nothing to do. */
START_TEST(test_an_update_looks_at_its_own_endpoints) {
        static const struct {
                const char *address, *services, *results;
                unsigned n_decided, n_firewall;
        } updates[] = {
                {"172.20.0.3", "web=0.0.0.0:80", "web active", 1, 0},
                {"172.20.0.3", "web=0.0.0.0:80+any", "web active", 1, 1},
                {"172.20.0.3", "web=0.0.0.0:81", "web active", 2, 1},
                {"172.20.0.3", "web=0.0.0.0:81 ssh=[::]:22", "web active; ssh active", 2, 1},
                {"", "web=0.0.0.0:81 ssh=[::]:22",
                 "web withdrawn no-address; ssh withdrawn no-address", 2, 1},
                {"172.20.0.4", "", "", 0, 0},
                {"172.20.0.4", "web=0.0.0.0:80", "web active", 1, 1},
                {"172.20.0.4", "web=0.0.0.0:9999", "web active", 2, 1}, /* beside big's first … */
                {"172.20.0.4", "web=0.0.0.0:26384", "web active", 2, 1}, /* … and its last one */
        };
        uint64_t n, changes, n_firewall;

        big_asks(1, WIRE_ENDPOINTS_MAX, true);
        world_wait(&w, 2 * RULE_VIEW_AGAIN_USEC / 1000 + 1);
        for (size_t i = 0; i < sizeof(updates) / sizeof(updates[0]); i++) {
                n = decided(), n_firewall = w.host.n_firewall;
                agent_ask(small, updates[i].address, updates[i].services);
                agent_expect(small, updates[i].results);
                ck_assert_uint_eq(decided() - n, updates[i].n_decided);
                ck_assert_uint_eq(w.host.n_firewall - n_firewall, updates[i].n_firewall);
        }
        ck_assert_uint_eq(w.host.firewall.n, WIRE_ENDPOINTS_MAX + 1);
        n = decided(), changes = world_changes(&w);
        world_wait(&w, 60000);
        ck_assert_uint_eq(decided() - n, WIRE_ENDPOINTS_MAX + 1);
        ck_assert_uint_eq(world_changes(&w), changes);
        ck_assert_uint_eq(big->n_results, 1);
}
END_TEST

/* The checks of a new rule that iphlpsvc is slow to listen for are its own, too, and those of an
 * endpoint that it never listens on cost the others nothing. */
START_TEST(test_checks_look_at_their_own_endpoints) {
        uint64_t n;

        w.host.iphlpsvc_slow = true;
        big_asks(1, 4000, true);
        world_wait(&w, 30000); /* each of them is late now */
        ck_assert_uint_eq(big->result.services[3999].state, WIRE_SERVICE_BLOCKED);
        n = decided();
        agent_ask(small, "172.20.0.2", "ssh=0.0.0.0:22");
        world_wait(&w, 1000);
        agent_expect(small, "ssh pending not-listening");
        ck_assert_uint_lt(decided() - n, 20);
        n = big->n_results;
        agent_ask(small, "172.20.0.3", "ssh=0.0.0.0:22"); /* its checks start anew */
        world_wait(&w, 1500);                             /* a run for all included */
        agent_expect(small, "ssh pending not-listening");
        ck_assert_uint_eq(big->n_results, n); /* late as before */
        w.host.iphlpsvc_slow = false;
        world_wait(&w, 4000);
        agent_expect(small, "ssh active");
        ck_assert_uint_eq(big->result.services[3999].state, WIRE_SERVICE_ACTIVE);
}
END_TEST

/* Two guests ask for the same port, so a run for one of them is for both. */
START_TEST(test_whoever_asks_for_the_same_port_is_looked_at) {
        uint64_t n;

        big_asks(1, 100, true);
        agent_ask(small, "172.20.0.2", "web=0.0.0.0:80,0.0.0.0:10050");
        agent_expect(small, "web conflict other-agent");
        n = decided();
        big_asks(1, 50, true);
        ck_assert_uint_eq(decided() - n, 101); /* … those that big gives up included */
        agent_expect(small, "web active");
        ck_assert_uint_eq(big->n_results, 2);
}
END_TEST

/* iphlpsvc does not accept the values any more. A run for one guest finds that out, and the others
 * hear of it at once. */
START_TEST(test_a_failed_activation_concerns_all) {
        big_asks(1, 10, true);
        w.host.fault = world_fails_activation;
        agent_ask(small, "172.20.0.3", "web=0.0.0.0:80");
        agent_expect(small, "web blocked iphlpsvc");
        ck_assert_uint_eq(big->result.services[9].state, WIRE_SERVICE_BLOCKED);
        w.host.fault = NULL;
        world_wait(&w, CONTROLLER_RETRY_MS);
        agent_expect(small, "web active");
        ck_assert_uint_eq(big->result.services[9].state, WIRE_SERVICE_ACTIVE);
}
END_TEST

/* Our own changes lead to no reading, and neither do their notifications. */
START_TEST(test_our_own_changes_are_not_read) {
        uint64_t calls[_MEMORY_CALL_END];

        big_asks(1, 2000, true);
        world_wait(&w, 2 * RULE_VIEW_AGAIN_USEC / 1000 + 1);
        for (uint8_t i = 0; i < 10; i++) {
                ck_assert_uint_eq(small_moves((uint8_t) (10 + i), calls), 1);
                ck_assert_uint_eq(calls[MEMORY_RULES_READ], 0);
                ck_assert_uint_le(calls[MEMORY_RULES_STAMP], 3);
                controller_rules_changed(w.controller);
                world_run(&w);
        }
        ck_assert_uint_eq(small_moves(30, calls), 1);
        ck_assert_uint_eq(calls[MEMORY_RULES_READ], 0);
}
END_TEST

/* The values are read once more later, but in portions, and an update does not wait for that. */
START_TEST(test_an_update_does_not_wait_for_a_reading) {
        uint64_t calls[_MEMORY_CALL_END];

        big_asks(1, 2000, true);
        w.host.now_usec += RULE_VIEW_AGAIN_USEC;
        controller_dispatch(w.controller, w.host.now_usec);
        ck_assert_uint_eq(controller_deadline(w.controller), 0); /* there is more to read */
        ck_assert_uint_eq(small_moves(3, calls), 1);
        ck_assert_uint_eq(calls[MEMORY_RULES_READ], 1);
        world_run(&w);
        ck_assert_uint_eq(w.host.rules.n, 2001);
}
END_TEST

/* What the big guest asks for: thousands of new rules, a new address for them, their end. */
START_TEST(test_a_slice_comes_before_an_update) {
        static const struct {
                uint8_t host;
                unsigned n;
        } asks[] = {{1, 4000}, {2, 4000}, {2, 0}};

        for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
                uint64_t calls[_MEMORY_CALL_END];
                unsigned n_results = big->n_results;

                big_asks(asks[i].host, asks[i].n, false);
                controller_dispatch(w.controller, w.host.now_usec); /* a first slice … */
                ck_assert(w.host.iphlpsvc_behind); /* … that iphlpsvc need not know of yet */
                ck_assert_uint_eq(small_moves((uint8_t) (10 + i), calls), 1);
                ck_assert_uint_eq(calls[MEMORY_ACTIVATE], 1);
                ck_assert_uint_le(calls[MEMORY_RULE_SET] + calls[MEMORY_RULE_DELETE],
                                  SLICE_CHANGES + 1);
                ck_assert_uint_eq(big->n_results, n_results);
                world_run(&w);
                ck_assert_uint_eq(big->n_results, n_results + 1); /* one answer, at the end */
                ck_assert_uint_eq(w.host.rules.n, asks[i].n + 1);
                ck_assert(!w.host.iphlpsvc_behind);
        }
}
END_TEST

/* STATEs as fast as they can be read. Only the newest counts. */
START_TEST(test_a_flood_of_states) {
        uint64_t calls[_MEMORY_CALL_END];

        big_asks(1, 1000, true);
        for (unsigned i = 0; i < 100; i++)
                big_asks(1, i % 2 ? 1000 : 500, false);
        ck_assert_uint_le(small_moves(3, calls), 2);
        world_run(&w);
        ck_assert_uint_eq(w.host.rules.n, 1001); /* as the newest says; the others were skipped */
        ck_assert_uint_eq(w.host.calls[MEMORY_RULE_DELETE], 0);
        for (unsigned i = 0; i < 20; i++) { /* a flood that never ends */
                big_asks(1, i % 2 ? 1000 : 0, false);
                controller_dispatch(w.controller, w.host.now_usec);
                big_asks(1, i % 2 ? 500 : 1000, false);
                ck_assert_uint_le(small_moves((uint8_t) (10 + i), calls), 2);
                ck_assert_uint_le(calls[MEMORY_RULE_SET] + calls[MEMORY_RULE_DELETE],
                                  2 * SLICE_CHANGES);
        }
}
END_TEST

/* The other direction: many small updates do not keep the big guest from its turn. */
START_TEST(test_small_updates_do_not_starve_a_big_one) {
        uint64_t calls[_MEMORY_CALL_END];
        unsigned n = 0;

        big_asks(1, 4000, false);
        while (w.host.rules.n < 4001) {
                (void) small_moves((uint8_t) (10 + n % 100), calls);
                ck_assert_uint_lt(n++, 2 * 4000 / SLICE_CHANGES + 2);
        }
}
END_TEST

static void expect_no_results(void *userdata, const GuestView *view) {
        if (view->state && view->state->n_services == 3000 && !view->results)
                ++*(unsigned *) userdata;
}

/* What is shown of a guest is never the answer to an earlier request, which had fewer services. */
START_TEST(test_gone_between_two_slices) {
        unsigned n = 0;

        big_asks(1, 10, true);
        big_asks(1, 3000, false);
        controller_dispatch(w.controller, w.host.now_usec);
        ck_assert(w.host.iphlpsvc_behind);
        controller_disconnect(big->connection, w.host.now_usec);
        big->connection = NULL;
        controller_guests(w.controller, expect_no_results, &n);
        ck_assert_uint_eq(n, 1);
}
END_TEST

/* A slice is done that iphlpsvc does not know of. The helper dies, and nothing else is in the
 * ledger: the next helper must notify it all the same. */
START_TEST(test_killed_between_two_slices) {
        WireState s;

        world_stop(&w);
        w.options.slice_changes = 4;
        world_start(&w);
        agent_connect(small); /* a guest that is alone has no slices */
        agent_connect(big);
        agent_ask(big, "172.20.0.2", "a=0.0.0.0:80-83");
        ck_assert(!w.host.iphlpsvc_behind);
        world_parse(&s, "172.20.0.2", "b=0.0.0.0:90");
        agent_send(big, &s);
        wire_state_done(&s);
        controller_dispatch(w.controller, w.host.now_usec);
        world_expect_rules(&w, "");
        ck_assert(w.host.iphlpsvc_behind);
        world_kill(&w);
        world_start(&w);
        ck_assert(!w.host.iphlpsvc_behind);
        world_wait(&w, CONTROLLER_RECOVERY_MS);
        world_expect_ledger(&w, "");
}
END_TEST

/* By default a guest may have 1,024. What it had beyond that is refused, and the text says why. */
START_TEST(test_more_than_policy_allows) {
        policy_init(&w.options.policy);
        controller_set_policy(w.controller, &w.options.policy, w.host.now_usec);
        big_asks(1, 1026, true);
        ck_assert_uint_eq(w.host.rules.n, 1024 + 1);
        ck_assert_uint_eq(big->result.services[1023].state, WIRE_SERVICE_ACTIVE);
        for (unsigned i = 1024; i < 1026; i++) {
                ck_assert_uint_eq(big->result.services[i].state, WIRE_SERVICE_REFUSED);
                ck_assert_uint_eq(big->result.services[i].reason, WIRE_REASON_POLICY_SERVICES);
                ck_assert_ptr_nonnull(strstr(agent_text(big, i), "MaxEndpointsPerAgent"));
        }
        w.options.policy.max_endpoints = 1026;
        controller_set_policy(w.controller, &w.options.policy, w.host.now_usec);
        world_run(&w);
        ck_assert_uint_eq(w.host.rules.n, 1026 + 1);
        ck_assert_uint_eq(big->result.services[1025].state, WIRE_SERVICE_ACTIVE);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("fairness");
        TCase *tc = tcase_create("fairness");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_set_timeout(tc, 60); /* a limit for hangs under sanitizers, not what is expected */
        tcase_add_test(tc, test_an_update_costs_the_same_beside_many);
        tcase_add_test(tc, test_an_update_looks_at_its_own_endpoints);
        tcase_add_test(tc, test_checks_look_at_their_own_endpoints);
        tcase_add_test(tc, test_whoever_asks_for_the_same_port_is_looked_at);
        tcase_add_test(tc, test_a_failed_activation_concerns_all);
        tcase_add_test(tc, test_our_own_changes_are_not_read);
        tcase_add_test(tc, test_an_update_does_not_wait_for_a_reading);
        tcase_add_test(tc, test_a_slice_comes_before_an_update);
        tcase_add_test(tc, test_a_flood_of_states);
        tcase_add_test(tc, test_small_updates_do_not_starve_a_big_one);
        tcase_add_test(tc, test_gone_between_two_slices);
        tcase_add_test(tc, test_killed_between_two_slices);
        tcase_add_test(tc, test_more_than_policy_allows);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
