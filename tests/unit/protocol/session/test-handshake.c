/* SPDX-License-Identifier: MIT */

/*
 * Claim: the handshake admits exactly the peers that know the key (or need none), speak a common
 * version and are in time. Every other conversation of docs/protocol.md ends closed, with the right
 * reason.
 */

#include "tests/suite.h"
#include "tests/unit/protocol/sample.h"
#include "tests/unit/protocol/session/session-kit.h"

#include <check.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* Who has a key, whether pairing is required, and the result. */
static const struct {
        const uint8_t *agent_key, *helper_key;
        bool required;
        WireRefusal refusal; /* 0: the session is established */
} pairings[] = {
        {kit_key, kit_key, true, 0},
        {kit_key, kit_key, false, 0},
        {NULL, NULL, false, 0},
        {NULL, NULL, true, WIRE_REFUSAL_NOT_PAIRED},
        {NULL, kit_key, true, WIRE_REFUSAL_NOT_PAIRED},
        {NULL, kit_key, false, WIRE_REFUSAL_NOT_PAIRED},
        {kit_key, NULL, true, WIRE_REFUSAL_NOT_PAIRED},
        {kit_key, NULL, false, WIRE_REFUSAL_NOT_PAIRED},
        {kit_key, kit_other_key, true, WIRE_REFUSAL_BAD_PROOF},
        {kit_key, kit_other_key, false, WIRE_REFUSAL_BAD_PROOF},
};

START_TEST(test_pairing) {
        HelperSessionConfig config = kit_config();
        WireRefusal refusal = pairings[_i].refusal;
        Kit k;

        config.pairing_required = pairings[_i].required;
        kit_init(&k, pairings[_i].agent_key, pairings[_i].helper_key, &config);
        kit_connect(&k);
        if (refusal == 0) {
                assert_states(&k, "ready", "ready");
                kit_push(&k, 1);
        } else {
                assert_states(&k, "closed", "closed");
                assert_helper_saw(&k, SESSION_EVENT_HELLO, SESSION_EVENT_REFUSED);
                assert_agent_saw(&k, SESSION_EVENT_REFUSED);
                ck_assert_uint_eq(k.agent_notice.code, refusal);
                ck_assert_uint_eq(k.helper_notice.code, refusal);
                ck_assert_uint_gt(strlen(k.agent_notice.text), 0);
        }
        kit_done(&k);
}
END_TEST

START_TEST(test_no_common_version) {
        WireHello hello = sample_hello();
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        hello.version_min = 3;
        hello.version_max = 4;
        ck_assert_int_eq(agent_session_start(k.agent, &hello, k.now, &k.agent_out), 0);
        kit_run(&k, 1);
        assert_states(&k, "closed", "closed");
        assert_helper_saw(&k, SESSION_EVENT_REFUSED);
        ck_assert_uint_eq(k.agent_notice.code, WIRE_REFUSAL_VERSION);
        ck_assert_str_eq(k.agent_notice.text,
                         "this helper speaks protocol 1 to 2, the agent 3 to 4");
        kit_done(&k);
}
END_TEST

/* The helper chooses the highest version that both ends speak. */
static const struct {
        uint8_t min, max, chosen;
} offers[] = {{1, 1, 1}, {1, 2, 2}, {2, 2, 2}, {1, 9, 2}, {2, 255, 2}};

START_TEST(test_highest_common_version) {
        WireHello hello = sample_hello();
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        hello.version_min = offers[_i].min;
        hello.version_max = offers[_i].max;
        ck_assert_int_eq(agent_session_start(k.agent, &hello, k.now, &k.agent_out), 0);
        kit_run(&k, 1);
        assert_states(&k, "ready", "ready");
        ck_assert_uint_eq(agent_session_challenge(k.agent)->version, offers[_i].chosen);
        kit_push(&k, 1);
        ck_assert_uint_eq(k.state.n_services, SAMPLE_SERVICES);
        kit_done(&k);
}
END_TEST

/* The version that the helper chooses is above or below all that the agent has offered. */
static const uint8_t not_offered[] = {2, 5};

START_TEST(test_helper_chooses_a_version_that_was_not_offered) {
        WireHello hello = sample_hello();
        WireChallenge challenge = sample_challenge();
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        hello.version_min = 3;
        hello.version_max = 4;
        ck_assert_int_eq(agent_session_start(k.agent, &hello, k.now, &k.agent_out), 0);
        challenge.version = not_offered[_i];
        ck_assert_int_eq(wire_challenge_encode(&challenge, &k.agent_in), 0);
        kit_run(&k, 0);
        assert_agent_saw(&k, SESSION_EVENT_VIOLATION);
        ck_assert_uint_eq(k.agent_notice.code, WIRE_BYE_PROTOCOL);
        kit_done(&k);
}
END_TEST

