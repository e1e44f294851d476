/* SPDX-License-Identifier: MIT */

/* Bytes on their way to a script of the guest and back. */

#include "tests/suite.h"
#include "windows-helper/core/setup/answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

START_TEST(test_escapes) {
        Buffer out = BUFFER_NULL;
        uint8_t bytes[33];

        memset(bytes, 'A', sizeof(bytes));
        bytes[0] = 0xff;
        bytes[1] = '\n';
        setup_octal(bytes, 3, &out);
        ck_assert_str_eq(buffer_text(&out), "\\377\\012\\101\n");
        buffer_done(&out);
        setup_octal(bytes, sizeof(bytes), &out);
        ck_assert_str_eq(buffer_text(&out) + (size_t) 32 * 4, "\n\\101\n");
        buffer_done(&out);
        setup_octal(bytes, 0, &out);
        ck_assert_str_eq(buffer_text(&out), "");
}
END_TEST

START_TEST(test_answer) {
        static const char *const bad[] = {"400",
                                          "10x",
                                          "+7",
                                          "-0",
                                          "7 \t7",
                                          "8",
                                          "-1777777777777777777777" /* strtoul() makes it 1 */};
        Buffer out = BUFFER_NULL;

        ck_assert_int_eq(
                setup_answer_octal("wslbridge-setup: octal= 101 102 012\nnoise\n"
                                   "wslbridge-setup: other= 103\n"
                                   "wslbridge-setup: octal= 377\nwslbridge-setup: octal= 1",
                                   "octal", &out),
                0);
        ck_assert_str_eq(buffer_text(&out), "AB\n\xff");
        buffer_done(&out);
        ck_assert_int_eq(setup_answer_octal("", "octal", &out), 0);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                char text[80];

                (void) snprintf(text, sizeof(text), "wslbridge-setup: octal= %s\n", bad[i]);
                ck_assert_msg(setup_answer_octal(text, "octal", &out) == -EINVAL, "%s", bad[i]);
        }
        buffer_done(&out);
}
END_TEST

int main(void) {
        Suite *s = suite_create("octal");
        TCase *t = tcase_create("octal");

        tcase_add_test(t, test_escapes);
        tcase_add_test(t, test_answer);
        suite_add_tcase(s, t);
        return suite_run(s);
}
