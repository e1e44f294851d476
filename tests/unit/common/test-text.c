/* SPDX-License-Identifier: MIT */

/*
 * Claim: text for people fits its window, counted in the columns of a terminal; examples and, where
 * the caller wants it, words stay whole; and nothing in a cleaned text speaks to the terminal.
 */

#include "common/text-width.h"
#include "common/text-wrap.h"
#include "common/utf8.h"
#include "tests/suite.h"

#include <locale.h>
#include <string.h>
#include <wchar.h>

static void expect_text(Buffer *out, const char *text) {
        ck_assert(!out->oom);
        ck_assert_str_eq(buffer_text(out), text);
        buffer_done(out);
}

START_TEST(test_width_counts_columns) {
        ck_assert_uint_eq(text_width("abc"), 3);
        ck_assert_uint_eq(text_width("\xc3\xa4"), 1);         /* a with diaeresis */
        ck_assert_uint_eq(text_width("a\xcc\x88"), 1);        /* a, and a combining diaeresis */
        ck_assert_uint_eq(text_width("\xe6\x97\xa5"), 2);     /* a wide character */
        ck_assert_uint_eq(text_width("\xf0\x9f\x98\x80"), 2); /* an emoji */
        ck_assert_uint_eq(text_width("\xf0\xa0\x80\x80"), 2); /* an ideograph of plane 2 */
        ck_assert_uint_eq(text_width("a\xe6\x97"), 3);        /* a column for each odd byte */
        ck_assert_uint_eq(text_width_n("abc", 2), 2);
        ck_assert_uint_eq(text_fit("a\xe6\x97\xa5z", 2), 1); /* a character is never cut */
        ck_assert_uint_eq(text_fit("a\xe6\x97\xa5z", 3), 4);
        ck_assert_uint_eq(text_fit("abc", 9), 3);
        ck_assert_uint_eq(text_fit("a\xcc\x88z", 1), 3); /* a mark stays with its letter */
}
END_TEST

/* The C library may be of another version of Unicode: a few hundred characters may differ. */
START_TEST(test_widths_are_those_of_the_c_library) {
        unsigned n_known = 0, n_wide = 0, n_zero = 0, n_different = 0;

        ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
        for (uint32_t point = 0x20; point <= 0x10ffff; point++) {
                int width = wcwidth((wchar_t) point);

                if (width < 0)
                        continue;
                n_known++;
                n_wide += width == 2;
                n_zero += width == 0;
                n_different += text_point_width(point) != (unsigned) width;
        }
        ck_assert_uint_gt(n_known, 140000);
        ck_assert_uint_gt(n_wide, 100000);
        ck_assert_uint_gt(n_zero, 2000);
        ck_assert_msg(n_different < 400, "%u of %u differ", n_different, n_known);
        for (uint32_t point = 0x20; point < 0x7f; point++)
                ck_assert_uint_eq(text_point_width(point), 1);
}
END_TEST

START_TEST(test_wrap) {
        static const struct {
                const char *text;
                size_t column, indent, width;
                const char *out;
        } cases[] = {
                {"", 0, 0, 0, "\n"},
                {"one two three", 0, 0, 0, "one two three\n"},
                {"one two three four five", 0, 2, 22, "one two three four\n  five\n"},
                {"one two three four fiv", 0, 2, 22, "one two three four fiv\n"},
                {"one   two ", 0, 0, 40, "one two\n"},
                {"aaaa bbbb", 18, 4, 24, "aaaa\n    bbbb\n"},
                /* a word that is longer than a line */
                {"0123456789012345678901234567", 0, 1, 21, "012345678901234567890\n 1234567\n"},
                {"x 0123456789012345678901234567", 0, 1, 21,
                 "x\n 01234567890123456789\n 01234567\n"},
                {"begins behind the end", 30, 2, 22, "\n  begins behind the\n  end\n"},
                /* a window too narrow for the indent */
                {"one two three four five six", 10, 10, 5,
                 "one two three four\n          five six\n"},
                /* columns, not bytes */
                {"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4 "
                 "\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6 "
                 "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc xx",
                 0, 0, 20,
                 "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4 "
                 "\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6 "
                 "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc xx\n"},
                /* wide characters: eleven of them do not fit into 21 columns */
                {"\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5"
                 "\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5",
                 0, 0, 21,
                 "\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5"
                 "\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\n\xe6\x97\xa5\n"},
                {"\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5 0123456789", 0, 0,
                 20, "\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\n0123456789\n"},
                /* lines of the text, and an example among them */
                {"one two three four five six seven\n  an example line that is longer\nend", 4, 4,
                 30,
                 "one two three four five\n    six seven\n      an example line that is longer\n"
                 "    end\n"},
                {"ends with a line\n", 0, 2, 40, "ends with a line\n"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                Buffer out = BUFFER_NULL;

                text_wrap(&out, cases[i].text,
                          &(TextFrame){cases[i].column, cases[i].indent, cases[i].width, false});
                expect_text(&out, cases[i].out);
        }
}
END_TEST

START_TEST(test_whole_words) {
        Buffer out = BUFFER_NULL;
        const TextFrame frame = {.indent = 2, .width = 22, .whole_words = true};

        text_wrap(&out, "see /a/path/that/is/longer/than/a/line for more", &frame);
        expect_text(&out, "see\n  /a/path/that/is/longer/than/a/line\n  for more\n");
}
END_TEST

START_TEST(test_pad) {
        Buffer out = BUFFER_NULL;

        text_pad(&out, "\xc3\xa4", 4);
        text_pad(&out, "\xe6\x97\xa5", 4);
        text_pad(&out, "long", 2);
        expect_text(&out, "\xc3\xa4   \xe6\x97\xa5  long ");
}
END_TEST

START_TEST(test_clean_leaves_nothing_for_the_terminal) {
        static const struct {
                const char *from, *to;
        } table[] = {
                {"plain \xc3\xa4", "plain \xc3\xa4"},
                {"\033[31mred", "?[31mred"},
                {"a\nb\tc\x7f", "a?b?c?"},
                {"\xc2\x9b"
                 "31m",
                 "?31m"}, /* C1: CSI in one character */
                {"\xff\xfe", "??"},
                {"a\xe2\x80\x8b"
                 "b\xe2\x80\x8d",
                 "a?b?"}, /* zero width space, zero width joiner */
                {"\xef\xbb\xbf"
                 "a\xef\xb8\x8f",
                 "?a?"},                      /* byte order mark, variation selector */
                {"\xf3\xa0\x81\x81", "?"},    /* a tag */
                {"\xc0\xaf", "??"},           /* overlong */
                {"\xed\xa0\x80", "???"},      /* a surrogate */
                {"\xf4\x90\x80\x80", "????"}, /* past the end of Unicode */
                {"a\xe2\x80\xae"
                 "b",
                 "a?b"}, /* right-to-left override */
                {"a\xe2\x81\xa6"
                 "b\xe2\x80\xa8",
                 "a?b?"}, /* isolate, line separator */
        };

        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
                char text[64];

                (void) strcpy(text, table[i].from);
                utf8_clean(text);
                ck_assert_str_eq(text, table[i].to);
        }
}
END_TEST