START_TEST(test_hello_that_cannot_be_sent) {
        WireHello hello = sample_hello();
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        hello.version_min = 0; /* there is no such version */
        ck_assert_int_eq(agent_session_start(k.agent, &hello, k.now, &k.agent_out), -EINVAL);
        ck_assert_int_eq(agent_session_state(k.agent), AGENT_SESSION_CLOSED);
        ck_assert_uint_eq(buffer_length(&k.agent_out), 0);
        kit_done(&k);
}
END_TEST

START_TEST(test_busy) {
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        k.busy = true;
        kit_connect(&k);
        assert_states(&k, "closed", "closed");
        assert_agent_saw(&k, SESSION_EVENT_REFUSED);
        ck_assert_uint_eq(k.agent_notice.code, WIRE_REFUSAL_BUSY);
        kit_done(&k);
}
END_TEST

/* A quick agent's STATE may arrive before the helper's owner has admitted the agent. */
START_TEST(test_slot_wait_consumes_nothing) {
        WireState state = sample_state();
        SessionEvent event;
        size_t consumed;
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        k.leave_proven = true;
        kit_connect(&k);
        assert_states(&k, "proof-sent", "slot-wait");
        ck_assert_int_eq(wire_state_encode(&state, 1, &k.helper_in), 0);
        ck_assert_int_eq(helper_session_receive(k.helper, buffer_bytes(&k.helper_in),
                                                buffer_length(&k.helper_in), k.now, &k.helper_out,
                                                &consumed, &event),
                         0);
        ck_assert_uint_eq(consumed, 0);
        ck_assert_int_eq(event.type, SESSION_EVENT_NONE);
        ck_assert_int_eq(helper_session_admit(k.helper, k.now, &k.helper_out), 0);
        kit_run(&k, SIZE_MAX);
        assert_helper_saw(&k, SESSION_EVENT_HELLO, SESSION_EVENT_PROVEN, SESSION_EVENT_STATE);
        kit_done(&k);
}
END_TEST

/* A false helper cannot return the agent's own proof as its own. */
START_TEST(test_replayed_proof_is_refused) {
        WireHello hello = sample_hello();
        WireChallenge challenge = sample_challenge();
        WireProof proof;
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        ck_assert_int_eq(agent_session_start(k.agent, &hello, k.now, &k.agent_out), 0);
        ck_assert_int_eq(wire_challenge_encode(&challenge, &k.agent_in), 0);
        buffer_done(&k.agent_out);
        kit_run(&k, 0);
        /* The false helper sends the agent's own MAC back. */
        ck_assert_uint_eq(buffer_bytes(&k.agent_out)[1], WIRE_PROOF);
        ck_assert_int_eq(wire_proof_decode(buffer_bytes(&k.agent_out) + WIRE_HEADER_SIZE,
                                           buffer_length(&k.agent_out) - WIRE_HEADER_SIZE, &proof),
                         0);
        ck_assert(proof.has_mac);
        ck_assert_int_eq(wire_welcome_encode(&proof, &k.agent_in), 0);
        kit_run(&k, 0);
        assert_agent_saw(&k, SESSION_EVENT_VIOLATION);
        ck_assert_uint_eq(k.agent_notice.code, WIRE_BYE_UNPROVEN);
        kit_done(&k);
}
END_TEST

