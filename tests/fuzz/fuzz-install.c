/* SPDX-License-Identifier: MIT */

/*
 * Any characters as what Windows gives to an installation: the files that it is to rename at its
 * next restart and the list of folders for programs, which both are written back; the name of a
 * package and the record of an installation, a command line, and versions. What was put in is
 * found, and what was taken out is gone.
 */

#include "windows-helper/core/base/command-tail.h"
#include "windows-helper/core/install/package.h"
#include "windows-helper/core/install/path-list.h"
#include "windows-helper/core/install/pending.h"
#include "windows-helper/core/setup/version.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FUZZ_MORE 256 /* characters beside those of the input */

#define FOLDER L"C:\\Program Files\\wslbridge"
#define FROM   FOLDER L"\\new.exe"
#define TO     FOLDER L"\\wslbridge-helper.exe"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool good) {
        if (!good)
                abort();
}

/* @data as characters, exactly as many and @more. A ~ is a NUL, so that a mutation may make lists.
 */
static wchar_t *characters(const uint8_t *data, size_t n, size_t more) {
        wchar_t *text = calloc(n + more + 1, sizeof(*text)); /* never of no size at all */

        require(text != NULL);
        for (size_t i = 0; i < n; i++)
                text[i] = data[i] == '~' ? L'\0' : data[i];
        return text;
}

static void fuzz_pending(const uint8_t *data, size_t n) {
        wchar_t *list = characters(data, n, FUZZ_MORE), found[FUZZ_MORE];
        size_t left = pending_forget(list, n, FOLDER), with;

        require(left <= n + 1 && (left == 0 || list[left - 1] == L'\0'));
        require(!pending_find(list, left, TO, found, FUZZ_MORE));
        with = pending_add(list, left, n + FUZZ_MORE, FROM, TO);
        require(with > left && list[with - 1] == L'\0');
        require(pending_find(list, with, TO, found, FUZZ_MORE) && wcscmp(found, FROM) == 0);
        require(pending_forget(list, with, FOLDER) == left);
        require(left == 0 || pending_forget(list, left, FOLDER) == left);
        free(list);
}

static void fuzz_path(const uint8_t *data, size_t n) {
        wchar_t *list = characters(data, n, FUZZ_MORE), *before = characters(data, n, 0);
        size_t size = wcslen(list) + 1;
        bool had = path_list_has(list, FOLDER);

        require(path_list_add(list, size, FOLDER) == had); /* there is no room */
        require(wcscmp(list, before) == 0);
        require(path_list_add(list, size + FUZZ_MORE, FOLDER) && path_list_has(list, FOLDER));
        require(path_list_remove(list, FOLDER) >= 1 && !path_list_has(list, FOLDER));
        require(had || wcscmp(list, before) == 0); /* to the letter */
        free(list);
        free(before);
}

static void fuzz_words(const uint8_t *data, size_t n) {
        wchar_t *line = characters(data, n, 0);
        const wchar_t *tail = command_tail(line);

        require(tail >= line && tail <= line + wcslen(line));
        require(*tail != L' ' && *tail != L'\t');
        if (package_is_code(line))
                require(wcslen(line) == PACKAGE_CODE_SIZE - 1);
        free(line);
}

/* The text as the owner that the registry has, and as what Windows Installer gives for a package.
 * An installation that is taken back leaves the owner who was there. */
static void fuzz_package(const uint8_t *data, size_t n) {
        static const wchar_t other[] = L"{01234567-89AB-CDEF-0123-456789ABCDEF}";
        wchar_t *text = characters(data, n, 0);
        PackageService service, found = {.start_type = 4, .runs = n % 2};
        PackageRecord record = {.before = PACKAGE_UNKNOWN}, before;

        (void) wcsncpy(record.owner, text, PACKAGE_CODE_SIZE - 1);
        before = record;
        require(package_removes(&record, record.owner, true));
        package_begin(&record, other, &found, false);
        require(package_is_under_way(&record, other));
        package_own(&record, other);
        require(package_removes(&record, other, true));
        require(package_back(&record, other, &service) == PACKAGE_BACK_REINSTALL);
        require(service.start_type == 4 && service.runs == found.runs);
        require(wcscmp(record.owner, before.owner) == 0 && !package_is_under_way(&record, other));
        require(package_back(&record, other, &service) == PACKAGE_BACK_NOT);
        if (package_is_code(text)) {
                package_begin(&record, text, NULL, true);
                require(wcscmp(record.trying, text) == 0 && package_is_under_way(&record, text));
                require(package_back(&record, text, &service) == PACKAGE_BACK_REMOVE_KEEP);
        }
        free(text);
}

/* Two versions, with a NUL between them. */
static void fuzz_versions(const uint8_t *data, size_t n) {
        char *a = calloc(n + 2, 1), *b;
        int r;

        require(a != NULL);
        for (size_t i = 0; i < n; i++)
                a[i] = data[i] == '~' ? '\0' : (char) data[i];
        b = a + strlen(a) + 1;
        r = version_compare(a, b);
        require((r > 0) == (version_compare(b, a) < 0) && version_compare(a, a) == 0);
        free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        fuzz_pending(data, n);
        fuzz_path(data, n);
        fuzz_words(data, n);
        fuzz_package(data, n);
        fuzz_versions(data, n);
        return 0;
}
