/* SPDX-License-Identifier: MIT */

/* Which sessions there are, whose place a newcomer takes, and when a session ends. */

#include "tests/suite.h"
#include "windows-helper/core/relay/udp-sessions.h"

#include <string.h>

#define SECOND  UINT64_C(1000000)
#define MADE_UP 200000

static const HashSecret secret = {{1, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47}};

static RelayLimits limits;
static UdpSessions table;
static UdpSession sessions[20000];
static IpAddr guest; /* with which sessions begin */

static void setup(void) {
        guest = ip_v4(172, 29, 0, 2);
        relay_limits_init(&limits);
        memset(sessions, 0, sizeof(sessions));
        udp_sessions_init(&table, &limits, &secret);
}

static void teardown(void) {
        for (size_t i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++)
                if (sessions[i].peers.client)
                        udp_sessions_remove(&table, &sessions[i]);
        ck_assert_uint_eq(table.n_sessions, 0);
        ck_assert_uint_eq(table.peers.clients.n_peers, 0);
        ck_assert_uint_eq(table.peers.networks.n_peers, 0);
        ck_assert_uint_eq(table.peers.guests.n_peers, 0);
        ck_assert_uint_eq(udp_sessions_deadline(&table), UINT64_MAX);
        udp_sessions_done(&table);
}

static UdpKey key_of(unsigned client, uint16_t port) {
        return (UdpKey){
                .endpoint = 1,
                .asked = ip_v4(192, 168, 1, 5),
                .client = {ip_v4(10, (uint8_t) (client >> 16), (uint8_t) (client >> 8),
                                 (uint8_t) client),
                           port},
        };
}

static UdpSession *begin_key(unsigned i, const UdpKey *key, uint64_t now_usec) {
        sessions[i].key = *key;
        ck_assert_int_eq(udp_sessions_add(&table, &sessions[i], &guest, now_usec), 0);
        return &sessions[i];
}

/* Session @i begins, from @client at @port. */
static UdpSession *begin(unsigned i, unsigned client, uint16_t port, uint64_t now_usec) {
        UdpKey key = key_of(client, port);

        return begin_key(i, &key, now_usec);
}

static UdpSession *victim_of_address(const IpAddr *client, UdpVerdict verdict) {
        UdpSession *victim = NULL;

        ck_assert_int_eq(udp_sessions_judge(&table, client, &guest, &victim), verdict);
        return victim;
}

static UdpSession *victim_of(unsigned client, UdpVerdict verdict) {
        UdpKey key = key_of(client, 9);

        return victim_of_address(&key.client.addr, verdict);
}

/* The same for the IPv6 address @text. */
static UdpSession *begin_v6(unsigned i, const char *text, uint64_t now_usec) {
        UdpKey key = {.endpoint = 1, .client.port = (uint16_t) (i + 1)};

        ck_assert_int_eq(ip_parse("2001:db8:5::1", &key.asked), 0);
        ck_assert_int_eq(ip_parse(text, &key.client.addr), 0);
        return begin_key(i, &key, now_usec);
}

static UdpSession *victim_of_v6(const char *text, UdpVerdict verdict) {
        IpAddr client;

        ck_assert_int_eq(ip_parse(text, &client), 0);
        return victim_of_address(&client, verdict);
}

/* Each part of the key tells sessions apart. */
START_TEST(test_keys) {
        UdpKey key = key_of(1, 1000), other;
        UdpSession *s = begin(0, 1, 1000, 0);

        ck_assert_ptr_eq(udp_sessions_find(&table, &key), s);
        other = key, other.endpoint++;
        ck_assert_ptr_null(udp_sessions_find(&table, &other));
        other = key, other.scope++;
        ck_assert_ptr_null(udp_sessions_find(&table, &other));
        other = key, other.client.port++;
        ck_assert_ptr_null(udp_sessions_find(&table, &other));
        other = key, other.client.addr.bytes[3]++;
        ck_assert_ptr_null(udp_sessions_find(&table, &other));
        /* The same client that asks two of the host's addresses gets each answer from its own. */
        other = key, other.asked.bytes[3]++;
        ck_assert_ptr_null(udp_sessions_find(&table, &other));
        udp_sessions_remove(&table, s);
        ck_assert_ptr_null(udp_sessions_find(&table, &key));
}
END_TEST