/* A recorded PROOF has no value in another session, because the helper's nonce differs. */
START_TEST(test_recorded_proof_is_refused) {
        static const uint8_t other_nonce[WIRE_NONCE_SIZE] = {9};
        WireHello hello = sample_hello();
        Buffer recorded = BUFFER_NULL;
        SessionEvent event;
        size_t consumed;
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        ck_assert_int_eq(agent_session_start(k.agent, &hello, k.now, &recorded), 0);
        ck_assert_int_eq(helper_session_receive(k.helper, buffer_bytes(&recorded),
                                                buffer_length(&recorded), k.now, &k.helper_out,
                                                &consumed, &event),
                         0);
        ck_assert_int_eq(helper_session_challenge(k.helper, kit_key, kit_nonce, k.now, &k.agent_in),
                         0);
        kit_run(&k, 0);
        ck_assert_int_eq(agent_session_state(k.agent), AGENT_SESSION_PROOF_SENT);
        ck_assert_int_eq(
                buffer_append(&recorded, buffer_bytes(&k.agent_out), buffer_length(&k.agent_out)),
                0);
        kit_done(&k);

        kit_init(&k, kit_key, kit_key, NULL);
        ck_assert_int_eq(helper_session_receive(k.helper, buffer_bytes(&recorded),
                                                buffer_length(&recorded), k.now, &k.helper_out,
                                                &consumed, &event),
                         0);
        buffer_consume(&recorded, consumed);
        ck_assert_int_eq(
                helper_session_challenge(k.helper, kit_key, other_nonce, k.now, &k.helper_out), 0);
        ck_assert_int_eq(helper_session_receive(k.helper, buffer_bytes(&recorded),
                                                buffer_length(&recorded), k.now, &k.helper_out,
                                                &consumed, &event),
                         0);
        ck_assert_int_eq(event.type, SESSION_EVENT_REFUSED);
        ck_assert_uint_eq(event.notice.code, WIRE_REFUSAL_BAD_PROOF);
        buffer_done(&recorded);
        kit_done(&k);
}
END_TEST

/* Answers of a false helper to an agent with or without a key. */
static const struct {
        bool agent_has_key, has_mac;
} false_welcomes[] = {{true, true}, {true, false}, {false, true}};

START_TEST(test_false_helper_gets_no_state) {
        WireHello hello = sample_hello();
        WireChallenge challenge = sample_challenge();
        WireProof welcome = {.has_mac = false_welcomes[_i].has_mac};
        Kit k;

        kit_init(&k, false_welcomes[_i].agent_has_key ? kit_key : NULL, NULL, NULL);
        ck_assert_int_eq(agent_session_start(k.agent, &hello, k.now, &k.agent_out), 0);
        ck_assert_int_eq(wire_challenge_encode(&challenge, &k.agent_in), 0);
        ck_assert_int_eq(wire_welcome_encode(&welcome, &k.agent_in), 0);
        kit_run(&k, 0);
        assert_agent_saw(&k, SESSION_EVENT_VIOLATION);
        ck_assert_uint_eq(k.agent_notice.code, WIRE_BYE_UNPROVEN);
        ck_assert_int_eq(agent_session_state(k.agent), AGENT_SESSION_CLOSED);
        kit_done(&k);
}
END_TEST

START_TEST(test_handshake_timeout) {
        WireHello hello = sample_hello();
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        ck_assert_int_eq(agent_session_start(k.agent, &hello, k.now, &k.agent_out), 0);
        buffer_done(&k.agent_out); /* HELLO is lost: the helper accepts and hears nothing */
        ck_assert_uint_eq(agent_session_deadline(k.agent), KIT_START_USEC + 10000000);
        ck_assert_uint_eq(helper_session_deadline(k.helper), KIT_START_USEC + 10000000);
        ck_assert_uint_eq(helper_session_last_heard(k.helper), KIT_START_USEC);
        kit_wait(&k, WIRE_HANDSHAKE_MS - 1);
        assert_states(&k, "hello-sent", "hello-wait");
        kit_wait(&k, 1);
        assert_states(&k, "closed", "closed");
        assert_agent_saw(&k, SESSION_EVENT_TIMEOUT);
        assert_helper_saw(&k, SESSION_EVENT_TIMEOUT);
        ck_assert_uint_eq(k.agent_notice.code, WIRE_BYE_TIMEOUT);
        ck_assert_uint_eq(agent_session_deadline(k.agent), SESSION_NO_DEADLINE);
        ck_assert_uint_eq(helper_session_deadline(k.helper), SESSION_NO_DEADLINE);
        kit_done(&k);
}
END_TEST

/* A peer cannot keep a slot with one byte of HELLO a second: the deadline counts from the start. */
START_TEST(test_slow_peer_does_not_extend_the_handshake) {
        WireHello hello = sample_hello();
        Buffer bytes = BUFFER_NULL;
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        ck_assert_int_eq(wire_hello_encode(&hello, &bytes), 0);
        for (unsigned second = 0; second < 10; second++) {
                ck_assert_int_eq(buffer_append(&k.helper_in, buffer_bytes(&bytes), 1), 0);
                buffer_consume(&bytes, 1);
                kit_wait(&k, 1000);
        }
        ck_assert_int_eq(helper_session_state(k.helper), HELPER_SESSION_CLOSED);
        assert_helper_saw(&k, SESSION_EVENT_TIMEOUT);
        buffer_done(&bytes);
        kit_done(&k);
}
END_TEST

