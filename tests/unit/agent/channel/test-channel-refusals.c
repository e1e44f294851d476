/* SPDX-License-Identifier: MIT */

/*
 * Claim: a refusal is read even from a peer that has gone, and whether it lasts decides when the
 * channel tries again.
 */

#include "tests/unit/agent/channel/channel-peer.h"

#include "agent/channel/channel-private.h"

/* The peer refuses and is gone before we have sent anything. Our write fails, but the reason is
 * found. */
START_TEST(test_refusal_of_a_closed_peer) {
        WireNotice notice = {.code = WIRE_REFUSAL_BUSY, .text = "no slot"};

        connect_raw();
        ck_assert_int_eq(wire_refused_encode(&notice, &peer_out), 0);
        ck_assert_int_gt(send(peer, buffer_bytes(&peer_out), buffer_length(&peer_out), 0), 0);
        peer_close();
        UNTIL(n_downs == 1, NULL);
        ck_assert_int_eq(last_down.cause, CHANNEL_REFUSED);
        ck_assert_str_eq(last_down.text, "no slot");
}
END_TEST

/* A refusal that may soon be over is a failure like any other: a new address tries again at once.
 * One that lasts waits for somebody to do something. */
START_TEST(test_refusals_that_pass_and_that_last) {
        static const struct {
                uint16_t code;
                bool lasts;
        } cases[] = {
                {WIRE_REFUSAL_NOT_PAIRED, true}, {WIRE_REFUSAL_BAD_PROOF, true},
                {WIRE_REFUSAL_VERSION, true},    {WIRE_REFUSAL_POLICY, true},
                {WIRE_REFUSAL_BUSY, false},      {WIRE_REFUSAL_INTERNAL, false},
                {_WIRE_REFUSAL_END, false},      {999, false},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                WireNotice notice = {.code = cases[i].code, .text = "why"};
                unsigned before = channel ? n_downs : 0;

                if (i == 0) {
                        connect_raw();
                } else {
                        ck_assert_int_eq(channel_configure(channel, &channel->helper,
                                                           &channel->hello, test_key),
                                         0);
                        UNTIL(peer >= 0, NULL);
                }
                ck_assert_uint_eq(channel->backoff.n_tries, 0);
                ck_assert_int_eq(wire_refused_encode(&notice, &peer_out), 0);
                ck_assert_int_gt(send(peer, buffer_bytes(&peer_out), buffer_length(&peer_out), 0),
                                 0);
                UNTIL(n_downs == before + 1, NULL);
                peer_close();
                ck_assert_int_eq(last_down.cause, CHANNEL_REFUSED);
                ck_assert_uint_eq(channel->backoff.n_tries, cases[i].lasts ? 0 : 1);
                ck_assert_int_eq(channel_hurry(channel), 0);
                ck_assert_int_ge(sd_event_run(event, 50 * USEC_PER_MSEC), 0);
                ck_assert_int_eq(channel_state(channel) == CHANNEL_WAITING, cases[i].lasts);
        }
}
END_TEST

int main(void) {
        TCase *t = tcase_create("channel-refusals");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_set_timeout(t, 60);
        tcase_add_test(t, test_refusal_of_a_closed_peer);
        tcase_add_test(t, test_refusals_that_pass_and_that_last);
        return test_run(t, "channel-refusals");
}