START_TEST(test_times) {
        UdpSession *one_way = begin(0, 1, 1, 0), *both = begin(1, 1, 2, 0);

        udp_sessions_answered(&table, both, 1 * SECOND);
        ck_assert_uint_eq(udp_sessions_deadline(&table), 30 * SECOND);
        ck_assert_ptr_null(udp_sessions_expired(&table, 30 * SECOND - 1));
        udp_sessions_heard(&table, one_way, 10 * SECOND); /* it begins anew */
        ck_assert_ptr_null(udp_sessions_expired(&table, 40 * SECOND - 1));
        ck_assert_ptr_eq(udp_sessions_expired(&table, 40 * SECOND), one_way);
        udp_sessions_remove(&table, one_way);
        ck_assert_uint_eq(udp_sessions_deadline(&table), 181 * SECOND);
        udp_sessions_heard(&table, both, 100 * SECOND);
        udp_sessions_answered(&table, both, 200 * SECOND);
        ck_assert_ptr_null(udp_sessions_expired(&table, 380 * SECOND - 1));
        ck_assert_ptr_eq(udp_sessions_expired(&table, 380 * SECOND), both);
        limits.answered_ms = 1000; /* limits may change at any time */
        ck_assert_ptr_eq(udp_sessions_expired(&table, 201 * SECOND), both);
}
END_TEST

/* Nothing is left of a client that was answered and is quiet for ten minutes. Its port begins anew,
 * and finds room though there is room for one session only. */
START_TEST(test_the_same_port_after_ten_minutes) {
        UdpSession *s = begin(0, 1, 5060, 0);
        UdpKey key = s->key;

        limits.sessions = limits.client_sessions = 1;
        udp_sessions_answered(&table, s, 1 * SECOND);
        (void) victim_of(1, UDP_REPLACES);
        ck_assert_ptr_eq(udp_sessions_expired(&table, 601 * SECOND), s);
        udp_sessions_remove(&table, s);
        ck_assert_ptr_null(udp_sessions_find(&table, &key));
        ck_assert_uint_eq(table.peers.clients.n_peers, 0);
        ck_assert_uint_eq(table.peers.guests.n_peers, 0);
        ck_assert_uint_eq(udp_sessions_deadline(&table), UINT64_MAX);

        (void) victim_of(1, UDP_WELCOME);
        s = begin(1, 1, 5060, 601 * SECOND);
        ck_assert_ptr_eq(udp_sessions_find(&table, &key), s);
        ck_assert_uint_eq(udp_sessions_deadline(&table), 631 * SECOND); /* nobody has answered */
        udp_sessions_answered(&table, s, 602 * SECOND);
        ck_assert_uint_eq(udp_sessions_deadline(&table), 782 * SECOND);
}
END_TEST

/* A client that has its share replaces what it has itself, first what nobody has answered. */
START_TEST(test_share_of_a_client) {
        limits.client_sessions = 3;
        begin(0, 1, 1, 10);
        begin(1, 1, 2, 20);
        begin(2, 1, 3, 30);
        begin(3, 2, 1, 5);
        udp_sessions_answered(&table, &sessions[0], 40);
        ck_assert_ptr_eq(victim_of(1, UDP_REPLACES), &sessions[1]);
        (void) victim_of(2, UDP_WELCOME);
        (void) victim_of(3, UDP_WELCOME);
        udp_sessions_answered(&table, &sessions[1], 50);
        udp_sessions_answered(&table, &sessions[2], 60);
        ck_assert_ptr_eq(victim_of(1, UDP_REPLACES), &sessions[0]);
}
END_TEST

/* When the table is full, the oldest session without an answer goes, never one with an answer. */
START_TEST(test_full) {
        limits.sessions = 3;
        begin(0, 1, 1, 10);
        begin(1, 2, 1, 20);
        begin(2, 3, 1, 30);
        udp_sessions_answered(&table, &sessions[0], 35);
        ck_assert_ptr_eq(victim_of(9, UDP_REPLACES), &sessions[1]);
        udp_sessions_heard(&table, &sessions[1], 40); /* its client goes on */
        ck_assert_ptr_eq(victim_of(9, UDP_REPLACES), &sessions[2]);
        udp_sessions_answered(&table, &sessions[1], 50);
        udp_sessions_answered(&table, &sessions[2], 60);
        (void) victim_of(9, UDP_REFUSED);
        (void) victim_of(1, UDP_REFUSED); /* it has not its share, so it is a newcomer, too */
}
END_TEST

