/* SPDX-License-Identifier: MIT */

/*
 * Claim: every end of a connection is reported once and followed by another try, and no event makes
 * the loop spin. The peer is on a unix socket in the same process: a real helper session where it
 * should behave, raw bytes where it should not.
 */

#include "tests/unit/agent/channel/channel-peer.h"

#include "agent/channel/channel-private.h"

static uint64_t push_one(uint32_t n_listens) {
        WireListen listens[WIRE_LISTENS_MAX];
        WireService service = {.name = "web", .n_listens = n_listens};
        WireState state = {
                .services = &service, .listens = listens, .n_services = 1, .n_listens = n_listens};
        uint64_t sequence = 0;
        int r;

        for (uint32_t i = 0; i < n_listens; i++) {
                listens[i] = (WireListen){.addr = ip_v4(0, 0, 0, 0),
                                          .port = (uint16_t) (8000 + 10 * i),
                                          .count = 10,
                                          .connect_port = (uint16_t) (8000 + 10 * i)};
        }
        r = channel_push(channel, &state, &sequence);
        if (r < 0) {
                errno = -r;
                return 0;
        }
        return sequence;
}

START_TEST(test_session) {
        WireServiceResult answer = {.state = WIRE_SERVICE_ACTIVE};
        WireResult result = {.services = &answer, .n_services = 1};

        ck_assert_uint_eq(push_one(1), 0);
        ck_assert_int_eq(errno, ENOTCONN);
        connect_well();
        ck_assert_uint_eq(n_ready, 1);
        ck_assert_uint_eq(n_downs, 0);
        ck_assert_str_eq(channel_challenge(channel)->software, "test helper");

        result.sequence = push_one(2);
        ck_assert_uint_eq(result.sequence, 1);
        UNTIL(n_states == 1, test_key);
        ck_assert_uint_eq(last_state.n_listens, 2);
        ck_assert_int_eq(helper_session_result(session, &result, &peer_out), 0);
        UNTIL(n_results == 1, test_key);

        /* More than the helper accepts is an error of this push, not of the session. */
        ck_assert_uint_eq(push_one(11), 0);
        ck_assert_int_eq(errno, E2BIG);
        ck_assert_uint_eq(push_one(1), 2);
        UNTIL(n_states == 2, test_key);
        ck_assert_int_eq(channel_state(channel), CHANNEL_READY);
}
END_TEST

START_TEST(test_absent_helper_then_there) {
        configure(test_key);
        UNTIL(n_downs == 2, NULL);
        ck_assert_int_eq(last_down.cause, CHANNEL_UNREACHABLE);
        ck_assert_int_eq(last_down.error, ENOENT);
        ck_assert(!last_down.was_ready);
        peer_listen();
        peer_session();
        UNTIL(n_ready == 1, test_key);
}
END_TEST

/* Between two tries the loop sleeps. The delays grow from 0.25 s, so 2 s have only a few. How few
 * depends on the machine; only that they are not more is judged. */
START_TEST(test_backoff_grows_and_hurry_resets_it) {
        uint64_t end = now_usec() + 2 * USEC_PER_SEC;
        unsigned n_in_time = 0;

        configure(test_key);
        while (now_usec() < end || n_downs < 3) {
                step(NULL);
                if (now_usec() < end)
                        n_in_time = n_downs;
        }
        ck_assert_uint_le(n_in_time, 5);
        n_downs = 0;
        ck_assert_int_eq(channel_hurry(channel), 0);
        step(NULL);
        ck_assert_uint_eq(n_downs, 1);
}
END_TEST

/* A session alone does not make the pauses short again. A helper that drops us whenever it has our
 * state would be tried four times a second. An answer does. */
