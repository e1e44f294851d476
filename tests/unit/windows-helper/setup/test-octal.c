/* SPDX-License-Identifier: MIT */

/* Bytes on their way to a script of the guest and back. */

#include "tests/suite.h"
#include "windows-helper/core/setup/answer.h"

#include <errno.h>
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
        ck_assert_int_eq(setup_answer_octal("wslbridge-setup: octal= 400\n", "octal", &out),
                         -EINVAL);
        ck_assert_int_eq(setup_answer_octal("wslbridge-setup: octal= 10x\n", "octal", &out),
                         -EINVAL);
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
