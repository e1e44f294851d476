/* SPDX-License-Identifier: MIT */

/*
 * What is passed on of a command line.
 */

#include "windows-helper/core/base/command-tail.h"

#include "tests/suite.h"

static const struct {
        const wchar_t *line, *tail;
} table[] = {
        {L"", L""},
        {L"helper.exe", L""},
        {L"helper.exe selftest", L""},
        {L"helper.exe selftest ", L""},
        {L"helper.exe  selftest\t --json  --watch 1h", L"--json  --watch 1h"},
        {L"\"C:\\Program Files\\wslbridge\\wslbridge-helper.exe\" selftest --report \"a b\"",
         L"--report \"a b\""},
        {L"C:\\\"Program Files\"\\helper.exe \"selftest\" \"\"", L"\"\""},
        /* A mark that never ends. */
        {L"\"helper.exe selftest --json", L""},
};

START_TEST(test_tail) {
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
                const wchar_t *tail = command_tail(table[i].line);

                ck_assert_int_eq(wcscmp(tail, table[i].tail), 0);
                ck_assert(tail >= table[i].line && tail <= table[i].line + wcslen(table[i].line));
        }
}
END_TEST

int main(void) {
        TCase *cases = tcase_create("tail");
        Suite *suite = suite_create("command-tail");

        tcase_add_test(cases, test_tail);
        suite_add_tcase(suite, cases);
        return suite_run(suite);
}
