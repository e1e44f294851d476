/* SPDX-License-Identifier: MIT */

/* What wsl.exe and a program in a distro write: UTF-16 and UTF-8, line by line, as UTF-8. */

#include "tests/suite.h"
#include "windows-helper/core/vm/foreign-text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define N(a)    (sizeof(a) / sizeof((a)[0]))
#define TEXT(s) s, sizeof(s) - 1

static const struct {
        const char *bytes;
        size_t n;
        const char *text;
} cases[] = {
        {TEXT("a\n"), "a\n"},
        {TEXT("a\0\n\0"), "a\n"},
        {TEXT("a\0"), "a"},
        {TEXT("\xff\xfe"
              "a\0\r\0\n\0"),
         "a\n"}, /* with a byte order mark and a carriage return */
        {TEXT("\xef\xbb\xbf"
              "a\r\n"),
         "a\n"},
        {TEXT("\x01\0\n\0"), "\x01\n"},
        {TEXT("a\0\0\0b\0\n\0"), "ab\n"}, /* a NUL would end the text */
        /* the first and the last character of each length in UTF-8 */
        {TEXT("\x7f\0\n\0"), "\x7f\n"},
        {TEXT("\x80\0\n\0"), "\xc2\x80\n"},
        {TEXT("\xff\x07\n\0"), "\xdf\xbf\n"},
        {TEXT("\0\x08\n\0"), "\xe0\xa0\x80\n"},
        {TEXT("\xfd\xff\n\0"), "\xef\xbf\xbd\n"},
        {TEXT("\0\xd8\0\xdc\n\0"), "\xf0\x90\x80\x80\n"},
        {TEXT("\xff\xdb\xff\xdf\n\0"), "\xf4\x8f\xbf\xbf\n"},
        /* beside the surrogates, and lone ones */
        {TEXT("\xff\xd7\n\0"), "\xed\x9f\xbf\n"},
        {TEXT("\0\xe0\n\0"), "\xee\x80\x80\n"},
        {TEXT("\0\xd8\n\0"), "?\n"},
        {TEXT("\xff\xdf\n\0"), "?\n"},
        {TEXT("\0\xdc\0\xdc\n\0"), "??\n"},
        {TEXT("\0\xd8\0\xe0\n\0"), "?\xee\x80\x80\n"},
        {TEXT("\0\xd8\xff\xdb\n\0"), "??\n"},
        {TEXT("a\0\0\xd8\0\xdc"), "a\xf0\x90\x80\x80"},
        /* one after the other */
        {TEXT("a\nb\0\n\0"), "a\nb\n"},
        {TEXT("a\0\n\0b\n"), "a\nb\n"},
        {TEXT("a\0b"), "ab"},
        {TEXT("a\0\n\0\xc3\xa4\n"), "a\n\xc3\xa4\n"},
        {TEXT("\n\0a\0\n\0"), "\na\n"},
        {TEXT("\n\n\0"), "\n\n"},
        {TEXT("a\0\n\0\xc3\xa4\nb\0\n\0"), "a\n\xc3\xa4\nb\n"},
        /* characters whose bytes are letters (U+4E4E), a NUL (U+4E00) or a line feed (U+4E0A) */
        {TEXT("NN\n\0"), "\xe4\xb9\x8e\n"},
        {TEXT("a\0NNb\0"), "a\xe4\xb9\x8e"
                           "b"},
        {TEXT("\0N"), "\xe4\xb8\x80"},
        {TEXT("\xe4N\nN\n\0"), "\xe4\xbb\xa4\xe4\xb8\x8a\n"},
        /* half a character at the end, and before the beginning */
        {TEXT("a\0\xd8"), "a?"},
        {TEXT("a\0\0\xd8"
              "A"),
         "a??"},
        {TEXT("\xfc"
              "a\0\n\0"),
         "a\n"},
        {TEXT("\xfcNN\n\0"), "\xe4\xb9\x8e\n"},
        /* malformed UTF-8, and UTF-16 in a later line */
        {TEXT("\xfc\n"), "?\n"},
        {TEXT("\xfcx\na\0\n\0"), "?x\na\n"},
        {TEXT("x\xfc\na\0\n\0"), "x?\na\n"},
};

START_TEST(test_decode) {
        uint8_t *copy = malloc(cases[_i].n); /* so that the sanitizer sees a read beyond the end */
        Buffer out = BUFFER_NULL;

        ck_assert_ptr_nonnull(copy);
        memcpy(copy, cases[_i].bytes, cases[_i].n);
        foreign_text_decode(copy, cases[_i].n, &out);
        free(copy);
        ck_assert_msg(buffer_length(&out) == strlen(cases[_i].text) &&
                              memcmp(buffer_bytes(&out), cases[_i].text, buffer_length(&out)) == 0,
                      "case %d: '%.*s'", _i, (int) buffer_length(&out),
                      (const char *) buffer_bytes(&out));
        buffer_done(&out);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("foreign-text");
        TCase *tc = tcase_create("foreign-text");

        tcase_add_loop_test(tc, test_decode, 0, (int) N(cases));
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