/* The rule has no gaps at its edges, and what people write in any script may be shown. */
START_TEST(test_what_may_be_shown) {
        static const uint32_t no[] = {0,      0x1f,   0x7f,    0x9f,    0xad,    0x61c,   0x200b,
                                      0x200d, 0x200e, 0x200f,  0x2028,  0x2029,  0x202a,  0x202e,
                                      0x2060, 0x2066, 0x2069,  0x206f,  0x3164,  0xfe00,  0xfe0f,
                                      0xfeff, 0xfff9, 0x1d173, 0xe0001, 0xe007f, 0xe0100, 0xe01ef};
        static const uint32_t yes[] = {0x20,   0x7e,   0xa0,         0xe4,   0x300,
                                       0x5d0,  0x627,  0x939,        0x200a, 0x2010,
                                       0x2027, 0x202f, 0x2065 + 0xb, 0x3042, 0xac00,
                                       0xfdff, 0xfe10, 0x1f600,      0x1f3fb};

        for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
                ck_assert_msg(!utf8_may_be_shown(no[i]), "U+%04X", (unsigned) no[i]);
        for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
                ck_assert_msg(utf8_may_be_shown(yes[i]), "U+%04X", (unsigned) yes[i]);
}
END_TEST

START_TEST(test_decode_is_strict) {
        static const struct {
                const char *text;
                size_t n, length, printable;
                uint32_t point;
        } table[] = {
                {"", 0, 0, 0, 0},
                {"a", 1, 1, 1, 'a'},
                {"\n", 1, 1, 0, '\n'},
                {"\x7f", 1, 1, 0, 0x7f},
                {"\xc2\x9b", 2, 2, 0, 0x9b},
                {"\xc2\xa0", 2, 2, 2, 0xa0},
                {"\xc2\xa0", 1, 0, 0, 0},         /* the end is missing */
                {"\xc1\xbf", 2, 0, 0, 0},         /* overlong */
                {"\xe0\x9f\xbf", 3, 0, 0, 0},     /* overlong */
                {"\xf0\x8f\xbf\xbf", 4, 0, 0, 0}, /* overlong */
                {"\xed\x9f\xbf", 3, 3, 3, 0xd7ff},
                {"\xed\xa0\x80", 3, 0, 0, 0}, /* a surrogate */
                {"\xf4\x8f\xbf\xbf", 4, 4, 4, 0x10ffff},
                {"\xf4\x90\x80\x80", 4, 0, 0, 0}, /* past the end of Unicode */
                {"\x80", 1, 0, 0, 0},
        };

        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
                const uint8_t *p = (const uint8_t *) table[i].text;
                uint32_t point = 0, other;

                ck_assert_uint_eq(utf8_decode(p, table[i].n, &point), table[i].length);
                ck_assert_uint_eq(point, table[i].point);
                ck_assert_uint_eq(utf8_decode_printable(p, table[i].n, &other), table[i].printable);
        }
}
END_TEST

int main(void) {
        Suite *s = suite_create("text");
        TCase *t = tcase_create("text");

        tcase_add_test(t, test_width_counts_columns);
        tcase_add_test(t, test_widths_are_those_of_the_c_library);
        tcase_add_test(t, test_wrap);
        tcase_add_test(t, test_whole_words);
        tcase_add_test(t, test_pad);
        tcase_add_test(t, test_clean_leaves_nothing_for_the_terminal);
        tcase_add_test(t, test_what_may_be_shown);
        tcase_add_test(t, test_decode_is_strict);
        suite_add_tcase(s, t);
        return suite_run(s);
}
