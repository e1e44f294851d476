/* SPDX-License-Identifier: MIT */

/* What is shown before a file of settings is written. */

#include "tests/suite.h"
#include "windows-helper/core/setup/line-diff.h"

#include <string.h>

START_TEST(test_table) {
        static const struct {
                const char *old, *new, *diff;
        } cases[] = {
                {"", "", ""},
                {"a\nb\n", "a\nb\n", ""},
                {"a\r\nb", "a\nb\n", ""}, /* line ends are not compared */
                {"", "a\nb\n", "@@ line 1 @@\n+a\n+b\n"},
                {"a\nb\n", "", "@@ line 1 @@\n-a\n-b\n"},
                {"a\nb\nc\n", "a\nB\nc\n", "@@ line 1 @@\n a\n-b\n+B\n c\n"},
                {"1\n2\n3\n4\n5\n", "1\n2\n3\n4\nx\n5\n", "@@ line 3 @@\n 3\n 4\n+x\n 5\n"},
                {"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "x\n2\n3\n4\n5\n6\n7\n8\ny\n",
                 "@@ line 1 @@\n-1\n+x\n 2\n 3\n@@ line 7 @@\n 7\n 8\n-9\n+y\n"},
                {"1\n2\n3\n4\n5\n6\n", "x\n2\n3\n4\n5\ny\n",
                 "@@ line 1 @@\n-1\n+x\n 2\n 3\n 4\n 5\n-6\n+y\n"},
                {"1\n2\n3\n", "1\n3\n", "@@ line 1 @@\n 1\n-2\n 3\n"},
                {"\n\n", "\n\n\na\n", "@@ line 1 @@\n \n \n+\n+a\n"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                Buffer out = BUFFER_NULL;

                line_diff((const uint8_t *) cases[i].old, strlen(cases[i].old),
                          (const uint8_t *) cases[i].new, strlen(cases[i].new), &out);
                ck_assert_msg(strcmp(buffer_text(&out), cases[i].diff) == 0, "%zu:\n%s", i,
                              buffer_text(&out));
                buffer_done(&out);
        }
}
END_TEST

START_TEST(test_no_old_file) {
        Buffer out = BUFFER_NULL;

        line_diff(NULL, 0, (const uint8_t *) "a\n", 2, &out);
        ck_assert_str_eq(buffer_text(&out), "@@ line 1 @@\n+a\n");
        buffer_done(&out);
}
END_TEST

int main(void) {
        Suite *s = suite_create("line-diff");
        TCase *t = tcase_create("line-diff");

        tcase_add_test(t, test_table);
        tcase_add_test(t, test_no_old_file);
        suite_add_tcase(s, t);
        return suite_run(s);
}
