/* SPDX-License-Identifier: MIT */

/*
 * Claim: a text with a character that may not be shown ends the session. The rule is as old as
 * version 1, so a RESULT that breaks it is no older helper's.
 */

#include "tests/suite.h"
#include "tests/unit/protocol/sample.h"
#include "tests/unit/protocol/session/session-kit.h"

#include <check.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static const struct {
        const char *character; /* three bytes */
        bool allowed;
} characters[] = {
        {"\xe2\x82\xac", true},  /* the euro sign */
        {"\xe2\x80\x90", true},  /* U+2010, a hyphen, between two that may not be shown */
        {"\xe2\x80\x8f", false}, /* U+200F, the mark "right to left" */
        {"\xe2\x80\xa8", false}, /* U+2028, the line separator */
        {"\xe2\x80\xae", false}, /* U+202E, the override "right to left" */
        {"\xe2\x81\xa6", false}, /* U+2066, an isolate */
        {"\xef\xbb\xbf", false}, /* U+FEFF, without width */
};

START_TEST(test_characters_of_a_text) {
        WireResult result = sample_result();
        const char *expected;
        uint8_t *text;
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        kit_connect(&k);
        kit_push(&k, 1);
        result.sequence = 1;
        result.services[1].text = "<...>";
        ck_assert_int_eq(helper_session_result(k.helper, &result, &k.helper_out), 0);
        text = memmem(buffer_bytes(&k.helper_out), buffer_length(&k.helper_out), "<...>", 5);
        ck_assert_ptr_nonnull(text);
        memcpy(text + 1, characters[_i].character, 3);
        kit_run(&k, 64);
        expected = characters[_i].allowed ? "ready" : "closed";
        assert_states(&k, expected, expected);
        if (!characters[_i].allowed)
                ck_assert_str_eq(k.agent_notice.text, "malformed RESULT");
        kit_done(&k);
}
END_TEST

/* The text of a goodbye may come from anywhere: the other end gets one that it may show. */
START_TEST(test_characters_of_a_goodbye) {
        Kit k;

        kit_init(&k, kit_key, kit_key, NULL);
        kit_connect(&k);
        ck_assert_int_eq(helper_session_bye(k.helper, WIRE_BYE_STOPPING, "off\nand \x1b[2Jon",
                                            &k.helper_out),
                         0);
        kit_run(&k, 64);
        assert_agent_saw(&k, SESSION_EVENT_ESTABLISHED, SESSION_EVENT_BYE);
        ck_assert_str_eq(k.agent_notice.text, "off?and ?[2Jon");
        kit_done(&k);
}
END_TEST

/* A helper whose version is no text cannot send its CHALLENGE: the session is over at once. */
START_TEST(test_challenge_that_cannot_be_sent) {
        HelperSessionConfig config = kit_config();
        const WireHello hello = sample_hello();
        SessionEvent event;
        size_t n;
        Kit k;

        config.software = "";
        kit_init(&k, kit_key, kit_key, &config);
        ck_assert_int_eq(agent_session_start(k.agent, &hello, k.now, &k.agent_out), 0);
        ck_assert_int_eq(helper_session_receive(k.helper, buffer_bytes(&k.agent_out),
                                                buffer_length(&k.agent_out), k.now, &k.helper_out,
                                                &n, &event),
                         0);
        ck_assert_int_eq(event.type, SESSION_EVENT_HELLO);
        ck_assert_int_eq(
                helper_session_challenge(k.helper, kit_key, kit_nonce, k.now, &k.helper_out),
                -EINVAL);
        ck_assert_int_eq(helper_session_state(k.helper), HELPER_SESSION_CLOSED);
        ck_assert_uint_eq(buffer_length(&k.helper_out), 0);
        kit_done(&k);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("session-characters");
        TCase *tcase = tcase_create("session-characters");

        if (sodium_init() < 0)
                return EXIT_FAILURE;
        tcase_add_loop_test(tcase, test_characters_of_a_text, 0,
                            sizeof(characters) / sizeof(characters[0]));
        tcase_add_test(tcase, test_characters_of_a_goodbye);
        tcase_add_test(tcase, test_challenge_that_cannot_be_sent);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
