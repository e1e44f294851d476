/* SPDX-License-Identifier: MIT */

/*
 * Reading and writing the record.
 */

#include "windows-helper/install/package-store.h"
#include "windows-helper/store/paths.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/registry.h"

#include <stdio.h>
#include <string.h>

/* Where Windows Installer registers what it has installed (fact 9.6.4). */
#define PACKAGE_STORE_INSTALLED L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\%ls"
#define PACKAGE_STORE_OWNER     "Owner"
#define PACKAGE_STORE_TRYING    "Trying"
#define PACKAGE_STORE_PREVIOUS  "Previous"
#define PACKAGE_STORE_BEFORE    "Before"
#define PACKAGE_STORE_START     "StartType"
#define PACKAGE_STORE_STATE     "State"
#define PACKAGE_STORE_TEXT_MAX  64

static const char *const package_store_words[_PACKAGE_BEFORE_END] = {
        [PACKAGE_UNKNOWN] = "",
        [PACKAGE_NOTHING] = "nothing",
        [PACKAGE_SETTINGS] = "settings",
        [PACKAGE_PROGRAM] = "program",
};

/* Words, because people who look for a cause may read them. */
static const struct {
        const char *word;
        uint32_t start_type;
} package_store_starts[] = {
        {"auto", SERVICE_AUTO_START},
        {"demand", SERVICE_DEMAND_START},
        {"disabled", SERVICE_DISABLED},
};

static void package_store_service(RegistryKey *key, PackageService *ret_service) {
        char word[PACKAGE_STORE_TEXT_MAX];

        *ret_service = PACKAGE_SERVICE_USUAL;
        if (registry_get_string(key, PACKAGE_STORE_START, word, sizeof(word)) == 0)
                for (size_t i = 0; i < ARRAYSIZE(package_store_starts); i++)
                        if (strcmp(word, package_store_starts[i].word) == 0)
                                ret_service->start_type = package_store_starts[i].start_type;
        if (registry_get_string(key, PACKAGE_STORE_STATE, word, sizeof(word)) == 0)
                ret_service->runs = strcmp(word, "stopped") != 0;
}

static const char *package_store_start_word(const PackageRecord *record) {
        for (size_t i = 0; i < ARRAYSIZE(package_store_starts); i++)
                if (package_store_starts[i].start_type == record->service.start_type)
                        return package_store_starts[i].word;
        return "auto";
}

static void package_store_code(RegistryKey *key, const char *name,
                               wchar_t ret_code[PACKAGE_CODE_SIZE]) {
        char text[PACKAGE_STORE_TEXT_MAX];

        if (registry_get_string(key, name, text, sizeof(text)) != 0 ||
            win_to_wide(text, ret_code, PACKAGE_CODE_SIZE) < 0 || !package_is_code(ret_code))
                ret_code[0] = L'\0';
}

void package_store_read(PackageRecord *ret_record) {
        RegistryKey key = REGISTRY_KEY_INIT(PATHS_KEY_PACKAGE);
        char word[PACKAGE_STORE_TEXT_MAX];

        ret_record->before = PACKAGE_UNKNOWN;
        package_store_code(&key, PACKAGE_STORE_OWNER, ret_record->owner);
        package_store_code(&key, PACKAGE_STORE_TRYING, ret_record->trying);
        package_store_code(&key, PACKAGE_STORE_PREVIOUS, ret_record->previous);
        if (registry_get_string(&key, PACKAGE_STORE_BEFORE, word, sizeof(word)) == 0)
                for (int i = 0; i < _PACKAGE_BEFORE_END; i++)
                        if (strcmp(word, package_store_words[i]) == 0)
                                ret_record->before = i;
        package_store_service(&key, &ret_record->service);
        registry_close(&key);
}

/* A record that says nothing has no key. */
static bool package_store_is_empty(const PackageRecord *record) {
        return !record->owner[0] && !record->trying[0];
}

static int package_store_remove(void) {
        LSTATUS error = RegDeleteKeyW(HKEY_LOCAL_MACHINE, PATHS_KEY_PACKAGE);

        if (error == ERROR_SUCCESS || error == ERROR_FILE_NOT_FOUND)
                return 0;
        return log_win_error((DWORD) error, "Cannot remove key 'HKLM\\%s'",
                             WIN_UTF8(PATHS_KEY_PACKAGE));
}

/* What is empty has no value. */
static int package_store_set(RegistryKey *key, const char *name, const char *text) {
        return *text ? registry_set_string(key, name, text) : registry_delete(key, name);
}

int package_store_write(const PackageRecord *record) {
        RegistryKey key = REGISTRY_KEY_INIT(PATHS_KEY_PACKAGE);
        bool has_service = record->before == PACKAGE_PROGRAM;
        int r;

        if (package_store_is_empty(record))
                return package_store_remove();
        r = package_store_set(&key, PACKAGE_STORE_OWNER, WIN_UTF8(record->owner));
        if (r == 0)
                r = package_store_set(&key, PACKAGE_STORE_TRYING, WIN_UTF8(record->trying));
        if (r == 0)
                r = package_store_set(&key, PACKAGE_STORE_PREVIOUS, WIN_UTF8(record->previous));
        if (r == 0)
                r = package_store_set(&key, PACKAGE_STORE_BEFORE,
                                      package_store_words[record->before]);
        if (r == 0)
                r = package_store_set(&key, PACKAGE_STORE_START,
                                      has_service ? package_store_start_word(record) : "");
        if (r == 0)
                r = package_store_set(&key, PACKAGE_STORE_STATE,
                                      !has_service           ? ""
                                      : record->service.runs ? "running"
                                                             : "stopped");
        if (r == 0)
                r = registry_flush(&key);
        registry_close(&key);
        return r;
}

bool package_store_is_installed(const wchar_t *code) {
        wchar_t path[PATHS_MAX];
        LSTATUS error;
        HKEY key;

        if (win_format(path, PATHS_MAX, PACKAGE_STORE_INSTALLED, code) < 0)
                return true;
        error = RegOpenKeyExW(HKEY_LOCAL_MACHINE, path, 0, KEY_QUERY_VALUE, &key);
        if (error == ERROR_SUCCESS)
                (void) RegCloseKey(key);
        return error != ERROR_FILE_NOT_FOUND;
}
