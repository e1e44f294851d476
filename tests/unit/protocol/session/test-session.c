/* SPDX-License-Identifier: MIT */

/*
 * Claim: two established machines that talk to each other through bytes carry STATE and RESULT,
 * notice silence, and close at the first violation. test-handshake.c tests the handshake,
 * test-table.c every input in every state of a single machine.
 */

#include "tests/suite.h"
#include "tests/unit/protocol/sample.h"
#include "tests/unit/protocol/session/session-kit.h"

#include <check.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(test_session_from_hello_to_goodbye) {
        WireResult result = sample_result();
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        kit_connect(&k);
        assert_states(&k, "ready", "ready");
        assert_helper_saw(&k, SESSION_EVENT_HELLO, SESSION_EVENT_PROVEN);
        assert_agent_saw(&k, SESSION_EVENT_ESTABLISHED);
        ck_assert_str_eq(helper_session_hello(k.helper)->distro, "Debian");
        ck_assert_uint_eq(agent_session_challenge(k.agent)->endpoints_max, WIRE_ENDPOINTS_MAX);

        kit_push(&k, 1);
        kit_push(&k, 2);
        ck_assert_uint_eq(k.state.sequence, 2);
        ck_assert_str_eq(k.state.services[1].name, "web");

        result.sequence = 2;
        ck_assert_int_eq(helper_session_result(k.helper, &result, &k.helper_out), 0);
        ck_assert_int_eq(helper_session_result(k.helper, &result, &k.helper_out), 0);
        kit_run(&k, 3);
        ck_assert_uint_eq(k.result.sequence, 2);
        ck_assert_uint_eq(k.result.services[1].state, WIRE_SERVICE_CONFLICT);

        ck_assert_int_eq(agent_session_bye(k.agent, WIRE_BYE_STOPPING, "reboot", &k.agent_out), 0);
        kit_run(&k, 1);
        assert_states(&k, "closed", "closed");
        assert_helper_saw(&k, SESSION_EVENT_HELLO, SESSION_EVENT_PROVEN, SESSION_EVENT_STATE,
                          SESSION_EVENT_STATE, SESSION_EVENT_BYE);
        assert_agent_saw(&k, SESSION_EVENT_ESTABLISHED, SESSION_EVENT_RESULT, SESSION_EVENT_RESULT);
        ck_assert_uint_eq(k.helper_notice.code, WIRE_BYE_STOPPING);
        ck_assert_str_eq(k.helper_notice.text, "reboot");
        kit_done(&k);
}
END_TEST

START_TEST(test_helper_says_goodbye) {
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        kit_connect(&k);
        ck_assert_int_eq(helper_session_bye(k.helper, WIRE_BYE_REPLACED, "", &k.helper_out), 0);
        kit_run(&k, 1);
        assert_states(&k, "closed", "closed");
        assert_agent_saw(&k, SESSION_EVENT_ESTABLISHED, SESSION_EVENT_BYE);
        ck_assert_uint_eq(k.agent_notice.code, WIRE_BYE_REPLACED);
        kit_done(&k);
}
END_TEST

START_TEST(test_heartbeat_keeps_both_alive) {
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        kit_connect(&k);
        for (unsigned i = 0; i < 10; i++) {
                ck_assert_uint_eq(helper_session_deadline(k.helper), k.now + 30000000);
                ck_assert_uint_eq(agent_session_deadline(k.agent), k.now + 90000000);
                kit_wait(&k, WIRE_HEARTBEAT_MS);
                ck_assert_uint_eq(helper_session_last_heard(k.helper), k.now);
        }
        assert_states(&k, "ready", "ready");
        assert_agent_saw(&k, SESSION_EVENT_ESTABLISHED);
        kit_done(&k);
}
END_TEST

START_TEST(test_silence) {
        char frames[64];
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        kit_connect(&k);
        /* The connection is cut: nothing that is written arrives. */
        for (unsigned i = 1; i <= 3; i++) {
                SessionEvent event;

                k.now += WIRE_HEARTBEAT_MS * 1000;
                ck_assert_int_eq(helper_session_tick(k.helper, k.now, &k.helper_out, &event), 0);
                ck_assert_int_eq(event.type, i < 3 ? SESSION_EVENT_NONE : SESSION_EVENT_TIMEOUT);
                ck_assert_int_eq(agent_session_tick(k.agent, k.now, &k.agent_out, &event), 0);
                ck_assert_int_eq(event.type, i < 3 ? SESSION_EVENT_NONE : SESSION_EVENT_TIMEOUT);
        }
        assert_states(&k, "closed", "closed");
        ck_assert_str_eq(kit_frames(&k.helper_out, frames, sizeof(frames)), "PING PING BYE");
        /* Each PING has a token of its own. */
        ck_assert_mem_ne(buffer_bytes(&k.helper_out),
                         buffer_bytes(&k.helper_out) + WIRE_HEADER_SIZE + sizeof(uint64_t),
                         WIRE_HEADER_SIZE + sizeof(uint64_t));
        ck_assert_str_eq(kit_frames(&k.agent_out, frames, sizeof(frames)), "BYE");
        ck_assert_uint_eq(k.agent_out.data[k.agent_out.begin + 9], WIRE_BYE_SILENT);
        kit_done(&k);
}
END_TEST

