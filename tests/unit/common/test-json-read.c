/* SPDX-License-Identifier: MIT */

/* What counts as JSON, how strings are read, and what is skipped. */

#include "common/json-read.h"
#include "tests/suite.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 4096

/* The tokens of a text, one character or string each: "{a:1 b:[true]}" for {"a":1,"b":[true]}.
 * Return: 0, or what json_next() failed with. */
static int tokens(const char *json, size_t n, char ret[TEXT_MAX]) {
        static const char *const words[] = {
                [JSON_OBJECT] = "{",    [JSON_OBJECT_END] = "}", [JSON_ARRAY] = "[",
                [JSON_ARRAY_END] = "]", [JSON_TRUE] = "true",    [JSON_FALSE] = "false",
                [JSON_NULL] = "null",
        };
        JsonReader r;
        JsonToken t;
        size_t at = 0;
        int error;

        ret[0] = '\0';
        json_reader_init(&r, json, n);
        while ((error = json_next(&r, &t)) == 0 && t.type != JSON_END) {
                const char *word = words[t.type] ? words[t.type] : t.text;

                at += (size_t) snprintf(ret + at, TEXT_MAX - at, "%s%s%s%s%s", at ? " " : "",
                                        t.has_name ? t.name : "", t.has_name ? ":" : "", word,
                                        t.cut ? "…" : "");
                ck_assert_uint_lt(at, TEXT_MAX);
        }
        if (error < 0) /* and it stays so */
                ck_assert_int_eq(json_next(&r, &t), error);
        return error;
}

static const struct {
        const char *json, *tokens; /* NULL: this is not JSON */
} cases[] = {
        {"{}", "{ }"},
        {" [ ] ", "[ ]"},
        {"\"a\"", "a"},
        {"-1.5e+3", "-1.5e+3"},
        {"{\"a\": 1, \"b\": [true, false, null, {}], \"c\": \"\"}",
         "{ a:1 b:[ true false null { } ] c: }"},
        {"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"]", "[ \"\\/\b\f\n\r\tA ]"},
        {"[\"\\ud83d\\ude00\\u20ac\\u00fc\"]", "[ \xf0\x9f\x98\x80\xe2\x82\xac\xc3\xbc ]"},
        {"[\"\\ud83d\\u0041\\ude00\\u0000\"]", /* half a pair, twice, and a NUL */
         "[ \xef\xbf\xbd"
         "A\xef\xbf\xbd\xef\xbf\xbd ]"},
        {"[\"\xe2\x82\xac\"]", "[ \xe2\x82\xac ]"},
        /* A character that is cut takes nothing that follows it, above all not the quotation mark.
         */
        {"[\"\xe2\x82\", \"\xf0\", \"\xc3z\"]", "[ \xe2\x82 \xf0 \xc3z ]"},
        {"", NULL},
        {"  ", NULL},
        {"tru", NULL},
        {"truely", NULL},
        {"nul", NULL},
        {"'a'", NULL},
        {"\"a", NULL},
        {"\"a\\", NULL},
        {"\"a\\\"", NULL},
        {"\"\\x\"", NULL},
        {"\"\\u12\"", NULL},
        {"\"\\u12g4\"", NULL},
        {"\"\\ud83d\\u12\"", NULL},
        {"\"a\nb\"", NULL},
        {"{", NULL},
        {"{\"a\"", NULL},
        {"{\"a\":", NULL},
        {"{\"a\" 1}", NULL},
        {"{a: 1}", NULL},
        {"{1: 1}", NULL},
        {"{\"a\": 1,}", NULL},
        {"{\"a\": 1 \"b\": 2}", NULL},
        {"{,}", NULL},
        {"[1,]", NULL},
        {"[,1]", NULL},
        {"[1 2]", NULL},
        {"[1}", NULL},
        {"{]", NULL},
        {"]", NULL},
        {"1 2", NULL},
        {"{} {}", NULL},
};

START_TEST(test_texts) {
        char got[TEXT_MAX];
        int r = tokens(cases[_i].json, strlen(cases[_i].json), got);

        ck_assert_msg(r == (cases[_i].tokens ? 0 : -EINVAL), "%s: %d", cases[_i].json, r);
        if (cases[_i].tokens)
                ck_assert_str_eq(got, cases[_i].tokens);
}
END_TEST

