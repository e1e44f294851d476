/* SPDX-License-Identifier: MIT */

/* Who counts as one peer, and the table that counts. */

#include "tests/suite.h"
#include "windows-helper/core/relay/peer-table.h"

static const HashSecret secret = {{1, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47}};

static IpAddr address(const char *text) {
        IpAddr addr;

        ck_assert_int_eq(ip_parse(text, &addr), 0);
        return addr;
}

START_TEST(test_who_is_one) {
        PeerTables t = peer_tables(&secret);
        IpAddr guest = address("fd29::2"), other = address("fd29::3");
        Peers all[5];
        static const struct {
                const char *client;
                int machine, network;
        } cases[] = {
                {"2001:db8::1", 1, 1},     {"2001:db8::ffff:1", 2, 1}, /* the same 64 bits */
                {"2001:db8:0:1::1", 3, 2}, {"2001:db8::1", 1, 1},      {"c000:201::", 4, 3},
        };

        for (int i = 0; i < 5; i++) {
                IpAddr client = address(cases[i].client);

                ck_assert(peers_take(&all[i], &t, &client, i == 0 ? &other : &guest));
                for (int j = 0; j < i; j++) {
                        ck_assert_int_eq(all[i].client == all[j].client,
                                         cases[i].machine == cases[j].machine);
                        ck_assert_int_eq(all[i].network == all[j].network,
                                         cases[i].network == cases[j].network);
                        ck_assert_int_eq(all[i].guest == all[j].guest, j > 0);
                }
        }
        ck_assert_uint_eq(t.clients.n_peers, 4);
        ck_assert_uint_eq(t.networks.n_peers, 3);
        ck_assert_uint_eq(t.guests.n_peers, 2);
        ck_assert_uint_eq(all[0].client->n, 2);
        ck_assert_uint_eq(all[0].network->n, 3);
        for (int i = 0; i < 5; i++)
                peers_give(&all[i], &t);
        ck_assert_ptr_null(all[0].client);
        ck_assert_uint_eq(t.clients.n_peers + t.networks.n_peers + t.guests.n_peers, 0);
        peer_tables_done(&t);
}
END_TEST

/* Four bytes of IPv4 are not those with which an IPv6 address begins, and all of IPv4 is one
 * network that is never full. */
START_TEST(test_ipv4) {
        PeerTables t = peer_tables(&secret);
        IpAddr guest = address("172.29.0.2"), unknown = address("192.0.2.9");
        IpAddr clients[] = {address("192.0.2.1"), address("c000:201::"), address("192.0.2.2")};
        Peers all[3];

        for (int i = 0; i < 3; i++)
                ck_assert(peers_take(&all[i], &t, &clients[i], &guest));
        ck_assert_uint_eq(t.clients.n_peers, 3);
        ck_assert_ptr_eq(all[0].network, all[2].network);
        ck_assert_ptr_ne(all[0].network, all[1].network);
        ck_assert_uint_eq(peer_table_count(&t.clients, &unknown), 0);
        ck_assert(!peer_network_is_full(&t, &clients[0], 1));
        ck_assert(peer_network_is_full(&t, &clients[1], 1));
        ck_assert(!peer_network_is_full(&t, &clients[1], 2));
        for (int i = 0; i < 3; i++)
                peers_give(&all[i], &t);
        peer_tables_done(&t);
}
END_TEST

START_TEST(test_many) {
        PeerTables tables = peer_tables(&secret);
        PeerTable *t = &tables.clients;
        enum { N = 5000 };
        static Peer *peers[N];

        for (unsigned i = 0; i < N; i++) {
                IpAddr addr = ip_v4(10, 0, (uint8_t) (i / 256), (uint8_t) i);

                peers[i] = peer_table_take(t, &addr);
                ck_assert_ptr_nonnull(peers[i]);
        }
        for (unsigned i = 0; i < N; i++) {
                IpAddr addr = ip_v4(10, 0, (uint8_t) (i / 256), (uint8_t) i);

                ck_assert_ptr_eq(peer_table_find(t, &addr), peers[i]);
                ck_assert_uint_eq(peer_table_count(t, &addr), 1);
        }
        for (unsigned i = 0; i < N; i++)
                peer_table_give(t, peers[i]);
        ck_assert_uint_eq(t->n_peers, 0);
        peer_tables_done(&tables);
}
END_TEST

/* Without the secret, nobody can choose keys that meet in one place. */
START_TEST(test_secret_matters) {
        HashSecret other = secret;
        uint32_t words[4] = {4, 1, 2, 3}, same[4] = {4, 1, 2, 3}, more[4] = {4, 1, 2, 4};

        other.words[3]++;
        ck_assert_uint_eq(keyed_hash(&secret, words, 4), keyed_hash(&secret, same, 4));
        ck_assert_uint_ne(keyed_hash(&secret, words, 4), keyed_hash(&other, words, 4));
        ck_assert_uint_ne(keyed_hash(&secret, words, 4), keyed_hash(&secret, more, 4));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("peer-table");
        TCase *tc = tcase_create("peers");

        tcase_add_test(tc, test_who_is_one);
        tcase_add_test(tc, test_ipv4);
        tcase_add_test(tc, test_many);
        tcase_add_test(tc, test_secret_matters);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