/* The time that the owner takes to decide about the slot does not count as the agent's silence. */
START_TEST(test_slot_wait_is_not_silence) {
        HelperSessionConfig config = kit_config();
        Kit k;

        config.heartbeat_ms = WIRE_HEARTBEAT_MIN_MS;
        kit_init(&k, kit_key, kit_key, &config);
        k.leave_proven = true;
        kit_connect(&k);
        kit_wait(&k, 2000);
        ck_assert_int_eq(helper_session_admit(k.helper, k.now, &k.helper_out), 0);
        kit_run(&k, 1);
        assert_states(&k, "ready", "ready");
        ck_assert_uint_eq(helper_session_deadline(k.helper), k.now + 100000);
        ck_assert_uint_eq(agent_session_deadline(k.agent), k.now + 300000);
        kit_wait(&k, 100);
        assert_states(&k, "ready", "ready");
        kit_done(&k);
}
END_TEST

static const uint8_t ignorable[] = {1, 200, 0, 1, 0, 0, 0, 3, 'a', 'b', 'c'};
static const uint8_t not_ignorable[] = {1, 200, 0, 0, 0, 0, 0, 3, 'a', 'b', 'c'};

START_TEST(test_unknown_ignorable_frames_are_skipped) {
        WireHello hello = sample_hello();
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        ck_assert_int_eq(buffer_append(&k.agent_out, ignorable, sizeof(ignorable)), 0);
        ck_assert_int_eq(agent_session_start(k.agent, &hello, k.now, &k.agent_out), 0);
        ck_assert_int_eq(buffer_append(&k.helper_out, ignorable, sizeof(ignorable)), 0);
        kit_run(&k, 1);
        assert_states(&k, "ready", "ready");
        ck_assert_int_eq(buffer_append(&k.agent_out, ignorable, sizeof(ignorable)), 0);
        k.now += 5000000;
        kit_run(&k, 1);
        ck_assert_uint_eq(helper_session_last_heard(k.helper), k.now);
        kit_push(&k, 1);
        assert_helper_saw(&k, SESSION_EVENT_HELLO, SESSION_EVENT_PROVEN, SESSION_EVENT_STATE);
        kit_done(&k);
}
END_TEST

START_TEST(test_unknown_frame_is_refused) {
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        kit_connect(&k);
        ck_assert_int_eq(buffer_append(&k.agent_out, not_ignorable, sizeof(not_ignorable)), 0);
        kit_run(&k, 1);
        assert_states(&k, "closed", "closed");
        ck_assert_uint_eq(k.helper_notice.code, WIRE_BYE_PROTOCOL);
        ck_assert_str_eq(k.helper_notice.text, "unknown message type 200");
        assert_agent_saw(&k, SESSION_EVENT_ESTABLISHED, SESSION_EVENT_BYE);
        ck_assert_str_eq(k.agent_notice.text, "unknown message type 200");
        kit_done(&k);
}
END_TEST

/* Eight bytes are enough to refuse a frame: nobody waits for its payload or stores it. */
static const struct {
        uint8_t header[WIRE_HEADER_SIZE];
        bool established;
        const char *text;
} bad_headers[] = {
        {{1, WIRE_HELLO, 0, 0, 0, 0, 4, 1}, false, "message too large"},
        {{1, WIRE_STATE, 0, 0, 0, 0, 0, 30}, false, "STATE may not come now"},
        {{1, WIRE_STATE, 0, 0, 0xff, 0xff, 0xff, 0xff}, true, "message too large"},
        {{1, WIRE_STATE, 0, 0, 0, 0x40, 0, 1}, true, "message too large"},
        {{1, WIRE_HELLO, 0, 0, 0, 0, 0, 100}, true, "HELLO may not come now"},
        {{2, WIRE_HELLO, 0, 0, 0, 0, 0, 100}, false, "malformed frame header"},
        {{'G', 'E', 'T', ' ', '/', ' ', 'H', 'T'}, false, "malformed frame header"},
        {{1, WIRE_HELLO, 0x80, 0, 0, 0, 0, 100}, false, "malformed frame header"},
        {{1, 99, 0, 0, 0, 0, 0, 100}, false, "unknown message type 99"},
};

