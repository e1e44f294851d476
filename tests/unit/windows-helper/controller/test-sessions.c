/* SPDX-License-Identifier: MIT */

/* Sessions, identities and time: who is admitted, who has a claim, and how long the claim lasts. */

#include "tests/suite.h"
#include "tests/unit/windows-helper/controller/three-agents.h"
#include "windows-helper/core/rules/rule-view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(test_not_paired) {
        w.host.key = NULL;
        ubuntu->key = NULL;
        agent_connect(ubuntu);
        ck_assert(!agent_ready(ubuntu));
        ck_assert_uint_eq(ubuntu->notice.code, WIRE_REFUSAL_NOT_PAIRED);
        ck_assert_ptr_nonnull(strstr(w.log, "'Ubuntu' (a0000000): refused"));
        w.log[0] = '\0';
        agent_connect(ubuntu);
        ck_assert_str_eq(w.log, ""); /* it tries forever, but it is logged once */
}
END_TEST

START_TEST(test_bytes_that_came_while_waiting_for_a_place_are_read) {
        WireNotice bye = {.code = WIRE_BYE_STOPPING};
        Buffer out = BUFFER_NULL;

        serve(ubuntu);
        ubuntu->hangs = true;
        agent_connect(twin);
        ck_assert_int_eq(wire_bye_encode(&bye, &out), 0);
        controller_receive(twin->connection, buffer_bytes(&out), buffer_length(&out),
                           w.host.now_usec);
        buffer_done(&out);
        world_wait(&w, WIRE_SLOT_PROBE_MS); /* it gets the place and gives it up */
        ck_assert_ptr_nonnull(strstr(w.log, "'Ubuntu' (a0000000): said goodbye"));
        world_wait(&w, CONTROLLER_GOODBYE_MS);
        world_expect_rules(&w, "");
}
END_TEST

START_TEST(test_only_one_end_has_a_key) {
        ubuntu->key = NULL;
        agent_connect(ubuntu);
        ck_assert_uint_eq(ubuntu->notice.code, WIRE_REFUSAL_NOT_PAIRED);
        ubuntu->key = world_key;
        w.host.key = NULL;
        agent_connect(ubuntu);
        ck_assert_uint_eq(ubuntu->notice.code, WIRE_REFUSAL_NOT_PAIRED);
}
END_TEST

START_TEST(test_wrong_key) {
        static const uint8_t wrong[WIRE_KEY_SIZE] = {9};

        ubuntu->key = wrong;
        agent_connect(ubuntu);
        ck_assert(!agent_ready(ubuntu));
        ck_assert_uint_eq(ubuntu->notice.code, WIRE_REFUSAL_BAD_PROOF);
}
END_TEST

START_TEST(test_policy_without_pairing) {
        world_kill(&w);
        w.options.policy.pairing_required = false;
        w.host.key = NULL;
        ubuntu->key = NULL;
        world_start(&w);
        serve(ubuntu);
}
END_TEST

START_TEST(test_grace_period_after_goodbye) {
        serve(ubuntu);
        agent_leave(ubuntu);
        world_wait(&w, 5000 - 1); /* as the pages say */
        world_expect_rules(&w, RULE);
        world_wait(&w, 1);
        world_expect_rules(&w, "");
        world_expect_ledger(&w, "");
        world_wait(&w, 2 * RULE_VIEW_AGAIN_USEC / 1000);
        ck_assert_uint_eq(controller_deadline(w.controller),
                          SESSION_NO_DEADLINE); /* there is nothing to wait for */
}
END_TEST

START_TEST(test_agent_restart_in_the_grace_period_cuts_nothing) {
        uint64_t changes;

        serve(ubuntu);
        changes = world_changes(&w);
        agent_leave(ubuntu);
        world_wait(&w, CONTROLLER_GOODBYE_MS - 1);
        agent_connect(ubuntu);
        world_wait(&w,
                   CONTROLLER_GOODBYE_MS - 1); /* it may take a while to read its configuration */
        agent_ask_again(ubuntu);
        agent_expect(ubuntu, "web active");
        world_wait(&w, 2 * CONTROLLER_GOODBYE_MS);
        ck_assert_uint_eq(world_changes(&w), changes);
        world_expect_rules(&w, RULE);
}
END_TEST

