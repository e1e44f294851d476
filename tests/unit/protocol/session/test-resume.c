/* SPDX-License-Identifier: MIT */

/*
 * Claim: an agent whose machine was asleep gives the helper one heartbeat before it calls it
 * silent, and takes nothing away from one that it has just heard.
 */

#include "tests/suite.h"
#include "tests/unit/protocol/session/session-kit.h"

#include <check.h>
#include <sodium.h>

/* After a sleep the helper gets one heartbeat, and no more each time. */
START_TEST(test_resume) {
        SessionEvent event;
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        agent_session_resume(k.agent, k.now); /* nothing to put off yet */
        ck_assert_uint_eq(agent_session_deadline(k.agent), SESSION_NO_DEADLINE);
        kit_connect(&k);
        agent_session_resume(k.agent, k.now); /* just heard: nothing is taken away either */
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

int main(void) {
        Suite *suite = suite_create("session-resume");
        TCase *tcase = tcase_create("session-resume");

        if (sodium_init() < 0)
                return EXIT_FAILURE;
        tcase_add_test(tcase, test_resume);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
