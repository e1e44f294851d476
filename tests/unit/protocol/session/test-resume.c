/* SPDX-License-Identifier: MIT */

/*
 * Claim: after its machine was asleep, an agent gives the helper one heartbeat before it counts as
 * silent. A helper that was heard a moment ago keeps its whole time.
 */

#include "tests/suite.h"
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

int main(void) {
        Suite *suite = suite_create("session-resume");
        TCase *tcase = tcase_create("session-resume");

        if (sodium_init() < 0)
                return EXIT_FAILURE;
        tcase_add_test(tcase, test_helper_gets_one_heartbeat_after_sleep);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