START_TEST(test_only_an_answer_resets_the_backoff) {
        WireServiceResult answer = {.state = WIRE_SERVICE_ACTIVE};
        WireResult result = {.services = &answer, .n_services = 1};

        configure(test_key);
        UNTIL(n_downs == 2, NULL); /* nobody listens */
        peer_listen();
        peer_session();
        UNTIL(n_ready == 1, test_key);
        result.sequence = push_one(1);
        UNTIL(n_states == 1, test_key);
        ck_assert_uint_eq(channel->backoff.n_tries, 2);
        peer_close();
        UNTIL(n_downs == 3, NULL);
        ck_assert_uint_eq(channel->backoff.n_tries, 3);

        peer_session();
        UNTIL(n_ready == 2, test_key);
        result.sequence = push_one(1);
        UNTIL(n_states == 2, test_key);
        ck_assert_int_eq(helper_session_result(session, &result, &peer_out), 0);
        UNTIL(n_results == 1, test_key);
        ck_assert_uint_eq(channel->backoff.n_tries, 0);
}
END_TEST

START_TEST(test_goodbye_and_reconnect) {
        connect_well();
        ck_assert_int_eq(
                helper_session_bye(session, WIRE_BYE_STOPPING, "the helper stops", &peer_out), 0);
        UNTIL(n_downs == 1, test_key);
        ck_assert_int_eq(last_down.cause, CHANNEL_GOODBYE);
        ck_assert_str_eq(last_down.text, "the helper stops");
        ck_assert(last_down.was_ready);
        peer_close();
        peer_session();
        UNTIL(n_ready == 2, test_key);
}
END_TEST

START_TEST(test_wrong_key) {
        peer_listen();
        peer_session();
        configure(other_key);
        UNTIL(n_downs == 1, test_key);
        ck_assert_int_eq(last_down.cause, CHANNEL_REFUSED);
        ck_assert_int_eq(last_down.code, WIRE_REFUSAL_BAD_PROOF);
        peer_close();
        peer_session();

        /* A change of the address is not a reason to ask again, but a key is. */
        ck_assert_int_eq(channel_hurry(channel), 0);
        for (unsigned i = 0; i < 50; i++)
                step(test_key);
        ck_assert_int_eq(peer, -1);
        configure(test_key);
        UNTIL(n_ready == 1, test_key);
}
END_TEST

START_TEST(test_new_key_ends_the_session_politely) {
        connect_well();
        configure(test_key); /* nothing is new, so the session stays */
        ck_assert_int_eq(channel_state(channel), CHANNEL_READY);
        configure(other_key);
        ck_assert_int_ne(channel_state(channel), CHANNEL_READY);
        ck_assert_uint_eq(n_downs, 0); /* we ended it, so there is nothing to report */
        UNTIL(helper_session_state(session) == HELPER_SESSION_CLOSED, test_key);
        peer_close();
        peer_session();
        UNTIL(n_ready == 2, other_key);
}
END_TEST

START_TEST(test_new_name_is_a_new_identity) {
        connect_well();
        own_hello.has_vm_id = true; /* not a part of the identity */
        configure(test_key);
        ck_assert_int_eq(channel_state(channel), CHANNEL_READY);
        strcpy(own_hello.distro, "Ubuntu");
        configure(test_key);
        ck_assert_int_ne(channel_state(channel), CHANNEL_READY);
        UNTIL(helper_session_state(session) == HELPER_SESSION_CLOSED, test_key);
        peer_close();
        peer_session();
        UNTIL(n_ready == 2, test_key);
        ck_assert_str_eq(helper_session_hello(session)->distro, "Ubuntu");
}
END_TEST

/* A PING is answered before the owner hears of it. */
START_TEST(test_heard_after_the_answer) {
        char bytes[64];

        connect_well();
        ck_assert_uint_eq(n_heard, 0); /* the handshake is not reported */
        ck_assert_int_eq(wire_ping_encode(7, &peer_out), 0);
        ck_assert_int_gt(send(peer, buffer_bytes(&peer_out), buffer_length(&peer_out), 0), 0);
        while (n_heard == 0)
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
        ck_assert_int_eq(recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT), WIRE_HEADER_SIZE + 8);
        ck_assert_int_eq(bytes[1], WIRE_PONG);
        buffer_done(&peer_out);
}
END_TEST

