/* SPDX-License-Identifier: MIT */

/*
 * Bytes to hexadecimal digits and back.
 */

#include "common/hex.h"
#include "tests/suite.h"

#include <string.h>

START_TEST(test_every_byte_there_and_back) {
        for (unsigned b = 0; b <= UINT8_MAX; b++) {
                const uint8_t bytes[] = {(uint8_t) b, 0xa5};
                char text[5], upper[5];
                uint8_t back[2];

                hex_format(bytes, sizeof(bytes), text);
                ck_assert_uint_eq(strlen(text), 4);
                ck_assert(hex_parse(text, back, sizeof(back)));
                ck_assert_mem_eq(back, bytes, sizeof(bytes));
                for (size_t i = 0; i < sizeof(text); i++)
                        upper[i] = text[i] >= 'a' ? (char) (text[i] - 'a' + 'A') : text[i];
                ck_assert(hex_parse(upper, back, sizeof(back)));
                ck_assert_mem_eq(back, bytes, sizeof(bytes));
        }
}
END_TEST

START_TEST(test_form) {
        char text[5];

        hex_format((const uint8_t[]){0x0f, 0xe0}, 2, text);
        ck_assert_str_eq(text, "0fe0");
        hex_format(NULL, 0, text);
        ck_assert_str_eq(text, "");
}
END_TEST

/* Each character but the 22 digits is refused in both places, and nothing behind the end is read.
 */
START_TEST(test_what_is_no_digit) {
        static const char digits[] = "0123456789abcdefABCDEF";

        for (int c = -128; c <= 127; c++) {
                bool good = c != 0 && strchr(digits, c);
                const char first[2] = {(char) c, '0'}, second[2] = {'0', (char) c};
                uint8_t byte;

                ck_assert_int_eq(hex_digit((char) c) >= 0, good);
                ck_assert_int_eq(hex_parse(first, &byte, 1), good);
                ck_assert_int_eq(hex_parse(second, &byte, 1), good);
        }
        ck_assert(!hex_parse("", (uint8_t[1]){0}, 1));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("hex");
        TCase *cases = tcase_create("hex");

        tcase_add_test(cases, test_every_byte_there_and_back);
        tcase_add_test(cases, test_form);
        tcase_add_test(cases, test_what_is_no_digit);
        suite_add_tcase(suite, cases);
        return suite_run(suite);
}
