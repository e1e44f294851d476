/* SPDX-License-Identifier: MIT */

/* The tables that wslbridgectl prints: columns that fit the terminal, an ellipsis, and colours. */

#include "agent/ctl/show/view.h"
#include "agent/util/cleanup.h"
#include "common/text-width.h"

#include "tests/unit/agent/testing.h"

static Buffer out;

static void setup(void) {
        out = BUFFER_NULL;
}

static void teardown(void) {
        buffer_done(&out);
}

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

/* Claim: a word is cut between two characters, never inside one. */
START_TEST(words_of_a_service) {
        char listen[2 * CONFIG_LISTEN_TEXT_SIZE + 2] = ":", word[80] = ":";
        ReportListen listens[] = {{listen, 1, 80}};
        ReportService service = {.name = "web",
                                 .state = "active",
                                 .reason = "",
                                 .text = "",
                                 .protocol = "udp",
                                 .connect = "",
                                 .forwarder = word,
                                 .why = word,
                                 .guest = "",
                                 .loopback = "",
                                 .loopback_text = "",
                                 .listens = listens,
                                 .n_listens = 1};
        const Report report = {.services = &service, .n_services = 1};
        const char *row;

        while (strlen(listen) < sizeof(listen) - 2)
                strcat(listen, "\u00e4");
        while (strlen(word) < 62)
                strcat(word, "\u00e4");
        view_services(&report, NULL, &(Style){0}, &out);
        row = strchr(buffer_text(&out), '\n') + 1;
        ck_assert_ptr_nonnull(strstr(row, listen));
        ck_assert_ptr_nonnull(strstr(row, "\u00e4/udp  80  "));
        word[59] = '\0'; /* 30 columns of it */
        ck_assert_ptr_nonnull(strstr(row, word));
        ck_assert_ptr_nonnull(strstr(row, "\u00e4 (:\u00e4"));
        ck_assert_str_eq(row + strlen(row) - 4, "\u00e4)\n");
}
END_TEST

START_TEST(table_as_wide_as_it_gets) {
        Table t;

        fill(&t);
        table_format(&t, &(Style){0}, &out);
        ck_assert_str_eq(buffer_text(&out),
                         "NAME                        LISTEN               STATE\n"
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
                ck_assert_msg(widest_line(buffer_text(&out)) <= width, "%u columns:\n%s", width,
                              buffer_text(&out));
                ck_assert_ptr_nonnull(
                        strstr(buffer_text(&out), "conflict\n")); /* fixed, so whole */
                table_done(&t);
                buffer_done(&out);
        }
}
END_TEST

START_TEST(ellipsis_and_colour) {
        Table t;

        fill(&t);
        table_format(&t, &(Style){.width = 40, .utf8 = true, .colour = true}, &out);
        ck_assert_ptr_nonnull(strstr(buffer_text(&out), "\xe2\x80\xa6"));
        ck_assert_ptr_nonnull(strstr(buffer_text(&out), "\033[31mconflict\033[0m"));
        table_done(&t);
        buffer_done(&out);
        fill(&t);
        table_format(&t, &(Style){.width = 40}, &out);
        ck_assert_ptr_nonnull(strstr(buffer_text(&out), "..  "));
        ck_assert_ptr_null(strchr(buffer_text(&out), '\033'));
        table_done(&t);
}
END_TEST

int main(void) {
        Suite *s = suite_create("table");
        TCase *c = tcase_create("table");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, words_of_a_service);
        tcase_add_test(c, table_as_wide_as_it_gets);
        tcase_add_test(c, table_fits);
        tcase_add_test(c, ellipsis_and_colour);
        suite_add_tcase(s, c);
        return suite_run(s);
}
