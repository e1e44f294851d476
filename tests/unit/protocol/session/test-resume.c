/* SPDX-License-Identifier: MIT */

/*
 * Claim: a helper has three heartbeats to answer a STATE. After its machine was asleep, an agent
 * gives the helper one heartbeat before it counts as silent or a STATE as unanswered. A helper that
 * was heard a moment ago keeps its whole time.
 */

#include "tests/suite.h"
#include "tests/unit/protocol/sample.h"
#include "tests/unit/protocol/session/session-kit.h"

#include <check.h>
#include <sodium.h>

START_TEST(test_helper_gets_one_heartbeat_after_sleep) {
        SessionEvent event;
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        agent_session_resume(k.agent, k.now); /* there is no deadline to move yet */
        ck_assert_uint_eq(agent_session_deadline(k.agent), SESSION_NO_DEADLINE);
        kit_connect(&k);
        agent_session_resume(k.agent, k.now); /* just heard: its time does not get shorter */
        ck_assert_uint_eq(agent_session_deadline(k.agent), k.now + 90000000);
        k.now += 10000000;
        agent_session_resume(k.agent, k.now);
        ck_assert_uint_eq(agent_session_deadline(k.agent), k.now + 80000000);
        k.now += 3600000000;
        agent_session_resume(k.agent, k.now);
        ck_assert_uint_eq(agent_session_deadline(k.agent), k.now + 30000000);
        k.now += 29999999;
        ck_assert_int_eq(agent_session_tick(k.agent, k.now, &k.agent_out, &event), 0);
        ck_assert_int_eq(event.type, SESSION_EVENT_NONE);
        k.now += 1;
        ck_assert_int_eq(agent_session_tick(k.agent, k.now, &k.agent_out, &event), 0);
        ck_assert_int_eq(event.type, SESSION_EVENT_TIMEOUT);
        kit_done(&k);
}
END_TEST

START_TEST(test_helper_gets_one_heartbeat_to_answer_after_sleep) {
        SessionEvent event;
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        kit_connect(&k);
        kit_push(&k, 1);
        k.now += 3600000000;
        agent_session_resume(k.agent, k.now);
        ck_assert_uint_eq(agent_session_deadline(k.agent), k.now + 30000000);
        k.now += 29999999;
        ck_assert_int_eq(agent_session_tick(k.agent, k.now, &k.agent_out, &event), 0);
        ck_assert_int_eq(event.type, SESSION_EVENT_NONE);
        kit_done(&k);
}
END_TEST

/* A helper that is alive but does not do its work: PINGs and PONGs go on, and no RESULT comes. */
START_TEST(test_state_without_an_answer) {
        WireServiceResult services[SAMPLE_SERVICES] = {{0}};
        WireResult result = {.sequence = 1, .services = services, .n_services = SAMPLE_SERVICES};
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        kit_connect(&k);
        kit_wait(&k, WIRE_HEARTBEAT_MS);
        kit_push(&k, 1);
        kit_wait(&k, WIRE_HEARTBEAT_MS);
        kit_push(&k, 2); /* the time runs from the first one on … */
        kit_wait(&k, WIRE_HEARTBEAT_MS);
        ck_assert_int_eq(helper_session_result(k.helper, &result, &k.helper_out), 0);
        kit_run(&k, SIZE_MAX); /* … but the helper is at work: it has answered that one */
        kit_wait(&k, 2 * WIRE_HEARTBEAT_MS);
        assert_states(&k, "ready", "ready");
        kit_wait(&k, WIRE_HEARTBEAT_MS);
        assert_states(&k, "closed", "closed");
        ck_assert_uint_eq(k.helper_notice.code, WIRE_BYE_TIMEOUT);
        kit_done(&k);
}
END_TEST

/* Whoever asks again and again does not wait longer for it. */
START_TEST(test_the_first_unanswered_state_counts) {
        uint64_t asked;
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        kit_connect(&k);
        kit_wait(&k, WIRE_HEARTBEAT_MS);
        kit_push(&k, 1);
        asked = k.now;
        kit_wait(&k, WIRE_HEARTBEAT_MS);
        kit_push(&k, 2);
        kit_wait(&k, WIRE_HEARTBEAT_MS);
        ck_assert_uint_eq(agent_session_deadline(k.agent), asked + 90000000);
        kit_done(&k);
}
END_TEST

START_TEST(test_an_answered_state_waits_for_nothing) {
        WireServiceResult services[SAMPLE_SERVICES] = {{0}};
        WireResult result = {.sequence = 1, .services = services, .n_services = SAMPLE_SERVICES};
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        kit_connect(&k);
        kit_push(&k, 1);
        ck_assert_int_eq(helper_session_result(k.helper, &result, &k.helper_out), 0);
        kit_run(&k, SIZE_MAX);
        for (unsigned i = 0; i < 20; i++)
                kit_wait(&k, WIRE_HEARTBEAT_MS);
        assert_states(&k, "ready", "ready");
        kit_done(&k);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("session-resume");
        TCase *tcase = tcase_create("session-resume");

        if (sodium_init() < 0)
                return EXIT_FAILURE;
        tcase_add_test(tcase, test_helper_gets_one_heartbeat_after_sleep);
        tcase_add_test(tcase, test_helper_gets_one_heartbeat_to_answer_after_sleep);
        tcase_add_test(tcase, test_state_without_an_answer);
        tcase_add_test(tcase, test_the_first_unanswered_state_counts);
        tcase_add_test(tcase, test_an_answered_state_waits_for_nothing);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
