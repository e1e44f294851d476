/* SPDX-License-Identifier: MIT */

/* What the elevated half of setup takes for a request, and what it grants. */

#include "tests/suite.h"
#include "windows-helper/core/setup/elevated-words.h"

#include <string.h>

START_TEST(test_requests) {
        static const struct {
                const char *line;
                int word; /* -1: none */
                const char *argument;
        } cases[] = {
                {"install", ELEVATED_INSTALL, ""},
                {"key", ELEVATED_KEY, ""},
                {"put 12/a b", ELEVATED_PUT, "12/a b"},
                {"restore x", ELEVATED_RESTORE, "x"},
                {"unpair x", ELEVATED_UNPAIR, "x"},
                {"adopt 1:2", ELEVATED_ADOPT, "1:2"},
                {"bye", ELEVATED_BYE, ""},
                {"", -1, ""},
                {"install x", -1, ""},
                {"install ", -1, ""},
                {"Install", -1, ""},
                {"put", -1, ""},
                {"put ", -1, ""},
                {"run cmd.exe", -1, ""},
                {" put x", -1, ""},
                {"puts x", -1, ""},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
                const char *argument = "";
                ElevatedWord word;
                int r = elevated_parse(cases[i].line, &word, &argument);

                ck_assert_msg((r == 0) == (cases[i].word >= 0), "'%s'", cases[i].line);
                if (r == 0) {
                        ck_assert_int_eq((int) word, cases[i].word);
                        ck_assert_str_eq(argument, cases[i].argument);
                }
        }
}
END_TEST

static bool admits(ElevatedState *s, ElevatedWord word, const char *argument) {
        return elevated_admit(s, word, argument, argument[0] != '!', strlen(argument)) == NULL;
}

START_TEST(test_one_of_each) {
        ElevatedState s = {0};

        ck_assert(!admits(&s, ELEVATED_PUT, "a")); /* there is no key yet */
        ck_assert(admits(&s, ELEVATED_INSTALL, ""));
        ck_assert(!admits(&s, ELEVATED_INSTALL, ""));
        ck_assert(admits(&s, ELEVATED_KEY, ""));
        ck_assert(!admits(&s, ELEVATED_KEY, ""));
        ck_assert(!admits(&s, ELEVATED_RESTORE, "a")); /* nothing was put */
        ck_assert(!admits(&s, ELEVATED_PUT, "!"));
        ck_assert(admits(&s, ELEVATED_PUT, "a"));
        ck_assert(!admits(&s, ELEVATED_PUT, "b"));
        ck_assert(!admits(&s, ELEVATED_RESTORE, "b"));
        ck_assert(admits(&s, ELEVATED_RESTORE, "a"));
        ck_assert(!admits(&s, ELEVATED_RESTORE, "a"));
        ck_assert(!admits(&s, ELEVATED_UNPAIR, "!"));
        ck_assert(admits(&s, ELEVATED_UNPAIR, "a"));
        ck_assert(!admits(&s, ELEVATED_ADOPT, ""));
        for (size_t i = 0; i < ELEVATED_ADOPTS / 2; i++)
                ck_assert(admits(&s, ELEVATED_ADOPT, "12"));
        ck_assert(!admits(&s, ELEVATED_ADOPT, "1"));
        s.adopted = ELEVATED_ADOPTS - 1; /* a range that is too long is none */
        ck_assert(!admits(&s, ELEVATED_ADOPT, "12"));
        ck_assert(admits(&s, ELEVATED_ADOPT, "1"));
        ck_assert(admits(&s, ELEVATED_BYE, ""));
}
END_TEST

START_TEST(test_pipes) {
        ck_assert(elevated_is_pipe(ELEVATED_PIPE "0123456789abcdef0123456789abcdef"));
        ck_assert(!elevated_is_pipe(ELEVATED_PIPE "0123456789abcdef0123456789abcde"));
        ck_assert(!elevated_is_pipe(ELEVATED_PIPE "0123456789abcdef0123456789abcdef0"));
        ck_assert(!elevated_is_pipe(ELEVATED_PIPE "0123456789abcdef0123456789ABCDEF"));
        ck_assert(!elevated_is_pipe(ELEVATED_PIPE "0123456789abcdef0123456789abcd\\x"));
        ck_assert(!elevated_is_pipe(
                "\\\\host\\pipe\\wslbridge-setup-0123456789abcdef0123456789abcdef"));
        ck_assert(!elevated_is_pipe(""));
}
END_TEST

int main(void) {
        Suite *s = suite_create("elevated-words");
        TCase *t = tcase_create("elevated-words");

        tcase_add_test(t, test_requests);
        tcase_add_test(t, test_one_of_each);
        tcase_add_test(t, test_pipes);
        suite_add_tcase(s, t);
        return suite_run(s);
}
