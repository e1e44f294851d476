/* SPDX-License-Identifier: MIT */

/* What wslbridgectl prints: widths, wrapping, columns that fit, nothing that speaks to the
 * terminal. */

#include "agent/ctl/show/table.h"
#include "agent/util/cleanup.h"

#include "tests/unit/agent/testing.h"

#include <locale.h>

static Text out;

static void setup(void) {
        ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
        out = TEXT_NULL;
}

static void teardown(void) {
        text_done(&out);
}

START_TEST(width_counts_columns) {
        ck_assert_uint_eq(text_width("abc"), 3);
        ck_assert_uint_eq(text_width("\xc3\xa4"), 1);        /* a with diaeresis */
        ck_assert_uint_eq(text_width("a\xcc\x88"), 1);       /* combining */
        ck_assert_uint_eq(text_width("\xe6\x97\xa5"), 2);    /* a wide character */
        ck_assert_uint_eq(text_fit("a\xe6\x97\xa5z", 2), 1); /* no half of it */
        ck_assert_uint_eq(text_fit("a\xe6\x97\xa5z", 3), 4);
        ck_assert_uint_eq(text_fit("abc", 9), 3);
}
END_TEST

START_TEST(clean_leaves_nothing_for_the_terminal) {
        static const struct {
                const char *from, *to;
        } table[] = {
                {"plain \xc3\xa4", "plain \xc3\xa4"},
                {"\033[31mred", "?[31mred"},
                {"a\nb\tc\x7f", "a?b?c?"},
                {"\xc2\x9b"
                 "31m",
                 "??31m"}, /* C1: CSI in one character */
                {"\xff\xfe", "??"},
                {"a\xe2\x80\xae"
                 "b",
                 "a?b"}, /* right-to-left override */
                {"a\xe2\x81\xa6"
                 "b\xe2\x80\xa8",
                 "a?b?"}, /* isolate, line separator */
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                char text[64];

                (void) strcpy(text, table[i].from);
                text_clean(text);
                ck_assert_str_eq(text, table[i].to);
        }
}
END_TEST

START_TEST(wrapping) {
        text_add(&out, "ab: ");
        text_add_wrapped(
                &out, 4, 4, 30,
                "one two three four five six seven\n  an example line that is longer\nend");
        ck_assert_str_eq(out.data, "ab: one two three four five\n"
                                   "    six seven\n"
                                   "      an example line that is longer\n"
                                   "    end\n");
}
END_TEST

START_TEST(no_width_means_one_line) {
        text_add_wrapped(&out, 0, 4, 0, "one two three four five six seven eight nine ten");
        ck_assert_str_eq(out.data, "one two three four five six seven eight nine ten\n");
}
END_TEST

static void fill(Table *t) {
        static const char *const titles[] = {"NAME", "LISTEN", "STATE"};

        *t = (Table){.titles = titles, .n_columns = 3, .fixed = 1u << 2};
        table_row(t);
        table_cell(t, 0, COLOUR_NONE, "a-service-with-a-long-name");
        table_cell(t, 1, COLOUR_NONE, "192.0.2.1:8000-8010");
        table_cell(t, 2, COLOUR_BAD, "conflict");
        table_note(t, "somebody else has it, and will not let go of it");
        table_row(t);
        table_cell(t, 1, COLOUR_NONE, "[::]:1");
}

static size_t widest_line(const char *text) {
        size_t widest = 0;

        for (char *copy = strdup(text), *rest = copy, *line; copy;) {
                line = strsep(&rest, "\n");
                if (!line) {
                        free(copy);
                        break;
                }
                if (text_width(line) > widest)
                        widest = text_width(line);
        }
        return widest;
}

START_TEST(table_as_wide_as_it_gets) {
        Table t;

        fill(&t);
        table_format(&t, &(Style){0}, &out);
        ck_assert_str_eq(out.data, "NAME                        LISTEN               STATE\n"
                                   "a-service-with-a-long-name  192.0.2.1:8000-8010  conflict\n"
                                   "  somebody else has it, and will not let go of it\n"
                                   "                            [::]:1\n");
        table_done(&t);
}
END_TEST

START_TEST(table_fits) {
        for (unsigned width = 24; width < 60; width++) {
                Table t;

                fill(&t);
                table_format(&t, &(Style){.width = width, .utf8 = width % 2}, &out);
                ck_assert_msg(widest_line(out.data) <= width, "%u columns:\n%s", width, out.data);
                ck_assert_ptr_nonnull(strstr(out.data, "conflict\n")); /* fixed, so whole */
                table_done(&t);
                text_done(&out);
        }
}
END_TEST

START_TEST(ellipsis_and_colour) {
        Table t;

        fill(&t);
        table_format(&t, &(Style){.width = 40, .utf8 = true, .colour = true}, &out);
        ck_assert_ptr_nonnull(strstr(out.data, "\xe2\x80\xa6"));
        ck_assert_ptr_nonnull(strstr(out.data, "\033[31mconflict\033[0m"));
        table_done(&t);
        text_done(&out);
        fill(&t);
        table_format(&t, &(Style){.width = 40}, &out);
        ck_assert_ptr_nonnull(strstr(out.data, "..  "));
        ck_assert_ptr_null(strchr(out.data, '\033'));
        table_done(&t);
}
END_TEST

int main(void) {
        Suite *s = suite_create("ctl-table");
        TCase *c = tcase_create("table");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, width_counts_columns);
        tcase_add_test(c, clean_leaves_nothing_for_the_terminal);
        tcase_add_test(c, wrapping);
        tcase_add_test(c, no_width_means_one_line);
        tcase_add_test(c, table_as_wide_as_it_gets);
        tcase_add_test(c, table_fits);
        tcase_add_test(c, ellipsis_and_colour);
        suite_add_tcase(s, c);
        return suite_run(s);
}
