/* SPDX-License-Identifier: MIT */

/* The hash against published values. */

#include "common/hash.h"
#include "tests/suite.h"

#include <string.h>

START_TEST(test_published_values) {
        static const struct {
                const char *text;
                uint64_t hash;
        } cases[] = {
                {"", UINT64_C(0xcbf29ce484222325)},
                {"a", UINT64_C(0xaf63dc4c8601ec8c)},
                {"foobar", UINT64_C(0x85944171f73967e8)},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                ck_assert(hash_bytes(HASH_START, cases[i].text, strlen(cases[i].text)) ==
                          cases[i].hash);
}
END_TEST

START_TEST(test_in_parts) {
        uint64_t hash = hash_bytes(HASH_START, "foo", 3);

        ck_assert(hash_bytes(hash, NULL, 0) == hash);
        ck_assert(hash_bytes(hash, "bar", 3) == hash_bytes(HASH_START, "foobar", 6));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("hash");
        TCase *cases = tcase_create("hash");

        tcase_add_test(cases, test_published_values);
        tcase_add_test(cases, test_in_parts);
        suite_add_tcase(suite, cases);
        return suite_run(suite);
}
