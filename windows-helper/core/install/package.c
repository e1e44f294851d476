/* SPDX-License-Identifier: MIT */

/*
 * Deciding for Windows Installer, from the record of our last installation.
 */

#include "windows-helper/core/install/package.h"

#define PACKAGE_CODE_FORM L"{XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX}"

static wchar_t package_upper(wchar_t c) {
        return c >= L'a' && c <= L'z' ? c - L'a' + L'A' : c;
}

static bool package_same(const wchar_t *a, const wchar_t *b) {
        for (; *a && package_upper(*a) == package_upper(*b); a++)
                b++;
        return *a == *b;
}

static void package_copy(wchar_t ret_code[PACKAGE_CODE_SIZE], const wchar_t *code) {
        (void) wcsncpy(ret_code, code, PACKAGE_CODE_SIZE - 1);
        ret_code[PACKAGE_CODE_SIZE - 1] = L'\0';
}

bool package_is_code(const wchar_t *text) {
        static const wchar_t form[] = PACKAGE_CODE_FORM;

        for (size_t i = 0; i < PACKAGE_CODE_SIZE; i++)
                if (form[i] == L'X' ? !text[i] || !wcschr(L"0123456789ABCDEFabcdef", text[i])
                                    : text[i] != form[i])
                        return false;
        return true;
}

void package_begin(PackageRecord *record, const wchar_t *package, const PackageService *service,
                   bool settings) {
        package_copy(record->trying, package);
        package_copy(record->previous, record->owner);
        record->before = service ? PACKAGE_PROGRAM : settings ? PACKAGE_SETTINGS : PACKAGE_NOTHING;
        record->service = service ? *service : PACKAGE_SERVICE_USUAL;
}

void package_own(PackageRecord *record, const wchar_t *package) {
        package_copy(record->owner, package);
}

void package_forget(PackageRecord *record) {
        record->trying[0] = record->previous[0] = L'\0';
        record->before = PACKAGE_UNKNOWN;
        record->service = PACKAGE_SERVICE_USUAL;
}

void package_removed(PackageRecord *record, const wchar_t *package, const PackageService *service) {
        package_begin(record, package, service, /* settings= */ false);
        record->owner[0] = L'\0';
}

bool package_is_under_way(const PackageRecord *record, const wchar_t *package) {
        return package_same(record->trying, package);
}

/* The record may be an older installation's, if this one has failed before its first step. */
PackageBack package_back(PackageRecord *record, const wchar_t *package,
                         PackageService *ret_service) {
        PackageBefore before = record->before;

        *ret_service = PACKAGE_SERVICE_USUAL;
        if (!package_is_under_way(record, package))
                return PACKAGE_BACK_NOT;
        *ret_service = record->service;
        package_copy(record->owner, record->previous);
        package_forget(record);
        switch (before) {
        case PACKAGE_NOTHING:
                return PACKAGE_BACK_REMOVE;
        case PACKAGE_SETTINGS:
                return PACKAGE_BACK_REMOVE_KEEP;
        case PACKAGE_PROGRAM:
                return PACKAGE_BACK_REINSTALL;
        case PACKAGE_UNKNOWN:
        case _PACKAGE_BEFORE_END:
                break;
        }
        return PACKAGE_BACK_NOT;
}

bool package_removes(const PackageRecord *record, const wchar_t *package, bool owner_known) {
        return !record->owner[0] || !owner_known || package_same(record->owner, package);
}
