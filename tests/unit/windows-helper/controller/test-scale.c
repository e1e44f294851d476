/* SPDX-License-Identifier: MIT */

/* As many services as the protocol allows: the table is right in the end, each batch has one
 * activation, and nothing happens when nothing changed. The benchmark measures how fast this is. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/world/world.h"

#include "windows-helper/core/rules/slice.h"

#include <stdio.h>
#include <stdlib.h>

#define SERVICES 10000
#define FIRST    10000 /* port */
#define SLICES   ((SERVICES + SLICE_CHANGES - 1) / SLICE_CHANGES)

static World w;

static void setup(void) {
        world_init(&w);
        w.options.policy.max_endpoints = WIRE_ENDPOINTS_MAX;
        world_start(&w);
        agent_connect(&w.agents[0]);
        agent_connect(&w.agents[1]);
}

static void teardown(void) {
        world_done(&w);
}

/* Services with one endpoint each, in another order than the endpoints. */
static void many_services(WireState *state, uint8_t host, unsigned n, unsigned first) {
        *state = (WireState){
                .mode = WIRE_MODE_NAT,
                .v4 = {.addr = ip_v4(172, 20, 0, host), .prefix = 20},
                .services = calloc(n, sizeof(*state->services)),
                .listens = calloc(n, sizeof(*state->listens)),
                .n_services = n,
                .n_listens = n,
        };
        ck_assert(state->services && state->listens);
        for (unsigned i = 0; i < n; i++) {
                uint16_t port = (uint16_t) (first + i * 7919u % n); /* 7919 is prime */

                (void) snprintf(state->services[i].name, sizeof(state->services[i].name), "s%u", i);
                state->services[i].first_listen = i;
                state->services[i].n_listens = 1;
                state->listens[i] = (WireListen){ip_v4(0, 0, 0, 0), port, 1, port};
        }
}

static unsigned count(const FakeAgent *a, WireServiceState state) {
        unsigned n = 0;

        for (uint32_t i = 0; i < a->result.n_services; i++)
                n += a->result.services[i].state == state;
        return n;
}

static void expect_table(uint8_t host) {
        char name[64], data[64];

        ck_assert_uint_eq(w.host.rules.n, SERVICES);
        ck_assert_uint_eq(w.host.ledger.n, SERVICES);
        for (unsigned port = FIRST; port < FIRST + SERVICES; port++) {
                (void) snprintf(name, sizeof(name), "v4tov4 0.0.0.0/%u", port);
                (void) snprintf(data, sizeof(data), "172.20.0.%u/%u", host, port);
                ck_assert_pstr_eq(text_map_get(&w.host.rules, name), data);
        }
}

START_TEST(test_ten_thousand_services) {
        FakeAgent *a = &w.agents[0];
        WireState state;
        uint64_t changes;

        for (uint8_t host = 2; host < 5; host++) {
                many_services(&state, host, SERVICES, FIRST);
                agent_push(a, &state);
                ck_assert_uint_eq(count(a, WIRE_SERVICE_ACTIVE), SERVICES);
                expect_table(host);
                ck_assert_uint_eq(w.host.calls[MEMORY_ACTIVATE], host - 1u);
                ck_assert_uint_eq(w.host.calls[MEMORY_LEDGER_FLUSH], (host - 1u) * SLICES);

                changes = world_changes(&w);
                agent_push(a, &state);
                ck_assert_uint_eq(world_changes(&w), changes);
                ck_assert_uint_eq(a->result.sequence, 2u * (host - 1u));
                wire_state_done(&state);
        }
        agent_leave(a);
        world_wait(&w, CONTROLLER_GOODBYE_MS);
        ck_assert_uint_eq(w.host.rules.n, 0);
        ck_assert_uint_eq(w.host.ledger.n, 0);
}
END_TEST

START_TEST(test_two_agents_want_all_of_them) {
        WireState one, two;

        many_services(&one, 2, SERVICES, FIRST);
        many_services(&two, 3, SERVICES, FIRST);
        agent_push(&w.agents[0], &one);
        agent_push(&w.agents[1], &two);
        ck_assert_uint_eq(count(&w.agents[0], WIRE_SERVICE_ACTIVE), SERVICES);
        ck_assert_uint_eq(count(&w.agents[1], WIRE_SERVICE_CONFLICT), SERVICES);
        expect_table(2);
        agent_leave(&w.agents[0]);
        world_wait(&w, CONTROLLER_GOODBYE_MS);
        ck_assert_uint_eq(count(&w.agents[1], WIRE_SERVICE_ACTIVE), SERVICES);
        expect_table(3);
        ck_assert_uint_eq(w.host.calls[MEMORY_ACTIVATE], 2);
        wire_state_done(&one);
        wire_state_done(&two);
}
END_TEST

START_TEST(test_as_many_as_the_protocol_allows) {
        WireState state;

        many_services(&state, 2, WIRE_SERVICES_MAX, FIRST);
        agent_push(&w.agents[0], &state);
        ck_assert_uint_eq(count(&w.agents[0], WIRE_SERVICE_ACTIVE), WIRE_SERVICES_MAX);
        ck_assert_uint_eq(w.host.rules.n, WIRE_SERVICES_MAX);
        wire_state_done(&state);
}
END_TEST

START_TEST(test_killed_with_ten_thousand) {
        WireState state;
        uint64_t sets;

        many_services(&state, 2, SERVICES, FIRST);
        agent_push(&w.agents[0], &state);
        world_kill(&w);
        world_start(&w);
        sets = w.host.calls[MEMORY_RULE_SET];
        agent_connect(&w.agents[0]);
        agent_push(&w.agents[0], &state);
        ck_assert_uint_eq(count(&w.agents[0], WIRE_SERVICE_ACTIVE), SERVICES);
        ck_assert_uint_eq(w.host.calls[MEMORY_RULE_SET], sets);
        world_stop(&w);
        ck_assert_uint_eq(w.host.rules.n, 0);
        wire_state_done(&state);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("scale");
        TCase *tc = tcase_create("scale");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_set_timeout(tc, 60); /* a limit for hangs under sanitizers, not what is expected */
        tcase_add_test(tc, test_ten_thousand_services);
        tcase_add_test(tc, test_two_agents_want_all_of_them);
        tcase_add_test(tc, test_as_many_as_the_protocol_allows);
        tcase_add_test(tc, test_killed_with_ten_thousand);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