START_TEST(test_back_but_asks_for_nothing) {
        serve(ubuntu);
        agent_leave(ubuntu);
        agent_connect(ubuntu);
        world_wait(&w, CONTROLLER_GOODBYE_MS);
        world_expect_rules(&w, ""); /* a session alone is not a claim */
        ck_assert(agent_ready(ubuntu));
}
END_TEST

START_TEST(test_no_result_before_the_first_state) {
        serve(ubuntu);
        agent_leave(ubuntu);
        agent_connect(ubuntu);
        world_foreign(
                &w, "v4tov4 0.0.0.0/80",
                "10.9.9.9/80"); /* this would cause a RESULT, but there is no STATE to answer */
        ck_assert(agent_ready(ubuntu));
        ck_assert_uint_eq(ubuntu->n_results, 1);
        ck_assert_ptr_null(strstr(w.log, "cannot send the result")); /* nor was it tried */
        agent_ask_again(ubuntu);
        agent_expect(ubuntu, "web conflict foreign-rule");
}
END_TEST

START_TEST(test_connection_lost) {
        serve(ubuntu);
        world_wait(&w, 1000);
        agent_vanish(ubuntu);
        world_wait(&w, SILENCE - 1000 - 1); /* from the last frame that was received */
        world_expect_rules(&w, RULE);
        world_wait(&w, 1);
        world_expect_rules(&w, "");
}
END_TEST

START_TEST(test_silent_agent) {
        serve(ubuntu);
        ubuntu->hangs = true;
        world_wait(&w, SILENCE - 1);
        world_expect_rules(&w, RULE);
        world_wait(&w, 1);
        world_expect_rules(&w, "");
        ck_assert(ubuntu->closed);
        ck_assert_ptr_nonnull(strstr(w.log, "'Ubuntu' (a0000000): connection closed: "));
        ck_assert_ptr_null(strstr(w.log, "unknown peer"));
}
END_TEST

START_TEST(test_idle_agent_stays_connected) {
        serve(ubuntu);
        world_wait(&w, 24 * 3600 * 1000);
        ck_assert(agent_ready(ubuntu));
        ck_assert_uint_eq(ubuntu->n_results, 1);
        world_expect_rules(&w, RULE);
}
END_TEST

START_TEST(test_newcomer_is_refused_while_the_first_lives) {
        serve(ubuntu);
        ubuntu->hangs = true; /* so that the PING is not answered for a moment */
        agent_connect(twin);
        ck_assert(!agent_ready(twin));
        ck_assert(!twin->closed);
        world_wait(&w, WIRE_SLOT_PROBE_MS - 1);
        ubuntu->hangs = false;
        world_run(&w);
        ck_assert_uint_eq(twin->notice.code, WIRE_REFUSAL_BUSY);
        ck_assert(agent_ready(ubuntu));
        world_expect_rules(&w, RULE);
}
END_TEST

START_TEST(test_newcomer_replaces_a_dead_session) {
        serve(ubuntu);
        ubuntu->hangs = true;
        agent_connect(twin);
        world_wait(&w, WIRE_SLOT_PROBE_MS);
        ck_assert(agent_ready(twin));
        ck_assert(ubuntu->closed);
        agent_ask(twin, "172.20.0.2", "web=0.0.0.0:80");
        agent_expect(twin, "web active");
        agent_vanish(ubuntu); /* its transport ends at last; nothing else happens */
        world_wait(&w, SILENCE);
        world_expect_rules(&w, RULE);
        ubuntu->hangs = false;
}
END_TEST

START_TEST(test_first_goes_while_the_newcomer_waits) {
        serve(ubuntu);
        ubuntu->hangs = true;
        agent_connect(twin);
        agent_vanish(ubuntu);
        ck_assert(agent_ready(twin)); /* at once */
        world_expect_rules(&w, RULE);
}
END_TEST

