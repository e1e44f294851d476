/* SPDX-License-Identifier: MIT */

/*
 * Claim: findings are sorted by severity and then causes before effects, and both their text and
 * their JSON are complete, fit the window and say nothing to the terminal.
 */

#include "common/finding.h"
#include "tests/suite.h"

#include <stdio.h>
#include <string.h>

static const char *const ids[] = {"cause", "effect", "other", NULL};
static Findings findings;
static Buffer out;

static void setup(void) {
        findings = FINDINGS_NULL(ids);
        out = BUFFER_NULL;
}

static void teardown(void) {
        findings_done(&findings);
        buffer_done(&out);
}

static void add(FindingRank rank, const char *id, const char *subject, const char *seen,
                const char *advice) {
        Finding *x = findings_add(&findings, rank, id, subject);

        buffer_printf(&x->seen, "%s", seen);
        buffer_printf(&x->advice, "%s", advice);
}

START_TEST(test_order) {
        char order[64] = "";

        add(FINDING_GOOD, "cause", NULL, "1", "");
        add(FINDING_PROBLEM, "effect", NULL, "2", "");
        add(FINDING_HINT, "cause", NULL, "3", "");
        add(FINDING_PROBLEM, "effect", NULL, "4", "");
        add(FINDING_PROBLEM, "cause", NULL, "5", "");
        add(FINDING_BROKEN, "other", NULL, "6", "");
        add(FINDING_UNSEEN, "cause", NULL, "7", "");
        findings_finish(&findings);
        for (size_t i = 0; i < findings.n; i++)
                strcat(order, buffer_text(&findings.items[i].seen));
        ck_assert_str_eq(order, "6524371");
        ck_assert(findings_are_bad(&findings));
}
END_TEST

START_TEST(test_a_hint_is_not_bad) {
        ck_assert(!findings_are_bad(&findings));
        add(FINDING_HINT, "cause", NULL, "a", "");
        add(FINDING_UNSEEN, "cause", NULL, "a", "");
        add(FINDING_GOOD, "cause", NULL, "a", "");
        ck_assert(!findings_are_bad(&findings));
        add(FINDING_PROBLEM, "cause", NULL, "a", "");
        ck_assert(findings_are_bad(&findings));
}
END_TEST

START_TEST(test_text) {
        add(FINDING_GOOD, "cause", NULL, "All is well", "");
        add(FINDING_PROBLEM, "effect", "web", "Something is quite wrong here:\n/etc/x: bad",
            "Do something about it soon:\n  an example line that is never broken");
        findings_finish(&findings);
        findings_text(&findings, 36, NULL, &out);
        ck_assert(!out.oom);
        ck_assert_str_eq(buffer_text(&out), "problem   Something is quite wrong\n"
                                            "          here:\n"
                                            "          /etc/x: bad\n"
                                            "          ->  Do something about it\n"
                                            "              soon:\n"
                                            "                an example line that is never broken\n"
                                            "good      All is well\n");
}
END_TEST

START_TEST(test_colours) {
        static const char *const colours[] = {"<b>", "<p>", "<h>", "<u>", "<g>", "</>"};

        for (FindingRank rank = 0; rank < _FINDING_RANK_END; rank++)
                add(rank, "cause", NULL, "x", "");
        findings_finish(&findings);
        findings_text(&findings, 0, colours, &out);
        ck_assert_str_eq(buffer_text(&out), "<b>broken</>    x\n"
                                            "<p>problem</>   x\n"
                                            "<h>hint</>      x\n"
                                            "<u>unseen</>    x\n"
                                            "<g>good</>      x\n");
}
END_TEST

START_TEST(test_json) {
        findings_finish(&findings);
        findings_json(&findings, "this", &out);
        ck_assert_str_eq(buffer_text(&out), "{\n  \"schema\": 2,\n  \"program\": \"this\",\n"
                                            "  \"bad\": false,\n  \"findings\": []\n}\n");
        buffer_done(&out);
        add(FINDING_GOOD, "cause", NULL, "well", "");
        add(FINDING_BROKEN, "effect", "web", "a \"b\"\nc", "do\n  it");
        findings_finish(&findings);
        findings_json(&findings, "this", &out);
        ck_assert_str_eq(buffer_text(&out), "{\n"
                                            "  \"schema\": 2,\n"
                                            "  \"program\": \"this\",\n"
                                            "  \"bad\": true,\n"
                                            "  \"findings\": [\n"
                                            "    {\n"
                                            "      \"rank\": \"broken\",\n"
                                            "      \"id\": \"effect\",\n"
                                            "      \"subject\": \"web\",\n"
                                            "      \"seen\": \"a \\\"b\\\"\\u000ac\",\n"
                                            "      \"advice\": \"do\\u000a  it\"\n"
                                            "    },\n"
                                            "    {\n"
                                            "      \"rank\": \"good\",\n"
                                            "      \"id\": \"cause\",\n"
                                            "      \"subject\": null,\n"
                                            "      \"seen\": \"well\",\n"
                                            "      \"advice\": null\n"
                                            "    }\n"
                                            "  ]\n"
                                            "}\n");
}
END_TEST

START_TEST(test_nothing_speaks_to_the_terminal) {
        add(FINDING_HINT, "cause", "\033[2J", "a\033[31m\nb\xff\xe2\x80\xae", "c\r\n  d");
        findings_finish(&findings);
        ck_assert_str_eq(buffer_text(&findings.items[0].subject), "?[2J");
        ck_assert_str_eq(buffer_text(&findings.items[0].seen), "a?[31m\nb??");
        ck_assert_str_eq(buffer_text(&findings.items[0].advice), "c?\n  d");
}
END_TEST

START_TEST(test_many) {
        for (int i = 0; i < 1000; i++) {
                char seen[16];

                (void) snprintf(seen, sizeof(seen), "%d", i);
                add(FINDING_HINT, i % 2 ? "cause" : "effect", NULL, seen, "");
        }
        findings_finish(&findings);
        ck_assert_uint_eq(findings.n, 1000);
        ck_assert(!findings.oom);
        ck_assert_str_eq(buffer_text(&findings.items[0].seen), "1");
        ck_assert_str_eq(buffer_text(&findings.items[499].seen), "999");
        ck_assert_str_eq(buffer_text(&findings.items[500].seen), "0");
}
END_TEST

int main(void) {
        Suite *s = suite_create("finding");
        TCase *t = tcase_create("finding");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, test_order);
        tcase_add_test(t, test_a_hint_is_not_bad);
        tcase_add_test(t, test_text);
        tcase_add_test(t, test_colours);
        tcase_add_test(t, test_json);
        tcase_add_test(t, test_nothing_speaks_to_the_terminal);
        tcase_add_test(t, test_many);
        suite_add_tcase(s, t);
        return suite_run(s);
}