START_TEST(test_header_alone_is_refused) {
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        if (bad_headers[_i].established)
                kit_connect(&k);
        ck_assert_int_eq(buffer_append(&k.agent_out, bad_headers[_i].header, WIRE_HEADER_SIZE), 0);
        kit_run(&k, 1);
        ck_assert_int_eq(helper_session_state(k.helper), HELPER_SESSION_CLOSED);
        ck_assert_int_eq(k.helper_seen[k.n_helper_seen - 1], SESSION_EVENT_VIOLATION);
        ck_assert_str_eq(k.helper_notice.text, bad_headers[_i].text);
        kit_done(&k);
}
END_TEST

START_TEST(test_sequence_must_grow) {
        WireState state = sample_state();
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        kit_connect(&k);
        kit_push(&k, 1);
        state.sequence = 7;
        ck_assert_int_eq(wire_state_encode(&state, 1, &k.agent_out), 0);
        kit_run(&k, 1);
        ck_assert_uint_eq(k.state.sequence, 7);
        ck_assert_int_eq(wire_state_encode(&state, 1, &k.agent_out), 0);
        kit_run(&k, 1);
        ck_assert_str_eq(k.helper_notice.text, "STATE with an old sequence number");
        assert_states(&k, "closed", "closed");
        kit_done(&k);
}
END_TEST

START_TEST(test_endpoints_limit_of_the_helper) {
        HelperSessionConfig config = kit_config();
        WireState state = sample_state(); /* 14 endpoints */
        uint64_t sequence;
        Kit k;

        config.endpoints_max = 13;
        kit_init(&k, kit_key, kit_key, &config);
        kit_connect(&k);
        ck_assert_int_eq(agent_session_push(k.agent, &state, k.now, &k.agent_out, &sequence),
                         -E2BIG);
        state.n_services = 2; /* 13 endpoints */
        ck_assert_int_eq(agent_session_push(k.agent, &state, k.now, &k.agent_out, &sequence), 0);
        ck_assert_uint_eq(sequence, 1);
        kit_run(&k, 1);
        ck_assert_uint_eq(k.state.n_services, 2);
        /* An agent that ignores the limit. */
        state = sample_state();
        state.sequence = 2;
        ck_assert_int_eq(wire_state_encode(&state, 1, &k.agent_out), 0);
        kit_run(&k, SIZE_MAX);
        ck_assert_str_eq(k.helper_notice.text, "STATE with more endpoints than allowed");
        kit_done(&k);
}
END_TEST

START_TEST(test_result_must_fit_its_state) {
        WireResult result = sample_result();
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        kit_connect(&k);
        ck_assert_int_eq(helper_session_result(k.helper, &result, &k.helper_out), -EINVAL);
        kit_push(&k, 1);
        kit_push(&k, 2);
        result.sequence = 2;
        result.n_services = 2;
        ck_assert_int_eq(helper_session_result(k.helper, &result, &k.helper_out), -EINVAL);
        /* For an older STATE the number may differ. */
        result.sequence = 1;
        ck_assert_int_eq(helper_session_result(k.helper, &result, &k.helper_out), 0);
        kit_run(&k, 1);
        assert_agent_saw(&k, SESSION_EVENT_ESTABLISHED, SESSION_EVENT_RESULT);
        result.sequence = 2;
        ck_assert_int_eq(wire_result_encode(&result, 1, &k.helper_out), 0);
        kit_run(&k, 1);
        ck_assert_str_eq(k.agent_notice.text,
                         "RESULT with another number of services than its STATE");
        kit_done(&k);
}
END_TEST

START_TEST(test_result_for_a_state_that_was_not_sent) {
        WireResult result = sample_result();
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        kit_connect(&k);
        ck_assert_int_eq(wire_result_encode(&result, 1, &k.helper_out), 0);
        kit_run(&k, 1);
        ck_assert_str_eq(k.agent_notice.text, "RESULT for a STATE that was not sent");
        kit_done(&k);
}
END_TEST

