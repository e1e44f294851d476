/* SPDX-License-Identifier: MIT */

/* Who counts as one client, and the table that counts. */

#include "tests/suite.h"
#include "windows-helper/core/relay/client-table.h"

static const HashSecret secret = {{1, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47}};

static IpAddr address(const char *text) {
        IpAddr addr;

        ck_assert_int_eq(ip_parse(text, &addr), 0);
        return addr;
}

static Client *take(ClientTable *t, const char *text) {
        IpAddr addr = address(text);
        Client *c = client_table_take(t, &addr);

        ck_assert_ptr_nonnull(c);
        return c;
}

START_TEST(test_who_is_one) {
        ClientTable t = CLIENT_TABLE_NULL(&secret);
        IpAddr unknown = address("192.0.2.9");
        Client *a = take(&t, "192.0.2.1"), *b = take(&t, "192.0.2.2");
        Client *c = take(&t, "2001:db8::1"), *d = take(&t, "2001:db8:0:1::1");
        /* Its first four bytes are those of a. */
        Client *e = take(&t, "c000:201::");

        ck_assert_uint_eq(t.n_clients, 5);
        ck_assert_uint_eq(client_table_count(&t, &unknown), 0);
        ck_assert_ptr_eq(take(&t, "192.0.2.1"), a);
        ck_assert_ptr_eq(take(&t, "2001:db8::ffff:1"), c); /* the same 64 bits */
        ck_assert_uint_eq(a->n, 2);
        ck_assert_uint_eq(c->n, 2);
        ck_assert_uint_eq(d->n, 1);
        client_table_give(&t, a);
        client_table_give(&t, a);
        ck_assert_uint_eq(t.n_clients, 4);
        client_table_give(&t, b);
        client_table_give(&t, c);
        client_table_give(&t, c);
        client_table_give(&t, d);
        client_table_give(&t, e);
        ck_assert_uint_eq(t.n_clients, 0);
        client_table_done(&t);
}
END_TEST

START_TEST(test_many) {
        ClientTable t = CLIENT_TABLE_NULL(&secret);
        enum { N = 5000 };
        static Client *clients[N];

        for (unsigned i = 0; i < N; i++) {
                IpAddr addr = ip_v4(10, 0, (uint8_t) (i / 256), (uint8_t) i);

                clients[i] = client_table_take(&t, &addr);
                ck_assert_ptr_nonnull(clients[i]);
        }
        for (unsigned i = 0; i < N; i++) {
                IpAddr addr = ip_v4(10, 0, (uint8_t) (i / 256), (uint8_t) i);

                ck_assert_ptr_eq(client_table_find(&t, &addr), clients[i]);
                ck_assert_uint_eq(client_table_count(&t, &addr), 1);
        }
        for (unsigned i = 0; i < N; i++)
                client_table_give(&t, clients[i]);
        ck_assert_uint_eq(t.n_clients, 0);
        client_table_done(&t);
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
        Suite *suite = suite_create("client-table");
        TCase *tc = tcase_create("clients");

        tcase_add_test(tc, test_who_is_one);
        tcase_add_test(tc, test_many);
        tcase_add_test(tc, test_secret_matters);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
