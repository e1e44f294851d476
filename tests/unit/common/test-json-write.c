/* SPDX-License-Identifier: MIT */

/* Claim: no text can end a string of JSON early, and no text from outside reaches a terminal with
 * characters that may not be shown. */

#include "common/json-write.h"
#include "tests/suite.h"

#include <check.h>
#include <stdio.h>

static const struct {
        const char *text, *json;
} cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"Gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
         "Gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\"\\/", "\\\"\\\\/"},
        {"a\nb\x1b[1m", "a\\u000ab\\u001b[1m"},
        {"\x7f\xc2\x9b", "\\u007f\\u009b"},
        {"txt.\xe2\x80\xae"
         "exe",
         "txt.\\u202eexe"},
        {"a\xf3\xa0\x81\x81z", "a\\udb40\\udc41z"}, /* U+E0041, a tag */
        {"\xff\xc3", "??"},                         /* no UTF-8, and a character that is cut */
        {"\xe2\x80\xae\"", "\\u202e\\\""},
};

START_TEST(test_strings) {
        Buffer out = BUFFER_NULL;
        JsonWriter w = JSON_WRITER(&out);
        char expected[128];

        json_open(&w, NULL, '{');
        json_string_member(&w, "a", cases[_i].text);
        json_close(&w, '}');
        (void) snprintf(expected, sizeof(expected), "{\n  \"a\": \"%s\"\n}\n", cases[_i].json);
        ck_assert_int_eq(w.error, 0);
        ck_assert_str_eq(buffer_text(&out), expected);
        buffer_done(&out);
}
END_TEST

int main(void) {
        Suite *s = suite_create("json-write");
        TCase *t = tcase_create("json-write");

        tcase_add_loop_test(t, test_strings, 0, (int) (sizeof(cases) / sizeof(cases[0])));
        suite_add_tcase(s, t);
        return suite_run(s);
}
