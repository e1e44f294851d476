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

static Peer *take(PeerTable *t, const char *text) {
        IpAddr addr = address(text);
        Peer *c = peer_table_take(t, &addr);

        ck_assert_ptr_nonnull(c);
        return c;
}

START_TEST(test_who_is_one) {
        PeerTable t = PEER_TABLE_CLIENTS(&secret);
        IpAddr unknown = address("192.0.2.9");
        Peer *a = take(&t, "192.0.2.1"), *b = take(&t, "192.0.2.2");
        Peer *c = take(&t, "2001:db8::1"), *d = take(&t, "2001:db8:0:1::1");
        /* Its first four bytes are those of a. */
        Peer *e = take(&t, "c000:201::");

        ck_assert_uint_eq(t.n_peers, 5);
        ck_assert_uint_eq(peer_table_count(&t, &unknown), 0);
        ck_assert_ptr_eq(take(&t, "192.0.2.1"), a);
        ck_assert_ptr_eq(take(&t, "2001:db8::ffff:1"), c); /* the same 64 bits */
        ck_assert_uint_eq(a->n, 2);
        ck_assert_uint_eq(c->n, 2);
        ck_assert_uint_eq(d->n, 1);
        peer_table_give(&t, a);
        peer_table_give(&t, a);
        ck_assert_uint_eq(t.n_peers, 4);
        peer_table_give(&t, b);
        peer_table_give(&t, c);
        peer_table_give(&t, c);
        peer_table_give(&t, d);
        peer_table_give(&t, e);
        ck_assert_uint_eq(t.n_peers, 0);
        peer_table_done(&t);
}
END_TEST

/* Two guests of one network are two. */
START_TEST(test_guests) {
        PeerTable t = PEER_TABLE_GUESTS(&secret);
        Peer *a = take(&t, "fd29::2"), *b = take(&t, "fd29::3");
        IpAddr addr = address("fd29::3");

        ck_assert_ptr_ne(a, b);
        ck_assert_uint_eq(peer_table_count(&t, &addr), 1);
        peer_table_give(&t, a);
        peer_table_give(&t, b);
        ck_assert_uint_eq(t.n_peers, 0);
        peer_table_done(&t);
}
END_TEST

START_TEST(test_many) {
        PeerTable t = PEER_TABLE_CLIENTS(&secret);
        enum { N = 5000 };
        static Peer *peers[N];

        for (unsigned i = 0; i < N; i++) {
                IpAddr addr = ip_v4(10, 0, (uint8_t) (i / 256), (uint8_t) i);

                peers[i] = peer_table_take(&t, &addr);
                ck_assert_ptr_nonnull(peers[i]);
        }
        for (unsigned i = 0; i < N; i++) {
                IpAddr addr = ip_v4(10, 0, (uint8_t) (i / 256), (uint8_t) i);

                ck_assert_ptr_eq(peer_table_find(&t, &addr), peers[i]);
                ck_assert_uint_eq(peer_table_count(&t, &addr), 1);
        }
        for (unsigned i = 0; i < N; i++)
                peer_table_give(&t, peers[i]);
        ck_assert_uint_eq(t.n_peers, 0);
        peer_table_done(&t);
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
        tcase_add_test(tc, test_guests);
        tcase_add_test(tc, test_many);
        tcase_add_test(tc, test_secret_matters);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