/* The end of the text is where the caller says, and not at a NUL. Wherever a text is cut, it is no
 * JSON any more. */
START_TEST(test_cut_anywhere) {
        static const char json[] = "{\"a\": [1, \"\\u00fc\xe2\x82\xac\"], \"b\": {\"c\": null}}";
        char got[TEXT_MAX];

        for (size_t n = 0; n < sizeof(json) - 1; n++)
                ck_assert_int_eq(tokens(json, n, got), -EINVAL);
        ck_assert_int_eq(tokens(json, sizeof(json) - 1, got), 0);
        ck_assert_int_eq(tokens("[1]\0[2]", 7, got), -EINVAL);
        ck_assert_int_eq(tokens("[1]junk", 3, got), 0);
}
END_TEST

START_TEST(test_depth) {
        char json[2 * JSON_DEPTH_MAX + 3], got[TEXT_MAX];

        for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
                memset(json, '[', depth);
                memset(json + depth, ']', depth);
                ck_assert_int_eq(tokens(json, 2 * depth, got),
                                 depth == JSON_DEPTH_MAX ? 0 : -EINVAL);
        }
}
END_TEST

/* What does not fit is cut between two characters, and that is told. */
START_TEST(test_long_strings) {
        static const struct {
                const char *rune;
                size_t n, kept; /* characters */
        } longs[] = {{"a", JSON_STRING_MAX, JSON_STRING_MAX},
                     {"a", JSON_STRING_MAX + 1, JSON_STRING_MAX},
                     {"\xe2\x82\xac", JSON_STRING_MAX / 3, JSON_STRING_MAX / 3},
                     {"\xe2\x82\xac", JSON_STRING_MAX / 3 + 1, JSON_STRING_MAX / 3}};

        for (size_t i = 0; i < sizeof(longs) / sizeof(longs[0]); i++) {
                char json[TEXT_MAX];
                size_t at = 0, size = strlen(longs[i].rune);
                JsonReader r;
                JsonToken t;

                json[at++] = '"';
                for (size_t k = 0; k < longs[i].n; k++, at += size)
                        memcpy(json + at, longs[i].rune, size);
                json[at++] = '"';
                json_reader_init(&r, json, at);
                ck_assert_int_eq(json_next(&r, &t), 0);
                ck_assert_int_eq(t.cut, longs[i].n > longs[i].kept);
                ck_assert_uint_eq(strlen(t.text), longs[i].kept * size);
                ck_assert_mem_eq(t.text, json + 1, longs[i].kept * size);
                ck_assert_int_eq(json_next(&r, &t), 0);
                ck_assert_int_eq(t.type, JSON_END);
        }
}
END_TEST

/* The members of an object, whatever they hold. */
START_TEST(test_members) {
        static const char json[] = "{\"a\": {\"x\": [1, {}]}, \"b\": [[], {\"b\": 2}], \"c\": 3}";
        static const JsonType types[] = {JSON_OBJECT, JSON_ARRAY, JSON_NUMBER};
        JsonReader r;
        JsonToken t;

        json_reader_init(&r, json, sizeof(json) - 1);
        ck_assert_int_eq(json_next(&r, &t), 0);
        for (size_t i = 0; i < 3; i++) {
                ck_assert_int_eq(json_member(&r, &t), 1);
                ck_assert_int_eq(t.type, types[i]);
                ck_assert_int_eq(t.name[0], (int) ('a' + i));
        }
        ck_assert_int_eq(json_member(&r, &t), 0);
        ck_assert_int_eq(json_next(&r, &t), 0);
        ck_assert_int_eq(t.type, JSON_END);

        json_reader_init(&r, json, 30); /* it ends within the second one */
        ck_assert_int_eq(json_next(&r, &t), 0);
        ck_assert_int_eq(json_member(&r, &t), 1);
        ck_assert_int_eq(json_member(&r, &t), -EINVAL);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("json-read");
        TCase *tc = tcase_create("json-read");

        tcase_add_loop_test(tc, test_texts, 0, (int) (sizeof(cases) / sizeof(cases[0])));
        tcase_add_test(tc, test_cut_anywhere);
        tcase_add_test(tc, test_depth);
        tcase_add_test(tc, test_long_strings);
        tcase_add_test(tc, test_members);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
