/* SPDX-License-Identifier: MIT */

/*
 * The list of what Windows deletes and renames at its next restart. In the tables '|' stands for a
 * NUL.
 */

#include "windows-helper/core/install/pending.h"

#include "tests/suite.h"

#include <string.h>

#define LIST_MAX 1024
#define FOLDER   L"C:\\Program Files\\wslbridge"
#define EXE      L"\\??\\C:\\Program Files\\wslbridge\\wslbridge-helper.exe"

static size_t list_of(const wchar_t *text, wchar_t ret_list[LIST_MAX]) {
        size_t n = wcslen(text);

        for (size_t i = 0; i < n; i++)
                ret_list[i] = text[i] == L'|' ? L'\0' : text[i];
        return n;
}

static void expect_list(const wchar_t *list, size_t n, const wchar_t *text) {
        wchar_t wanted[LIST_MAX];

        ck_assert_uint_eq(n, list_of(text, wanted));
        ck_assert_int_eq(wmemcmp(list, wanted, n), 0);
}

static const struct {
        const wchar_t *before, *after;
} table[] = {
        {L"", L""},
        {L"|", L""},
        {EXE L"|||", L""},
        /* Others' pairs stay, in their order. */
        {L"\\??\\C:\\a||\\??\\C:\\b|!\\??\\C:\\c||", L"\\??\\C:\\a||\\??\\C:\\b|!\\??\\C:\\c||"},
        {L"\\??\\C:\\a||" EXE L"||\\??\\C:\\b|\\??\\C:\\c||",
         L"\\??\\C:\\a||\\??\\C:\\b|\\??\\C:\\c||"},
        /* The case of letters does not matter. The folder itself, and a file that comes here. */
        {L"\\??\\c:\\PROGRAM FILES\\WSLBridge||\\??\\C:\\x|!" EXE L"||", L""},
        /* As Windows itself writes them since Windows 10. */
        {L"*1" EXE L"||*1\\??\\C:\\a||*12\\??\\C:\\x|*12!" EXE L"||", L"*1\\??\\C:\\a|||"},
        {L"*1" EXE L".1.old|||", L"*1" EXE L".1.old|||"},
        /* A name that is never used again may be deleted; it may not come back. */
        {EXE L".1.old|||", EXE L".1.old|||"},
        {EXE L".1.old|" EXE L"||", L""},
        /* A folder whose name only begins like ours. */
        {L"\\??\\C:\\Program Files\\wslbridge2\\x|||",
         L"\\??\\C:\\Program Files\\wslbridge2\\x|||"},
        /* Data that is cut: what is not whole is left out. */
        {L"\\??\\C:\\a||\\??\\C:\\b", L"\\??\\C:\\a|||"},
        {L"\\??\\C:\\a||\\??\\C:\\b|", L"\\??\\C:\\a|||"},
        {L"\\??\\C:\\a||\\??\\C:\\b|\\??\\C", L"\\??\\C:\\a|||"},
        /* Without the last NUL. */
        {L"\\??\\C:\\a||", L"\\??\\C:\\a|||"},
};

START_TEST(test_forget) {
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
                wchar_t list[LIST_MAX];
                size_t n = list_of(table[i].before, list);

                n = pending_forget(list, n, FOLDER);
                expect_list(list, n, table[i].after);
                expect_list(list, pending_forget(list, n, FOLDER), table[i].after);
        }
}
END_TEST

START_TEST(test_add) {
        wchar_t list[LIST_MAX];
        size_t n = pending_add(list, 0, LIST_MAX, L"C:\\a", L"C:\\b");

        expect_list(list, n, L"\\??\\C:\\a|!\\??\\C:\\b||");
        n = pending_add(list, n, LIST_MAX, L"C:\\c", NULL);
        expect_list(list, n, L"\\??\\C:\\a|!\\??\\C:\\b|\\??\\C:\\c|||");
        ck_assert_uint_eq(pending_add(list, n, n + 1, L"C:\\e", L"C:\\f"), 0);
}
END_TEST

START_TEST(test_add_needs_exactly_its_room) {
        wchar_t list[LIST_MAX];
        const size_t needed = wcslen(L"\\??\\C:\\a|!\\??\\C:\\b||");

        ck_assert_uint_eq(pending_add(list, 0, needed, L"C:\\a", L"C:\\b"), needed);
        ck_assert_uint_eq(pending_add(list, 0, needed - 1, L"C:\\a", L"C:\\b"), 0);
}
END_TEST

static const struct {
        const wchar_t *list, *path, *from; /* NULL: there is no such pair */
} finds[] = {
        {L"", L"C:\\b", NULL},
        {L"\\??\\C:\\a|!\\??\\C:\\b||", L"c:\\B", L"C:\\a"},
        {L"\\??\\C:\\x||*1\\??\\C:\\a|*1!\\??\\C:\\b||", L"C:\\b", L"C:\\a"},
        {L"\\??\\C:\\b|||", L"C:\\b", L""},
        /* It goes away under another name, or is another file. */
        {L"\\??\\C:\\b|\\??\\C:\\c||", L"C:\\b", NULL},
        {L"\\??\\C:\\bb||\\??\\C:\\a|C:\\b2||", L"C:\\b", NULL},
        /* Data that is cut, and a name for which there is no room. */
        {L"\\??\\C:\\a|\\??\\C:\\b", L"C:\\b", NULL},
        {L"\\??\\C:\\b", L"C:\\b", NULL},
        {L"\\??\\C:\\a-long-name|\\??\\C:\\b||", L"C:\\b", NULL},
};

START_TEST(test_find) {
        for (size_t i = 0; i < sizeof(finds) / sizeof(finds[0]); i++) {
                wchar_t list[LIST_MAX], from[8];
                size_t n = list_of(finds[i].list, list);
                bool found = pending_find(list, n, finds[i].path, from, 8);

                ck_assert_msg(found == (finds[i].from != NULL), "%zu", i);
                if (found)
                        ck_assert_int_eq(wcscmp(from, finds[i].from), 0);
        }
}
END_TEST

int main(void) {
        TCase *cases = tcase_create("pending");
        Suite *suite = suite_create("pending");

        tcase_add_test(cases, test_forget);
        tcase_add_test(cases, test_add);
        tcase_add_test(cases, test_find);
        tcase_add_test(cases, test_add_needs_exactly_its_room);
        suite_add_tcase(suite, cases);
        return suite_run(suite);
}
