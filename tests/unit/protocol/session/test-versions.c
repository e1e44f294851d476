/* SPDX-License-Identifier: MIT */

/*
 * Claim: two ends agree on the highest version that both speak, or on none, and then each message
 * is of that version. The tables have every pair of ranges that matters, and every pair of the
 * session's version and a message's.
 */

#include "tests/suite.h"
#include "tests/unit/protocol/sample.h"
#include "tests/unit/protocol/session/session-kit.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the helper does with a range of the agent: the version that it chooses, or 0. */
static const struct {
        uint8_t min, max, chosen;
} hellos[] = {
        {1, 1, 1}, {1, 2, 2}, {2, 2, 2}, {1, 3, 2}, {2, 3, 2}, {1, 255, 2}, {3, 3, 0}, {3, 255, 0},
};

START_TEST(test_what_the_helper_chooses) {
        uint8_t chosen = hellos[_i].chosen;
        WireHello hello = sample_hello();
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        hello.version_min = hellos[_i].min;
        hello.version_max = hellos[_i].max;
        ck_assert_int_eq(agent_session_start(k.agent, &hello, k.now, &k.agent_out), 0);
        kit_run(&k, SIZE_MAX);
        if (chosen > 0) {
                ck_assert_int_eq(agent_session_state(k.agent), AGENT_SESSION_READY);
                ck_assert_uint_eq(agent_session_challenge(k.agent)->version, chosen);
        } else {
                ck_assert_int_eq(agent_session_state(k.agent), AGENT_SESSION_CLOSED);
                ck_assert_uint_eq(k.agent_notice.code, WIRE_REFUSAL_VERSION);
        }
        kit_done(&k);
}
END_TEST

/* What the agent does with a version that it is told. */
static const struct {
        uint8_t min, max, told;
        bool good;
} challenges[] = {
        {1, 2, 1, true},  {1, 2, 2, true}, {1, 2, 3, false}, {2, 2, 1, false},
        {1, 1, 2, false}, {1, 1, 1, true}, {2, 3, 3, true},  {1, 2, 255, false},
};

START_TEST(test_what_the_agent_accepts) {
        WireHello hello = sample_hello();
        WireChallenge challenge = sample_challenge();
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        hello.version_min = challenges[_i].min;
        hello.version_max = challenges[_i].max;
        challenge.version = challenges[_i].told;
        ck_assert_int_eq(agent_session_start(k.agent, &hello, k.now, &k.agent_out), 0);
        ck_assert_int_eq(wire_challenge_encode(&challenge, &k.agent_in), 0);
        kit_run(&k, 0);
        ck_assert_int_eq(agent_session_state(k.agent),
                         challenges[_i].good ? AGENT_SESSION_PROOF_SENT : AGENT_SESSION_CLOSED);
        kit_done(&k);
}
END_TEST

/* Somebody between the ends makes the range of HELLO end earlier. Both ends speak the lower version
 * as well, but the proof is of another HELLO. */
START_TEST(test_a_range_that_is_changed_on_the_way) {
        WireHello hello = sample_hello(), lower = hello;
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        lower.version_min = hello.version_min = 1;
        hello.version_max = 2;
        lower.version_max = 1;
        ck_assert_int_eq(agent_session_start(k.agent, &hello, k.now, &k.agent_out), 0);
        buffer_consume(&k.agent_out, buffer_length(&k.agent_out));
        ck_assert_int_eq(wire_hello_encode(&lower, &k.agent_out), 0);
        kit_run(&k, SIZE_MAX);
        assert_states(&k, "closed", "closed");
        ck_assert_uint_eq(k.helper_notice.code, WIRE_REFUSAL_BAD_PROOF);
        kit_done(&k);
}
END_TEST

static void connect_with(Kit *k, uint8_t version) {
        WireHello hello = sample_hello();

        kit_init(k, kit_key, kit_key, NULL);
        hello.version_max = version;
        ck_assert_int_eq(agent_session_start(k->agent, &hello, k->now, &k->agent_out), 0);
        kit_run(k, SIZE_MAX);
        ck_assert_int_eq(agent_session_state(k->agent), AGENT_SESSION_READY);
}

/* Row: the session's version; column: that of the message. The index counts both. */
START_TEST(test_a_message_of_another_version) {
        uint8_t version = (uint8_t) (1 + _i / 2), sent = (uint8_t) (1 + _i % 2);
        WireState state = sample_state();
        WireResult result = sample_result();
        Kit k;

        connect_with(&k, version);
        ck_assert_int_eq(wire_state_encode(&state, sent, &k.helper_in), 0);
        kit_run(&k, 0);
        ck_assert_int_eq(helper_session_state(k.helper),
                         version == sent ? HELPER_SESSION_READY : HELPER_SESSION_CLOSED);
        kit_done(&k);

        connect_with(&k, version);
        kit_push(&k, 1);
        ck_assert_int_eq(wire_result_encode(&result, sent, &k.agent_in), 0);
        kit_run(&k, 0);
        ck_assert_int_eq(agent_session_state(k.agent),
                         version == sent ? AGENT_SESSION_READY : AGENT_SESSION_CLOSED);
        kit_done(&k);
}
END_TEST