START_TEST(test_newcomer_goes_while_it_waits) {
        serve(ubuntu);
        ubuntu->hangs = true;
        agent_connect(twin);
        agent_vanish(twin);
        ubuntu->hangs = false;
        world_wait(&w, WIRE_SLOT_PROBE_MS);
        ck_assert(agent_ready(ubuntu));
        world_expect_rules(&w, RULE);
}
END_TEST

START_TEST(test_cloned_distros_with_different_names) {
        debian->id = ubuntu->id; /* the machine id was cloned with the image */
        serve(ubuntu);
        agent_connect(debian);
        agent_ask(debian, "172.20.0.2", "ssh=0.0.0.0:2222>22");
        ck_assert(agent_ready(ubuntu));
        agent_expect(debian, "ssh active");
}
END_TEST

START_TEST(test_unproven_peer_sends_without_end) {
        static const uint8_t hello[WIRE_HEADER_SIZE] = {WIRE_HEADER_FORMAT, WIRE_HELLO};
        FakeAgent peer = {0};
        PeerConnection *c;
        uint8_t chunk[1024] = {0};

        memcpy(chunk, hello, sizeof(hello));
        chunk[6] = 0x04; /* a HELLO of 1024 bytes, the longest that a header may announce */
        ck_assert_int_eq(controller_connect(w.controller, &peer, &(Peer){0}, w.host.now_usec, &c),
                         0);
        for (int i = 0; i < 4 && !peer.closed; i++)
                controller_receive(c, chunk, sizeof(chunk), w.host.now_usec);
        ck_assert(peer.closed);
        controller_receive(c, chunk, sizeof(chunk),
                           w.host.now_usec); /* this may still be in flight */
        controller_disconnect(c, w.host.now_usec);
        buffer_done(&peer.inbox);
        ck_assert_ptr_nonnull(strstr(w.log, "unknown peer: connection closed: "));
}
END_TEST

/* … also while it waits for a place, when nothing is read. One frame is not too much. */
START_TEST(test_waiting_peer_sends_without_end) {
        static const uint8_t frame[WIRE_HEADER_SIZE + WIRE_SMALL_PAYLOAD_MAX];

        serve(ubuntu);
        ubuntu->hangs = true;
        agent_connect(twin);
        controller_receive(twin->connection, frame, sizeof(frame), w.host.now_usec);
        ck_assert(!twin->closed);
        controller_receive(twin->connection, frame, 1, w.host.now_usec);
        ck_assert(twin->closed);
        ck_assert_ptr_nonnull(strstr(w.log, "it sends too much before it is admitted"));
}
END_TEST

START_TEST(test_byte_by_byte) {
        WireState state;
        Buffer out = BUFFER_NULL;
        uint64_t sequence;

        agent_dial(ubuntu);
        for (size_t i = 0; i < buffer_length(&ubuntu->hello); i++)
                controller_receive(ubuntu->connection, buffer_bytes(&ubuntu->hello) + i, 1,
                                   w.host.now_usec);
        world_run(&w);
        ck_assert(agent_ready(ubuntu));
        world_parse(&state, "172.20.0.2", "web=0.0.0.0:80");
        for (int i = 0; i < 2; i++)
                ck_assert_int_eq(agent_session_push(ubuntu->session, &state, w.host.now_usec, &out,
                                                    &sequence),
                                 0);
        for (size_t i = 0; i < buffer_length(&out); i++)
                controller_receive(ubuntu->connection, buffer_bytes(&out) + i, 1, w.host.now_usec);
        world_run(&w);
        world_expect_rules(&w, RULE);
        ck_assert_uint_eq(ubuntu->n_results, 1); /* only the newer STATE is answered */
        ck_assert_uint_eq(ubuntu->result.sequence, 2);
        buffer_done(&out);
        wire_state_done(&state);
}
END_TEST

/* Wherever the bytes are cut: whole frames, a part of one, and what follows it. Those that nothing
 * has to be decided for do not keep the others waiting. */