/* A guest that has its share costs another one nothing: neither room, nor a session. */
START_TEST(test_share_of_a_guest) {
        IpAddr other = ip_v4(172, 29, 0, 3), greedy = guest;

        limits.guest_sessions = 3;
        guest = other;
        begin(0, 1, 1, 5);
        guest = greedy;
        begin(1, 1, 2, 10);
        begin(2, 2, 1, 20);
        begin(3, 3, 1, 30);
        ck_assert_ptr_eq(victim_of(9, UDP_REPLACES), &sessions[1]);
        for (unsigned i = 1; i <= 3; i++)
                udp_sessions_answered(&table, &sessions[i], 40 + i);
        (void) victim_of(9, UDP_REFUSED);
        guest = other;
        (void) victim_of(9, UDP_WELCOME);
}
END_TEST

/* The oldest session of a client is with the other guest. Taking its place would give the greedy
 * one more than its share. */
START_TEST(test_both_shares) {
        IpAddr other = ip_v4(172, 29, 0, 3), greedy = guest;

        limits.guest_sessions = limits.client_sessions = 2;
        begin(0, 1, 1, 10);
        begin(1, 2, 1, 20);
        udp_sessions_answered(&table, &sessions[0], 30);
        udp_sessions_answered(&table, &sessions[1], 31);
        guest = other;
        begin(2, 3, 1, 40);
        begin(3, 3, 2, 50);
        guest = greedy;
        (void) victim_of(3, UDP_REFUSED);
        guest = other;
        ck_assert_ptr_eq(victim_of(3, UDP_REPLACES), &sessions[2]);
}
END_TEST

/* Machines of one IPv6 network are strangers to each other: a session that was answered is never
 * ended for a neighbour. */
START_TEST(test_neighbours) {
        limits.client_sessions = 2;
        limits.guest_sessions = 9; /* so a network may have seven */
        begin_v6(0, "fd50::2", 10);
        for (unsigned i = 1; i <= 2; i++)
                begin_v6(i, "fd50::3", 20 + i);
        for (unsigned i = 0; i <= 2; i++)
                udp_sessions_answered(&table, &sessions[i], 30 + i);
        ck_assert_ptr_eq(victim_of_v6("fd50::3", UDP_REPLACES), &sessions[1]);
        (void) victim_of_v6("fd50::2", UDP_WELCOME);
        (void) victim_of_v6("fd50::4", UDP_WELCOME);
}
END_TEST

/* Somebody has as many addresses of one IPv6 network as he likes. With them he takes room from his
 * own network alone, and there he ends what has no answer yet. */
START_TEST(test_share_of_a_network) {
        static const char *const here[] = {"fd50::2",      "fd50::3",   "fd50::4:4", "fd50::5:5",
                                           "fd50::ffff:6", "fd50::7:0", "fd50::8"};

        limits.guest_sessions = 9;
        begin_v6(0, "fd51::2", 5); /* older, without an answer, and of another network */
        for (unsigned i = 0; i < 7; i++)
                begin_v6(1 + i, here[i], 10 + i);
        ck_assert_ptr_eq(victim_of_v6("fd50::9", UDP_REPLACES), &sessions[1]);
        ck_assert_ptr_eq(victim_of_v6("fd50::2", UDP_REPLACES), &sessions[1]);
        udp_sessions_answered(&table, &sessions[1], 40);
        ck_assert_ptr_eq(victim_of_v6("fd50::9", UDP_REPLACES), &sessions[2]);
        for (unsigned i = 2; i <= 7; i++)
                udp_sessions_answered(&table, &sessions[i], 40 + i);
        (void) victim_of_v6("fd50::9", UDP_REFUSED);
        (void) victim_of_v6("fd51::3", UDP_WELCOME);
        (void) victim_of(1, UDP_WELCOME);
        udp_sessions_remove(&table, &sessions[3]);
        (void) victim_of_v6("fd50::9", UDP_WELCOME);
}
END_TEST

/* The guest has its share as well, and the network's session is with another one. */
START_TEST(test_shares_of_a_network_and_a_guest) {
        IpAddr other = ip_v4(172, 29, 0, 3), greedy = guest;

        limits.guest_sessions = 4; /* so a network may have three */
        for (unsigned i = 0; i < 4; i++)
                begin(i, i, 1, 10 + i);
        guest = other;
        for (unsigned i = 4; i < 7; i++)
                begin_v6(i, "fd50::2", 10 + i);
        guest = greedy;
        (void) victim_of_v6("fd50::9", UDP_REFUSED);
        guest = other;
        ck_assert_ptr_eq(victim_of_v6("fd50::9", UDP_REPLACES), &sessions[4]);
}
END_TEST

