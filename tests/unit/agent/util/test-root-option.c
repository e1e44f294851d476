/* SPDX-License-Identifier: MIT */

/* Claim: --root= takes absolute paths only, and gives a prefix that ends without a slash. */

#include "agent/util/root-option.h"

#include "tests/unit/agent/testing.h"

START_TEST(test_prefix_has_no_trailing_slash) {
        static const struct {
                const char *text, *prefix;
        } cases[] = {
                {"/", ""}, {"//", ""}, {"/mnt", "/mnt"}, {"/mnt/", "/mnt"}, {"/mnt/a//", "/mnt/a"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                char text[32];

                strcpy(text, cases[i].text);
                ck_assert_str_eq(root_option_parse(text), cases[i].prefix);
        }
}
END_TEST

START_TEST(test_relative_path_is_refused) {
        char relative[] = "mnt", empty[] = "";

        ck_assert_ptr_null(root_option_parse(relative));
        ck_assert_ptr_null(root_option_parse(empty));
}
END_TEST

int main(void) {
        TCase *t = tcase_create("root-option");

        tcase_add_test(t, test_prefix_has_no_trailing_slash);
        tcase_add_test(t, test_relative_path_is_refused);
        return test_run(t, "root-option");
}