/* The loop stood still for much longer than the silence that is allowed. */
START_TEST(test_late_timer_is_a_resume) {
        heartbeat_ms = 200;
        connect_well();
        (void) usleep(3 * 200 * USEC_PER_MSEC + CHANNEL_LATE_USEC + 200 * USEC_PER_MSEC);
        ck_assert_int_gt(sd_event_run(event, 0), 0); /* the timer */
        ck_assert_uint_eq(n_downs, 0);
        ck_assert_int_eq(channel_state(channel), CHANNEL_READY);
        while (n_downs == 0)
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
        ck_assert_int_eq(last_down.cause, CHANNEL_SILENT);
}
END_TEST

START_TEST(test_resume_gives_one_heartbeat) {
        uint64_t before;

        heartbeat_ms = 300;
        connect_well();
        (void) usleep(2 * 300 * USEC_PER_MSEC + 200 * USEC_PER_MSEC); /* 100 ms are left */
        before = now_usec();
        ck_assert_int_eq(channel_resume(channel), 0);
        while (n_downs == 0)
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
        ck_assert_uint_ge(now_usec() - before, 300 * USEC_PER_MSEC);
        ck_assert_int_eq(last_down.cause, CHANNEL_SILENT);
        ck_assert_int_eq(channel_resume(channel), 0); /* it is waiting, so it tries at once */
        UNTIL(channel_state(channel) != CHANNEL_WAITING, test_key);
}
END_TEST

START_TEST(test_raw_peers) {
        static const struct {
                const char *bytes;
                size_t n;
                ChannelCause cause;
                const char *text;
        } cases[] = {
                {"", 0, CHANNEL_LOST, "closed the connection"},
                {"\x01\x02\x00", 3, CHANNEL_LOST, "in the middle of a message"},
                {"\x01\x02\x00\x00\x00\x00\x00\x40xyz", 11, CHANNEL_LOST, "in the middle"},
                {"HTTP/1.1 400 Bad Request\r\n\r\n", 28, CHANNEL_VIOLATION, ""},
                {"\x01\x02\x00\x00\xff\xff\xff\xff", 8, CHANNEL_VIOLATION, ""},
                {"\x01\x08\x00\x00\x00\x00\x00\x08xxxxxxxx", 16, CHANNEL_VIOLATION, ""},
        };

        connect_raw();
        ck_assert_int_eq(send(peer, cases[_i].bytes, cases[_i].n, 0), (ssize_t) cases[_i].n);
        if (cases[_i].cause == CHANNEL_LOST) {
                char hello[256];

                /* Unread bytes would make the close a reset. */
                ck_assert_int_gt(recv(peer, hello, sizeof(hello), 0), 0);
                peer_close();
        }
        UNTIL(n_downs == 1, NULL);
        ck_assert_int_eq(last_down.cause, cases[_i].cause);
        ck_assert_ptr_nonnull(strstr(last_down.text, cases[_i].text));
        peer_close();
        UNTIL(peer >= 0, NULL); /* it tries again */
}
END_TEST

/* A peer keeps asking and never reads the answers. We stop reading instead of storing all answers,
 * and go on when it reads. */
