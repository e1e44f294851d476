/* SPDX-License-Identifier: MIT */

/* The key of a session is nowhere in memory when the session no longer needs it. */

#include "tests/suite.h"
#include "tests/unit/memory-scan.h"
#include "tests/unit/protocol/session/session-kit.h"

#include <string.h>

static MemorySecret secret;
static uint8_t key[WIRE_KEY_SIZE];

static void setup(void) {
        secret.n = WIRE_KEY_SIZE;
        for (size_t i = 0; i < secret.n; i++)
                secret.masked[i] = (uint8_t) (i * 37 + 11);
        ck_assert_uint_eq(memory_copies(&secret), 0);
        memory_unmask(&secret, key);
        ck_assert_uint_eq(memory_copies(&secret), 1);
}

static void forget_own(void) {
        session_wipe(key, sizeof(key));
}

START_TEST(test_both_ends_after_the_handshake) {
        const HelperSessionConfig config = kit_config();
        Kit k;

        kit_init(&k, key, key, &config);
        ck_assert_uint_eq(memory_copies(&secret), 2); /* ours, and the agent's for its session */
        kit_connect(&k);
        assert_states(&k, "ready", "ready");
        forget_own();
        ck_assert_uint_eq(memory_copies(&secret), 0);
        kit_done(&k);
}
END_TEST

/* Each end is refused once, because it has another key than its peer. */
START_TEST(test_after_a_refusal) {
        const HelperSessionConfig config = kit_config();
        Kit k;

        kit_init(&k, _i == 0 ? key : kit_other_key, _i == 0 ? kit_other_key : key, &config);
        kit_connect(&k);
        assert_states(&k, "closed", "closed");
        forget_own();
        ck_assert_uint_eq(memory_copies(&secret), 0);
        kit_done(&k);
}
END_TEST

START_TEST(test_a_session_that_is_given_up) {
        AgentSession *agent = NULL;

        ck_assert_int_eq(agent_session_new(&agent, kit_mac, key), 0);
        forget_own();
        ck_assert_uint_eq(memory_copies(&secret), 1);
        agent_session_free(agent);
        ck_assert_uint_eq(memory_copies(&secret), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("wipe");
        TCase *cases = tcase_create("wipe");

        tcase_add_checked_fixture(cases, setup, NULL);
        tcase_add_test(cases, test_both_ends_after_the_handshake);
        tcase_add_loop_test(cases, test_after_a_refusal, 0, 2);
        tcase_add_test(cases, test_a_session_that_is_given_up);
        suite_add_tcase(suite, cases);
        return suite_run(suite);
}
