/* SPDX-License-Identifier: MIT */

/* Which errors of accepting are forgiven, and that no others are. */

#include "tests/suite.h"
#include "windows-helper/core/base/client-left.h"

#include <check.h>

/* The numbers as Windows has them. */
START_TEST(test_only_these) {
        static const uint32_t left[] = {64, 1236, 10053, 10054};
        unsigned n = 0;

        for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++)
                ck_assert_msg(client_left(left[i]), "%u", left[i]);
        for (uint32_t error = 0; error < 20000; error++)
                n += client_left(error);
        ck_assert_uint_eq(n, sizeof(left) / sizeof(left[0]));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("client-left");
        TCase *tc = tcase_create("client-left");

        tcase_add_test(tc, test_only_these);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