START_TEST(test_back_pressure) {
        unsigned n_full = 0;
        size_t n_sent = 0;
        uint64_t end;

        connect_well();
        for (uint64_t i = 0; i < 1000; i++)
                ck_assert_int_eq(wire_ping_encode(i, &peer_out), 0);
        while (n_full < 1000) { /* turns of the loop, after which nothing could be sent */
                ssize_t n =
                        send(peer, buffer_bytes(&peer_out), buffer_length(&peer_out), MSG_NOSIGNAL);

                n_full = n > 0 ? 0 : n_full + 1;
                n_sent += n > 0 ? (size_t) n : 0;
                /* What fits into both sockets, one read and the pause. Without a limit it would go
                 * on. */
                ck_assert_uint_lt(n_sent, 8u * 1024 * 1024);
                ck_assert_int_ge(sd_event_run(event, USEC_PER_MSEC), 0);
        }
        ck_assert_uint_eq(push_one(1), 0);
        ck_assert_int_eq(errno, EAGAIN);
        ck_assert_uint_eq(n_drained, 0);

        /* Now the peer reads: everything is answered, and the push may come. */
        buffer_done(&peer_out);
        end = now_usec();
        while (n_drained == 0) {
                char bytes[65536];

                ck_assert_uint_lt(now_usec(), end + 20 * USEC_PER_SEC);
                (void) recv(peer, bytes, sizeof(bytes), 0);
                ck_assert_int_ge(sd_event_run(event, USEC_PER_MSEC), 0);
        }
        ck_assert_uint_eq(push_one(1), 1);
}
END_TEST

/* The end is noticed at once when the peer goes away while the socket is full. */
START_TEST(test_peer_goes_while_output_waits) {
        connect_well();
        for (uint64_t i = 0; i < 100000; i++)
                ck_assert_int_eq(wire_ping_encode(i, &peer_out), 0);
        for (unsigned i = 0; i < 200; i++) {
                ssize_t n =
                        send(peer, buffer_bytes(&peer_out), buffer_length(&peer_out), MSG_NOSIGNAL);

                buffer_consume(&peer_out, n > 0 ? (size_t) n : 0);
                ck_assert_int_ge(sd_event_run(event, 0), 0);
        }
        peer_close();
        close(listener);
        listener = -1;
        UNTIL(n_downs >= 1, NULL);
        ck_assert(last_down.was_ready || n_downs > 1);
}
END_TEST

/* When nothing happens, nothing is done: no callback, and no wake-up except the loop's own
 * time-out. */
START_TEST(test_idle) {
        unsigned n_turns = 0;
        uint64_t end, now;

        connect_well();
        end = now_usec() + 500 * USEC_PER_MSEC;
        while ((now = now_usec()) < end)
                n_turns += sd_event_run(event, end - now) > 0;
        ck_assert_uint_eq(n_turns, 0);
}
END_TEST

START_TEST(test_bye) {
        connect_well();
        channel_bye(channel, "the agent stops");
        ck_assert_int_eq(channel_state(channel), CHANNEL_IDLE);
        UNTIL(helper_session_state(session) == HELPER_SESSION_CLOSED, test_key);
        ck_assert_uint_eq(n_downs, 0);
        channel_bye(channel, "again"); /* nothing to do */
}
END_TEST

int main(void) {
        TCase *t = tcase_create("channel");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_set_timeout(t, 60);
        tcase_add_test(t, test_session);
        tcase_add_test(t, test_absent_helper_then_there);
        tcase_add_test(t, test_backoff_grows_and_hurry_resets_it);
        tcase_add_test(t, test_only_an_answer_resets_the_backoff);
        tcase_add_test(t, test_goodbye_and_reconnect);
        tcase_add_test(t, test_wrong_key);
        tcase_add_test(t, test_new_key_ends_the_session_politely);
        tcase_add_test(t, test_new_name_is_a_new_identity);
        tcase_add_test(t, test_heard_after_the_answer);
        tcase_add_test(t, test_late_timer_is_a_resume);
        tcase_add_test(t, test_resume_gives_one_heartbeat);
        tcase_add_loop_test(t, test_raw_peers, 0, 6);
        tcase_add_test(t, test_back_pressure);
        tcase_add_test(t, test_peer_goes_while_output_waits);
        tcase_add_test(t, test_idle);
        tcase_add_test(t, test_bye);
        return test_run(t, "channel");
}