/* All of IPv4 is no network: each address stands for itself. */
START_TEST(test_no_network_of_ipv4) {
        limits.guest_sessions = 4;
        for (unsigned i = 0; i < 3; i++)
                begin(i, i, 1, 10 + i);
        (void) victim_of(9, UDP_WELCOME);
        ck_assert_uint_eq(table.peers.networks.n_peers, 1); /* costs no memory for each, either */
}
END_TEST

/* A session that goes on with another guest counts for that one. */
START_TEST(test_a_guest_moves) {
        IpAddr other = ip_v4(172, 29, 0, 3);

        limits.guest_sessions = 2;
        begin(0, 1, 1, 10);
        begin(1, 2, 1, 20);
        udp_sessions_answered(&table, &sessions[1], 25);
        ck_assert_ptr_eq(victim_of(9, UDP_REPLACES), &sessions[0]);
        for (unsigned i = 0; i < 2; i++)
                ck_assert_int_eq(udp_sessions_move(&table, &sessions[i], &other), 0);
        ck_assert_uint_eq(table.peers.guests.n_peers, 1);
        (void) victim_of(9, UDP_WELCOME);
        guest = other;
        ck_assert_ptr_eq(victim_of(9, UDP_REPLACES), &sessions[0]);
        udp_sessions_answered(&table, &sessions[0], 30);
        (void) victim_of(9, UDP_REFUSED);
}
END_TEST

/* Very many made-up senders: the table does not grow, and who was answered stays. */
START_TEST(test_made_up_senders) {
        uint64_t now_usec = 1;
        UdpSession *victim;

        limits.sessions = 1000;
        for (unsigned i = 0; i < 10; i++)
                udp_sessions_answered(&table, begin(i, i, 7, now_usec), now_usec);
        for (unsigned i = 0; i < MADE_UP; i++) {
                unsigned place = 10 + i % 990;

                now_usec++;
                if (sessions[place].peers.client) {
                        victim = victim_of(1000 + i, UDP_REPLACES);
                        ck_assert_ptr_eq(victim, &sessions[place]); /* the oldest one */
                        udp_sessions_remove(&table, victim);
                }
                begin(place, 1000 + i, 7, now_usec);
        }
        ck_assert_uint_eq(table.n_sessions, 1000);
        ck_assert_uint_le(table.n_places, 1024);
        ck_assert_uint_le(table.peers.clients.n_places, 1024);
        for (unsigned i = 0; i < 10; i++) {
                UdpKey key = key_of(i, 7);

                ck_assert_ptr_eq(udp_sessions_find(&table, &key), &sessions[i]);
        }
}
END_TEST

START_TEST(test_twenty_thousand) {
        limits.sessions = limits.guest_sessions = 20000;
        for (unsigned i = 0; i < 20000; i++) {
                (void) victim_of(i, UDP_WELCOME);
                begin(i, i, (uint16_t) (i + 1), i);
        }
        for (unsigned i = 0; i < 20000; i++) {
                UdpKey key = key_of(i, (uint16_t) (i + 1));

                ck_assert_ptr_eq(udp_sessions_find(&table, &key), &sessions[i]);
        }
        for (unsigned i = 0; i < 20000; i++) { /* they end in the order of their last use */
                ck_assert_ptr_eq(udp_sessions_expired(&table, 1000 * SECOND), &sessions[i]);
                udp_sessions_remove(&table, &sessions[i]);
        }
        ck_assert_ptr_null(udp_sessions_expired(&table, 1000 * SECOND));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("udp-sessions");
        TCase *tc = tcase_create("sessions");

        tcase_set_timeout(tc, 30); /* with the sanitizers, on a busy machine */
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, test_keys);
        tcase_add_test(tc, test_times);
        tcase_add_test(tc, test_the_same_port_after_ten_minutes);
        tcase_add_test(tc, test_share_of_a_client);
        tcase_add_test(tc, test_full);
        tcase_add_test(tc, test_share_of_a_guest);
        tcase_add_test(tc, test_both_shares);
        tcase_add_test(tc, test_neighbours);
        tcase_add_test(tc, test_share_of_a_network);
        tcase_add_test(tc, test_shares_of_a_network_and_a_guest);
        tcase_add_test(tc, test_no_network_of_ipv4);
        tcase_add_test(tc, test_a_guest_moves);
        tcase_add_test(tc, test_made_up_senders);
        tcase_add_test(tc, test_twenty_thousand);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