/* Each option, in a session of each version: what cannot be said is not sent, and the session goes
 * on. */
START_TEST(test_what_a_version_cannot_say) {
        uint8_t version = (uint8_t) (1 + _i % 2);
        WireOption option = (WireOption) (_i / 2);
        bool sayable = version == 2 || option == WIRE_OPTION_CONNECT;
        WireState state = sample_state();
        WireService services[SAMPLE_SERVICES];
        uint64_t sequence;
        Kit k;

        memcpy(services, state.services, sizeof(services));
        services[1].options[option] = 1;
        state.services = services;
        connect_with(&k, version);
        ck_assert_int_eq(agent_session_push(k.agent, &state, k.now, &k.agent_out, &sequence),
                         sayable ? 0 : -EINVAL);
        kit_run(&k, SIZE_MAX);
        ck_assert_uint_eq(k.state.n_services, sayable ? SAMPLE_SERVICES : 0);
        if (sayable)
                ck_assert_uint_eq(k.state.services[1].options[option], version == 2);
        kit_push(&k, sayable ? 2 : 1);
        kit_done(&k);
}
END_TEST

/* The largest answers that there are, each with the longest text and all other fields. */
START_TEST(test_a_result_that_is_too_large_comes_without_texts) {
        char text[WIRE_TEXT_MAX + 1];
        WireState state = {.n_services = WIRE_SERVICES_MAX, .n_listens = 1};
        WireResult result = {.sequence = 1, .n_services = WIRE_SERVICES_MAX};
        WireListen listen = {ip_v4(0, 0, 0, 0), 80, 1, 80};
        uint64_t sequence;
        Kit k;

        memset(text, 't', WIRE_TEXT_MAX);
        text[WIRE_TEXT_MAX] = '\0';
        state.services = calloc(WIRE_SERVICES_MAX, sizeof(*state.services));
        result.services = calloc(WIRE_SERVICES_MAX, sizeof(*result.services));
        ck_assert(state.services && result.services);
        state.listens = &listen;
        for (uint32_t i = 0; i < WIRE_SERVICES_MAX; i++) {
                (void) snprintf(state.services[i].name, sizeof(state.services[i].name), "s%05u",
                                (unsigned) i);
                state.services[i].n_listens = 1;
                result.services[i] = (WireServiceResult){.state = WIRE_SERVICE_CONFLICT,
                                                         .reason = WIRE_REASON_FOREIGN_RULE,
                                                         .text = text,
                                                         .forwarder = WIRE_FORWARDER_RELAY,
                                                         .why = WIRE_WHY_PROTOCOL};
        }
        connect_with(&k, 2);
        ck_assert_int_eq(agent_session_push(k.agent, &state, k.now, &k.agent_out, &sequence), 0);
        kit_run(&k, SIZE_MAX);
        ck_assert_int_eq(helper_session_result(k.helper, &result, &k.helper_out), 0);
        kit_run(&k, SIZE_MAX);
        ck_assert_uint_eq(k.result.n_services, WIRE_SERVICES_MAX);
        ck_assert_uint_eq(k.result.services[WIRE_SERVICES_MAX - 1].state, WIRE_SERVICE_CONFLICT);
        ck_assert_uint_eq(k.result.services[WIRE_SERVICES_MAX - 1].why, WIRE_WHY_PROTOCOL);
        ck_assert_ptr_null(k.result.services[0].text);
        ck_assert_str_eq(result.services[0].text, text); /* the caller's is as it was */
        kit_done(&k);
        free(state.services);
        free(result.services);
}
END_TEST

#define N(array) ((int) (sizeof(array) / sizeof((array)[0])))

int main(void) {
        Suite *suite = suite_create("session-versions");
        TCase *tcase = tcase_create("versions");

        tcase_add_loop_test(tcase, test_what_the_helper_chooses, 0, N(hellos));
        tcase_add_loop_test(tcase, test_what_the_agent_accepts, 0, N(challenges));
        tcase_add_test(tcase, test_a_range_that_is_changed_on_the_way);
        tcase_add_loop_test(tcase, test_a_message_of_another_version, 0, 4);
        tcase_add_loop_test(tcase, test_what_a_version_cannot_say, 0, 2 * _WIRE_OPTION_END);
        tcase_add_test(tcase, test_a_result_that_is_too_large_comes_without_texts);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
