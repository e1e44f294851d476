/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The fixture of test-channel.c and test-channel-vsock.c: a channel and its peer in one process,
 * which take turns. The peer is a real helper session, or only a socket to which the test writes.
 */

#include "agent/channel/channel.h"

#include "protocol/session/session-helper.h"

#include "tests/unit/agent/testing.h"

#include <sodium.h>
#include <sys/socket.h>
#include <sys/un.h>

static const uint8_t test_key[WIRE_KEY_SIZE] = {1, 2, 3};
static const uint8_t other_key[WIRE_KEY_SIZE] = {4, 5, 6};

/* The channel's side. */
static sd_event *event;
static Channel *channel;
static ConfigHelper target;
static unsigned n_ready, n_drained, n_results, n_downs, n_heard;
static ChannelDown last_down;

/* The peer's side. */
static int listener = -1, peer = -1;
static HelperSession *session;
static Buffer peer_in, peer_out;
static uint32_t heartbeat_ms = 1000;
static uint64_t n_states;
static WireState last_state;

static int on_ready(void *userdata) {
        n_ready++;
        return 0;
}

static int on_drained(void *userdata) {
        n_drained++;
        return 0;
}

static int on_result(void *userdata, WireResult *result) {
        n_results++;
        return 0;
}

static int on_down(void *userdata, const ChannelDown *down) {
        n_downs++;
        last_down = *down;
        return 0;
}

static int on_heard(void *userdata) {
        ck_assert_int_eq(channel_state(channel), CHANNEL_READY);
        n_heard++;
        return 0;
}

static int mac(const uint8_t *key, const uint8_t *data, size_t n, uint8_t ret_mac[WIRE_MAC_SIZE]) {
        return crypto_auth_hmacsha256(ret_mac, data, n, key);
}

static void peer_listen(void) {
        struct sockaddr_un sa = {.sun_family = AF_UNIX};

        memcpy(sa.sun_path, target.path, strlen(target.path) + 1);
        listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        ck_assert_int_eq(bind(listener, (struct sockaddr *) &sa, sizeof(sa)), 0);
        ck_assert_int_eq(listen(listener, 8), 0);
}

static void peer_close(void) {
        session = helper_session_free(session);
        buffer_done(&peer_in);
        buffer_done(&peer_out);
        if (peer >= 0)
                close(peer);
        peer = -1;
}

static void setup(void) {
        const ChannelHandler handler = {
                .on_ready = on_ready,
                .on_drained = on_drained,
                .on_result = on_result,
                .on_down = on_down,
                .on_heard = on_heard,
        };

        test_setup();
        ck_assert_int_ge(sodium_init(), 0);
        target = (ConfigHelper){.kind = CONFIG_HELPER_UNIX};
        (void) snprintf(target.path, sizeof(target.path), "%s/socket", test_directory);
        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_eq(channel_new(&channel, event, &handler), 0);
}

static void teardown(void) {
        channel = channel_free(channel);
        event = sd_event_unref(event);
        peer_close();
        wire_state_done(&last_state);
        close(listener);
        test_teardown();
}

static WireHello own_hello = {.version_min = WIRE_VERSION_MIN,
                              .version_max = WIRE_VERSION_MAX,
                              .distro = "Debian",
                              .software = "test"};

static void configure(const uint8_t *key) {
        ck_assert_int_eq(channel_configure(channel, &target, &own_hello, key), 0);
}

/* One turn of the loop and, unless the peer is raw, of the helper's session. */
static void step(const uint8_t *peer_key) {
        ck_assert_int_ge(sd_event_run(event, 10 * USEC_PER_MSEC), 0);
        if (peer < 0 && listener >= 0)
                peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (session && peer >= 0) {
                SessionEvent e = SESSION_EVENT_NULL;
                size_t consumed = 0;
                uint8_t *room;
                ssize_t n;

                ck_assert_int_eq(buffer_reserve(&peer_in, 65536, &room), 0);
                n = recv(peer, room, 65536, 0);
                buffer_commit(&peer_in, n > 0 ? (size_t) n : 0);
                ck_assert_int_eq(helper_session_receive(session, buffer_bytes(&peer_in),
                                                        buffer_length(&peer_in), now_usec(),
                                                        &peer_out, &consumed, &e),
                                 0);
                buffer_consume(&peer_in, consumed);
                if (e.type == SESSION_EVENT_HELLO) {
                        uint8_t nonce[WIRE_NONCE_SIZE] = {9};

                        ck_assert_int_eq(helper_session_challenge(session, peer_key, nonce,
                                                                  now_usec(), &peer_out),
                                         0);
                } else if (e.type == SESSION_EVENT_PROVEN) {
                        ck_assert_int_eq(helper_session_admit(session, now_usec(), &peer_out), 0);
                } else if (e.type == SESSION_EVENT_STATE) {
                        n_states++;
                        wire_state_done(&last_state);
                        last_state = e.state;
                        e.state = WIRE_STATE_NULL;
                }
                session_event_done(&e);
                n = send(peer, buffer_bytes(&peer_out), buffer_length(&peer_out), MSG_NOSIGNAL);
                buffer_consume(&peer_out, n > 0 ? (size_t) n : 0);
        }
}

#define UNTIL(condition, peer_key)                                                     \
        do {                                                                           \
                uint64_t _end = now_usec() + 20 * USEC_PER_SEC;                        \
                while (!(condition)) {                                                 \
                        ck_assert_msg(now_usec() < _end, "still not: %s", #condition); \
                        step(peer_key);                                                \
                }                                                                      \
        } while (0)

static void peer_session(void) {
        const HelperSessionConfig config = {
                .mac = mac,
                .pairing_required = true,
                .endpoints_max = 100,
                .heartbeat_ms = heartbeat_ms,
                .handshake_ms = 5000,
                .software = "test helper",
        };

        session = helper_session_free(session);
        ck_assert_int_eq(helper_session_new(&session, &config, now_usec()), 0);
}

static inline void connect_well(void) {
        if (listener < 0)
                peer_listen();
        peer_session();
        configure(test_key);
        UNTIL(channel_state(channel) == CHANNEL_READY, test_key);
}

/* A connection to a peer that has only the socket. */
static inline void connect_raw(void) {
        peer_listen();
        configure(test_key);
        UNTIL(peer >= 0, NULL);
}