/* An empty payload is malformed in every message, in every state. */
static const struct {
        WireType before; /* a good frame that comes first, or 0 */
        WireType type;
        bool to_agent, established;
} malformed[] = {
        {0, WIRE_CHALLENGE, true, false},
        {0, WIRE_REFUSED, true, false},
        {0, WIRE_BYE, true, false},
        {WIRE_CHALLENGE, WIRE_WELCOME, true, false},
        {WIRE_CHALLENGE, WIRE_REFUSED, true, false},
        {0, WIRE_RESULT, true, true},
        {0, WIRE_PING, true, true},
        {0, WIRE_PONG, true, true},
        {0, WIRE_BYE, true, true},
        {0, WIRE_HELLO, false, false},
        {0, WIRE_BYE, false, false},
        {WIRE_HELLO, WIRE_PROOF, false, false},
        {0, WIRE_STATE, false, true},
        {0, WIRE_PING, false, true},
        {0, WIRE_PONG, false, true},
        {0, WIRE_BYE, false, true},
};

START_TEST(test_malformed_message) {
        uint8_t frame[WIRE_HEADER_SIZE] = {WIRE_HEADER_FORMAT, (uint8_t) malformed[_i].type};
        WireHello hello = sample_hello();
        char expected[32];
        Buffer *in;
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        if (malformed[_i].established)
                kit_connect(&k);
        else
                ck_assert_int_eq(agent_session_start(k.agent, &hello, k.now, &k.agent_out), 0);
        in = malformed[_i].to_agent ? &k.agent_in : &k.helper_in;
        if (malformed[_i].before != 0)
                sample_frame(malformed[_i].before, in);
        ck_assert_int_eq(buffer_append(in, frame, sizeof(frame)), 0);
        kit_run(&k, 0);
        (void) snprintf(expected, sizeof(expected), "malformed %s", wire_type_name(frame[1]));
        ck_assert_str_eq(malformed[_i].to_agent ? k.agent_notice.text : k.helper_notice.text,
                         expected);
        kit_done(&k);
}
END_TEST

START_TEST(test_bad_state_is_not_pushed) {
        WireState state = sample_state();
        uint64_t sequence = 77;
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        kit_connect(&k);
        kit_push(&k, 1);
        state.sequence = 5;
        state.mode = _WIRE_MODE_END;
        ck_assert_int_eq(agent_session_push(k.agent, &state, k.now, &k.agent_out, &sequence),
                         -EINVAL);
        ck_assert_uint_eq(state.sequence, 5);
        ck_assert_uint_eq(sequence, 77);
        ck_assert_uint_eq(buffer_length(&k.agent_out), 0);
        kit_push(&k, 2);
        kit_done(&k);
}
END_TEST

START_TEST(test_mac_equal) {
        uint8_t a[WIRE_MAC_SIZE] = {0}, b[WIRE_MAC_SIZE] = {0};

        ck_assert(session_mac_equal(a, b));
        for (unsigned bit = 0; bit < 8 * WIRE_MAC_SIZE; bit++) {
                b[bit / 8] = (uint8_t) (1u << bit % 8);
                ck_assert(!session_mac_equal(a, b));
                b[bit / 8] = 0;
        }
        memset(a, 0xff, sizeof(a));
        session_wipe(a, sizeof(a));
        ck_assert_mem_eq(a, b, sizeof(a));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("session");
        TCase *tcase = tcase_create("session");

        if (sodium_init() < 0)
                return EXIT_FAILURE;
        tcase_add_test(tcase, test_session_from_hello_to_goodbye);
        tcase_add_test(tcase, test_helper_says_goodbye);
        tcase_add_test(tcase, test_heartbeat_keeps_both_alive);
        tcase_add_test(tcase, test_silence);
        tcase_add_test(tcase, test_slot_wait_is_not_silence);
        tcase_add_test(tcase, test_unknown_ignorable_frames_are_skipped);
        tcase_add_test(tcase, test_unknown_frame_is_refused);
        tcase_add_loop_test(tcase, test_header_alone_is_refused, 0,
                            sizeof(bad_headers) / sizeof(bad_headers[0]));
        tcase_add_test(tcase, test_sequence_must_grow);
        tcase_add_test(tcase, test_endpoints_limit_of_the_helper);
        tcase_add_test(tcase, test_result_must_fit_its_state);
        tcase_add_test(tcase, test_result_for_a_state_that_was_not_sent);
        tcase_add_loop_test(tcase, test_malformed_message, 0,
                            sizeof(malformed) / sizeof(malformed[0]));
        tcase_add_test(tcase, test_bad_state_is_not_pushed);
        tcase_add_test(tcase, test_mac_equal);
        tcase_set_timeout(tcase, 60);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