START_TEST(test_in_two_pieces) {
        uint64_t sequence;
        WireState state;
        size_t n = 1;

        world_parse(&state, "172.20.0.2", "web=0.0.0.0:80");
        for (size_t at = 0; at <= n; at++) {
                Buffer out = BUFFER_NULL;

                agent_connect(ubuntu);
                for (uint64_t i = 0; i < 3; i++)
                        ck_assert_int_eq(wire_ping_encode(i, &out), 0);
                for (int i = 0; i < 2; i++)
                        ck_assert_int_eq(agent_session_push(ubuntu->session, &state,
                                                            w.host.now_usec, &out, &sequence),
                                         0);
                n = buffer_length(&out);
                controller_receive(ubuntu->connection, buffer_bytes(&out), at, w.host.now_usec);
                controller_receive(ubuntu->connection, buffer_bytes(&out) + at, n - at,
                                   w.host.now_usec);
                buffer_done(&out);
                world_run(&w);
                ck_assert_msg(agent_ready(ubuntu), "cut at %zu of %zu", at, n);
                ck_assert_uint_eq(ubuntu->result.sequence, 2);
        }
        world_expect_rules(&w, RULE);
        wire_state_done(&state);
}
END_TEST

/* Who is admitted may send more than a small frame, and not all at once. */
START_TEST(test_a_large_state_in_pieces) {
        char services[WORLD_TEXT_MAX] = "";
        Buffer out = BUFFER_NULL;
        uint64_t sequence;
        WireState state;

        for (size_t n = 0, i = 0; i < 100; i++)
                n += (size_t) snprintf(services + n, sizeof(services) - n, "s%zu=0.0.0.0:%zu ", i,
                                       1000 + i);
        agent_connect(ubuntu);
        world_parse(&state, "172.20.0.2", services);
        ck_assert_int_eq(
                agent_session_push(ubuntu->session, &state, w.host.now_usec, &out, &sequence), 0);
        ck_assert_uint_gt(buffer_length(&out), WIRE_HEADER_SIZE + WIRE_SMALL_PAYLOAD_MAX + 100);
        controller_receive(ubuntu->connection, buffer_bytes(&out), buffer_length(&out) - 1,
                           w.host.now_usec);
        controller_receive(ubuntu->connection, buffer_bytes(&out) + buffer_length(&out) - 1, 1,
                           w.host.now_usec);
        world_run(&w);
        ck_assert_uint_eq(w.host.rules.n, 100);
        buffer_done(&out);
        wire_state_done(&state);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("sessions");
        TCase *tc = tcase_create("sessions");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_not_paired);
        tcase_add_test(tc, test_bytes_that_came_while_waiting_for_a_place_are_read);
        tcase_add_test(tc, test_only_one_end_has_a_key);
        tcase_add_test(tc, test_wrong_key);
        tcase_add_test(tc, test_policy_without_pairing);
        tcase_add_test(tc, test_grace_period_after_goodbye);
        tcase_add_test(tc, test_agent_restart_in_the_grace_period_cuts_nothing);
        tcase_add_test(tc, test_back_but_asks_for_nothing);
        tcase_add_test(tc, test_no_result_before_the_first_state);
        tcase_add_test(tc, test_connection_lost);
        tcase_add_test(tc, test_silent_agent);
        tcase_add_test(tc, test_idle_agent_stays_connected);
        tcase_add_test(tc, test_newcomer_is_refused_while_the_first_lives);
        tcase_add_test(tc, test_newcomer_replaces_a_dead_session);
        tcase_add_test(tc, test_first_goes_while_the_newcomer_waits);
        tcase_add_test(tc, test_newcomer_goes_while_it_waits);
        tcase_add_test(tc, test_cloned_distros_with_different_names);
        tcase_add_test(tc, test_unproven_peer_sends_without_end);
        tcase_add_test(tc, test_waiting_peer_sends_without_end);
        tcase_add_test(tc, test_byte_by_byte);
        tcase_add_test(tc, test_in_two_pieces);
        tcase_add_test(tc, test_a_large_state_in_pieces);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
