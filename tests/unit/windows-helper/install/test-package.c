/* SPDX-License-Identifier: MIT */

/*
 * What an installation by Windows Installer leaves in its record, and what follows from that.
 */

#include "windows-helper/core/install/package.h"

#include "tests/suite.h"

#define OLD_CODE L"{00000000-1111-2222-3333-44444444ABCD}"
#define NEW_CODE L"{00000000-1111-2222-3333-44444444ABCE}"

START_TEST(test_codes) {
        static const wchar_t *const wrong[] = {
                L"",
                L"{}",
                L"00000000-1111-2222-3333-44444444ABCD",
                L"{00000000-1111-2222-3333-44444444ABCD",
                L"{00000000-1111-2222-3333-44444444ABCD}x",
                L"{00000000-1111-2222-3333-44444444ABC}",
                L"{00000000-1111-2222-3333-44444444ABCG}",
                L"{00000000x1111-2222-3333-44444444ABCD}",
                L"{0000000-01111-2222-3333-44444444ABCD}",
        };

        ck_assert(package_is_code(OLD_CODE));
        ck_assert(package_is_code(L"{abcdef00-1111-2222-3333-44444444abcd}"));
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
                ck_assert_msg(!package_is_code(wrong[i]), "%zu", i);
}
END_TEST

/* An installation that fails after our part of it, over each thing that may have been there. */
START_TEST(test_back) {
        static const struct {
                bool program, settings;
                PackageBack back;
        } table[] = {
                {false, false, PACKAGE_BACK_REMOVE},
                {false, true, PACKAGE_BACK_REMOVE_KEEP},
                {true, true, PACKAGE_BACK_REINSTALL},
                {true, false, PACKAGE_BACK_REINSTALL},
        };

        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
                const PackageService disabled = {4, false};
                PackageRecord record = {.owner = OLD_CODE};
                PackageService service;

                package_begin(&record, NEW_CODE, table[i].program ? &disabled : NULL,
                              table[i].settings);
                package_own(&record, NEW_CODE);
                ck_assert_int_eq(wcscmp(record.owner, NEW_CODE), 0);
                ck_assert_int_eq(package_back(&record, NEW_CODE, &service), table[i].back);
                ck_assert_int_eq(wcscmp(record.owner, OLD_CODE), 0);
                ck_assert_uint_eq(service.start_type, table[i].program ? 4 : 2);
                ck_assert(service.runs == !table[i].program);
                ck_assert_int_eq(package_back(&record, NEW_CODE, &service), PACKAGE_BACK_NOT);
                ck_assert(service.runs); /* nothing of it is left */
        }
}
END_TEST

/* One that was made by hand belongs to no package, before and after. */
START_TEST(test_back_to_one_made_by_hand) {
        const PackageService usual = PACKAGE_SERVICE_USUAL;
        PackageRecord record = {.before = PACKAGE_UNKNOWN};
        PackageService service;

        package_begin(&record, NEW_CODE, &usual, true);
        package_own(&record, NEW_CODE);
        ck_assert_int_eq(package_back(&record, NEW_CODE, &service), PACKAGE_BACK_REINSTALL);
        ck_assert_int_eq(record.owner[0], 0);
}
END_TEST

/* Windows Installer asks for the way back also if our part has not begun, or is complete. */
START_TEST(test_nothing_to_take_back) {
        const PackageService usual = PACKAGE_SERVICE_USUAL;
        PackageRecord record = {.owner = OLD_CODE};
        PackageService service;

        ck_assert_int_eq(package_back(&record, NEW_CODE, &service), PACKAGE_BACK_NOT);
        package_begin(&record, OLD_CODE, NULL, false);
        ck_assert_int_eq(package_back(&record, NEW_CODE, &service), PACKAGE_BACK_NOT);
        package_begin(&record, NEW_CODE, &usual, true);
        package_own(&record, NEW_CODE);
        package_forget(&record);
        ck_assert_int_eq(package_back(&record, NEW_CODE, &service), PACKAGE_BACK_NOT);
        ck_assert_int_eq(wcscmp(record.owner, NEW_CODE), 0);
}
END_TEST

/* A removal that Windows Installer takes back afterwards, and one that is complete. */
START_TEST(test_removed) {
        const PackageService disabled = {4, false};
        PackageRecord record = {.owner = NEW_CODE};
        PackageService service;

        package_removed(&record, NEW_CODE, &disabled);
        ck_assert_int_eq(record.owner[0], 0);
        ck_assert(package_is_under_way(&record, NEW_CODE));
        ck_assert(!package_is_under_way(&record, OLD_CODE));
        ck_assert_int_eq(package_back(&record, OLD_CODE, &service), PACKAGE_BACK_NOT);
        ck_assert(service.start_type == 2 && service.runs);
        ck_assert_int_eq(package_back(&record, NEW_CODE, &service), PACKAGE_BACK_REINSTALL);
        ck_assert(service.start_type == 4 && !service.runs);
        ck_assert_int_eq(wcscmp(record.owner, NEW_CODE), 0);
        package_removed(&record, NEW_CODE, &disabled);
        package_forget(&record);
        ck_assert(!package_is_under_way(&record, NEW_CODE));
        ck_assert_int_eq(record.owner[0], 0);
}
END_TEST

START_TEST(test_who_removes) {
        PackageRecord none = {.before = PACKAGE_UNKNOWN}, owned = {.owner = NEW_CODE};

        ck_assert(package_removes(&none, OLD_CODE, false));
        ck_assert(package_removes(&owned, NEW_CODE, true));
        ck_assert(package_removes(&owned, L"{00000000-1111-2222-3333-44444444abce}", true));
        /* An update removes the old package when the new one is there. */
        ck_assert(!package_removes(&owned, OLD_CODE, true));
        /* The update was cut off, and Windows does not know the new package. */
        ck_assert(package_removes(&owned, OLD_CODE, false));
}
END_TEST

int main(void) {
        TCase *cases = tcase_create("package");
        Suite *suite = suite_create("package");

        tcase_add_test(cases, test_codes);
        tcase_add_test(cases, test_back);
        tcase_add_test(cases, test_back_to_one_made_by_hand);
        tcase_add_test(cases, test_nothing_to_take_back);
        tcase_add_test(cases, test_removed);
        tcase_add_test(cases, test_who_removes);
        suite_add_tcase(suite, cases);
        return suite_run(suite);
}
