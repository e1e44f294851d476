/* SPDX-License-Identifier: MIT */

/*
 * PATH gets our folder once, and loses exactly that again.
 */

#include "windows-helper/core/install/path-list.h"

#include "tests/suite.h"

#define FOLDER L"C:\\Program Files\\wslbridge"

/* Lists without our folder. Adding and removing it leaves each as it was, to the letter. */
static const struct {
        const wchar_t *without, *with;
} added[] = {
        {L"", FOLDER},
        {L"C:\\a", L"C:\\a;" FOLDER},
        {L"C:\\a;", L"C:\\a;;" FOLDER},
        {L";", L";;" FOLDER},
        {L"C:\\a;;C:\\b", L"C:\\a;;C:\\b;" FOLDER},
        {L"%SystemRoot%\\system32;%SystemRoot%", L"%SystemRoot%\\system32;%SystemRoot%;" FOLDER},
        /* Folders whose names only begin or end like ours. */
        {FOLDER L"2;D:" FOLDER, FOLDER L"2;D:" FOLDER L";" FOLDER},
        {FOLDER L"\\guest;wslbridge", FOLDER L"\\guest;wslbridge;" FOLDER},
        /* In quotes, a ';' is a letter. */
        {L"\"C:\\a;" FOLDER L"\";C:\\b", L"\"C:\\a;" FOLDER L"\";C:\\b;" FOLDER},
        /* A quote that nobody closes. */
        {L"\"C:\\a;C:\\b", L"\"C:\\a;C:\\b;" FOLDER},
        {L"C:\\a\"", L"C:\\a\";" FOLDER},
};

/* Lists that have our folder, and what is left without it. */
static const struct {
        const wchar_t *with, *without;
        size_t n;
} there[] = {
        {FOLDER, L"", 1},
        {FOLDER L";C:\\a", L"C:\\a", 1},
        {FOLDER L";;C:\\a", L";C:\\a", 1},
        {L"C:\\a;" FOLDER L";C:\\b", L"C:\\a;C:\\b", 1},
        {L"C:\\a;" FOLDER L"\\;C:\\b", L"C:\\a;C:\\b", 1},
        {L"C:\\a;c:\\PROGRAM files\\WSLBridge", L"C:\\a", 1},
        {L"\"" FOLDER L"\";C:\\a", L"C:\\a", 1},
        {L"C:\\a;\"" FOLDER L"\\\"", L"C:\\a", 1},
        {L"\"C:\\a;" FOLDER L";C:\\b", L"\"C:\\a;C:\\b", 1},
        /* Somebody has added it once more. */
        {FOLDER L";C:\\a;" FOLDER L"\\;" FOLDER, L"C:\\a", 3},
};

START_TEST(test_add_and_remove) {
        for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++) {
                wchar_t list[PATH_LIST_MAX];

                (void) wcscpy(list, added[i].without);
                ck_assert(!path_list_has(list, FOLDER));
                ck_assert(path_list_add(list, PATH_LIST_MAX, FOLDER));
                ck_assert_int_eq(wcscmp(list, added[i].with), 0);
                ck_assert(path_list_has(list, FOLDER));
                ck_assert(path_list_add(list, PATH_LIST_MAX, FOLDER));
                ck_assert_int_eq(wcscmp(list, added[i].with), 0);
                ck_assert_uint_eq(path_list_remove(list, FOLDER), 1);
                ck_assert_int_eq(wcscmp(list, added[i].without), 0);
                ck_assert_uint_eq(path_list_remove(list, FOLDER), 0);
        }
}
END_TEST

START_TEST(test_already_there) {
        for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
                wchar_t list[PATH_LIST_MAX];

                (void) wcscpy(list, there[i].with);
                ck_assert(path_list_has(list, FOLDER));
                ck_assert(path_list_add(list, PATH_LIST_MAX, FOLDER));
                ck_assert_int_eq(wcscmp(list, there[i].with), 0);
                ck_assert_uint_eq(path_list_remove(list, FOLDER), there[i].n);
                ck_assert_int_eq(wcscmp(list, there[i].without), 0);
        }
}
END_TEST

START_TEST(test_a_folder_with_a_backslash_at_its_end) {
        wchar_t list[PATH_LIST_MAX] = L"C:\\a;" FOLDER;

        ck_assert(path_list_has(list, FOLDER L"\\"));
        ck_assert_uint_eq(path_list_remove(list, FOLDER L"\\"), 1);
}
END_TEST

/* The list is as long as Windows allows, or one character shorter than our entry needs. */
START_TEST(test_room) {
        wchar_t list[PATH_LIST_MAX];
        const size_t room = PATH_LIST_MAX - wcslen(L";" FOLDER) - 1;

        (void) wmemset(list, L'a', room + 1);
        list[room + 1] = L'\0';
        ck_assert(!path_list_add(list, PATH_LIST_MAX, FOLDER));
        ck_assert_uint_eq(wcslen(list), room + 1);
        list[room] = L'\0';
        ck_assert(path_list_add(list, PATH_LIST_MAX, FOLDER));
        ck_assert_uint_eq(wcslen(list), PATH_LIST_MAX - 1);
        ck_assert_uint_eq(path_list_remove(list, FOLDER), 1);
        ck_assert_uint_eq(wcslen(list), room);
}
END_TEST

int main(void) {
        TCase *cases = tcase_create("path-list");
        Suite *suite = suite_create("path-list");

        tcase_add_test(cases, test_add_and_remove);
        tcase_add_test(cases, test_already_there);
        tcase_add_test(cases, test_a_folder_with_a_backslash_at_its_end);
        tcase_add_test(cases, test_room);
        suite_add_tcase(suite, cases);
        return suite_run(suite);
}