/* When the MAC function fails (no CNG provider), the error is ours and not the peer's. */
START_TEST(test_broken_mac) {
        HelperSessionConfig config = kit_config();
        WireHello hello = sample_hello();
        Buffer frames = BUFFER_NULL, out = BUFFER_NULL;
        SessionEvent event;
        size_t consumed;
        Kit k;

        config.mac = kit_mac_broken;
        kit_init(&k, kit_key, kit_key, &config);
        sample_frame(WIRE_HELLO, &frames);
        ck_assert_int_eq(helper_session_receive(k.helper, buffer_bytes(&frames),
                                                buffer_length(&frames), k.now, &out, &consumed,
                                                &event),
                         0);
        ck_assert_int_eq(helper_session_challenge(k.helper, kit_key, kit_nonce, k.now, &out), 0);
        buffer_consume(&frames, consumed);
        sample_frame(WIRE_PROOF, &frames);
        ck_assert_int_eq(helper_session_receive(k.helper, buffer_bytes(&frames),
                                                buffer_length(&frames), k.now, &out, &consumed,
                                                &event),
                         -EIO);
        ck_assert_int_eq(helper_session_state(k.helper), HELPER_SESSION_CLOSED);
        buffer_done(&frames);

        k.agent = agent_session_free(k.agent);
        ck_assert_int_eq(agent_session_new(&k.agent, kit_mac_broken, kit_key), 0);
        ck_assert_int_eq(agent_session_start(k.agent, &hello, k.now, &out), 0);
        sample_frame(WIRE_CHALLENGE, &frames);
        ck_assert_int_eq(agent_session_receive(k.agent, buffer_bytes(&frames),
                                               buffer_length(&frames), k.now, &out, &consumed,
                                               &event),
                         -EIO);
        ck_assert_int_eq(agent_session_state(k.agent), AGENT_SESSION_CLOSED);
        buffer_done(&frames);
        buffer_done(&out);
        kit_done(&k);
}
END_TEST

static unsigned macs;

static int mac_once(const uint8_t *key, const uint8_t *data, size_t n, uint8_t *ret_mac) {
        return macs++ == 0 ? kit_mac(key, data, n, ret_mac) : -EIO;
}

/* The helper has checked the agent's proof, and cannot make its own. */
START_TEST(test_mac_breaks_before_the_welcome) {
        HelperSessionConfig config = kit_config();
        Kit k;

        macs = 0;
        config.mac = mac_once;
        kit_init(&k, kit_key, kit_key, &config);
        k.leave_proven = true;
        kit_connect(&k);
        assert_states(&k, "proof-sent", "slot-wait");
        ck_assert_int_eq(helper_session_admit(k.helper, k.now, &k.helper_out), -EIO);
        assert_states(&k, "proof-sent", "closed");
        ck_assert_uint_eq(buffer_length(&k.helper_out), 0);
        kit_done(&k);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("session-handshake");
        TCase *tcase = tcase_create("session-handshake");

        if (sodium_init() < 0)
                return EXIT_FAILURE;
        tcase_add_loop_test(tcase, test_pairing, 0, sizeof(pairings) / sizeof(pairings[0]));
        tcase_add_test(tcase, test_no_common_version);
        tcase_add_loop_test(tcase, test_highest_common_version, 0,
                            sizeof(offers) / sizeof(offers[0]));
        tcase_add_loop_test(tcase, test_helper_chooses_a_version_that_was_not_offered, 0, 2);
        tcase_add_test(tcase, test_hello_that_cannot_be_sent);
        tcase_add_test(tcase, test_busy);
        tcase_add_test(tcase, test_slot_wait_consumes_nothing);
        tcase_add_test(tcase, test_replayed_proof_is_refused);
        tcase_add_test(tcase, test_recorded_proof_is_refused);
        tcase_add_loop_test(tcase, test_false_helper_gets_no_state, 0, 3);
        tcase_add_test(tcase, test_handshake_timeout);
        tcase_add_test(tcase, test_slow_peer_does_not_extend_the_handshake);
        tcase_add_test(tcase, test_broken_mac);
        tcase_add_test(tcase, test_mac_breaks_before_the_welcome);
        tcase_set_timeout(tcase, 60);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
