/* SPDX-License-Identifier: MIT */

/*
 * Making and removing keys and the data folder.
 */

#include "windows-helper/install/registration.h"
#include "windows-helper/install/exchange/program-file.h"
#include "windows-helper/program/report.h"
#include "windows-helper/relay/service-settings.h"
#include "windows-helper/relay/table-read.h"
#include "windows-helper/store/adoption-store.h"
#include "windows-helper/store/fact-store.h"
#include "windows-helper/store/key-store.h"
#include "windows-helper/store/ledger-store.h"
#include "windows-helper/store/paths.h"
#include "windows-helper/store/policy-store.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/secure.h"

#include "common/names.h"

#include <errno.h>
#include <stdio.h>

#define REGISTRATION_TEXT_MAX 128
#define REGISTRATION_NAME_MAX 256 /* of a key, with the NUL: the most that Windows allows */

static bool registration_has_key(const wchar_t *path) {
        HKEY key;
        LSTATUS error = RegOpenKeyExW(HKEY_LOCAL_MACHINE, path, 0, KEY_QUERY_VALUE, &key);

        if (error == ERROR_SUCCESS)
                (void) RegCloseKey(key);
        return error != ERROR_FILE_NOT_FOUND && error != ERROR_PATH_NOT_FOUND;
}

void registration_look(Registration *r) {
        wchar_t folder[PATHS_MAX];

        r->had_events = registration_has_key(PATHS_KEY_EVENT_SOURCE);
        r->had_hyperv = registration_has_key(PATHS_KEY_HYPERV_SERVICE);
        r->had_settings = registration_has_key(PATHS_KEY_SETTINGS);
        r->had_keys = registration_has_key(KEY_STORE_PATH);
        r->had_relay = registration_has_key(RELAY_KEY);
        r->had_folder = paths_data(NULL, folder) < 0 ||
                        GetFileAttributesW(folder) != INVALID_FILE_ATTRIBUTES;
}

static LSTATUS registration_value(HKEY key, const wchar_t *name, DWORD type, const void *data,
                                  size_t size) {
        return RegSetValueExW(key, name, 0, type, data, (DWORD) size);
}

/* Tell the Event Viewer where it finds the texts of our events. */
int registration_events(const wchar_t *exe) {
        DWORD types = EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE;
        LSTATUS error;
        HKEY key;

        error = RegCreateKeyExW(HKEY_LOCAL_MACHINE, PATHS_KEY_EVENT_SOURCE, 0, NULL, 0,
                                KEY_SET_VALUE, NULL, &key, NULL);
        if (error == ERROR_SUCCESS) {
                error = registration_value(key, L"EventMessageFile", REG_EXPAND_SZ, exe,
                                           (wcslen(exe) + 1) * sizeof(*exe));
                if (error == ERROR_SUCCESS)
                        error = registration_value(key, L"TypesSupported", REG_DWORD, &types,
                                                   sizeof(types));
                (void) RegCloseKey(key);
        }
        if (error != ERROR_SUCCESS)
                return log_win_error((DWORD) error, "Cannot register the event source");
        report_done("events", L"source '" NAMES_EVENT_SOURCE "' in the log Application");
        return 0;
}

int registration_hyperv(void) {
        static const wchar_t name[] = L"wslbridge";
        LSTATUS error;
        HKEY key;

        error = RegCreateKeyExW(HKEY_LOCAL_MACHINE, PATHS_KEY_HYPERV_SERVICE, 0, NULL, 0,
                                KEY_SET_VALUE, NULL, &key, NULL);
        if (error == ERROR_SUCCESS) {
                error = registration_value(key, L"ElementName", REG_SZ, name, sizeof(name));
                (void) RegCloseKey(key);
        }
        if (error != ERROR_SUCCESS)
                return log_win_error((DWORD) error, "Cannot register with Hyper-V");
        report_done("hyper-v", L"service 57534c42-facb-11e6-bd58-64006a7986d3");
        return 0;
}

int registration_data(bool relay) {
        wchar_t folder[PATHS_MAX];
        int r = paths_data(NULL, folder);

        if (r == 0)
                r = secure_folder(folder, SECURE_PUBLIC_FILE);
        if (r == 0)
                r = secure_key(KEY_STORE_PATH, SECURE_SECRET_KEY);
        if (r == 0 && relay)
                r = secure_key(RELAY_KEY, RELAY_KEY_RIGHTS);
        if (r == 0)
                report_done("data", folder);
        return r;
}

/* @what: for the line that says so; NULL: say nothing. */
static int registration_delete_key(const wchar_t *path, const char *what) {
        LSTATUS error = RegDeleteTreeW(HKEY_LOCAL_MACHINE, path);

        if (error == ERROR_SUCCESS) /* delete the key itself too, if the call has left it */
                (void) RegDeleteKeyW(HKEY_LOCAL_MACHINE, path);
        if (error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND)
                return 0;
        if (error != ERROR_SUCCESS)
                return log_win_error((DWORD) error, "Cannot remove key 'HKLM\\%s'", WIN_UTF8(path));
        if (what)
                report_done(what, path);
        return 0;
}

/* Whether there is no value in a key, nor below it. False for a key that cannot be read. */
static bool registration_is_empty(HKEY parent, const wchar_t *path) {
        wchar_t name[REGISTRATION_NAME_MAX];
        DWORD n_values = 0, n_keys = 0;
        bool empty;
        HKEY key;

        if (RegOpenKeyExW(parent, path, 0, KEY_READ, &key) != ERROR_SUCCESS)
                return false;
        empty = RegQueryInfoKeyW(key, NULL, NULL, NULL, &n_keys, NULL, NULL, &n_values, NULL, NULL,
                                 NULL, NULL) == ERROR_SUCCESS &&
                n_values == 0;
        for (DWORD i = 0; empty && i < n_keys; i++) {
                DWORD size = ARRAYSIZE(name);

                empty = RegEnumKeyExW(key, i, name, &size, NULL, NULL, NULL, NULL) ==
                                ERROR_SUCCESS &&
                        registration_is_empty(key, name);
        }
        (void) RegCloseKey(key);
        return empty;
}

void registration_sweep_relay(void) {
        if (registration_is_empty(HKEY_LOCAL_MACHINE, RELAY_KEY))
                (void) registration_delete_key(RELAY_KEY, NULL);
}

int registration_events_undo(const Registration *r) {
        return r->had_events ? 0 : registration_delete_key(PATHS_KEY_EVENT_SOURCE, NULL);
}

int registration_hyperv_undo(const Registration *r) {
        return r->had_hyperv ? 0 : registration_delete_key(PATHS_KEY_HYPERV_SERVICE, NULL);
}

/* The rules of a service that ran for a moment were withdrawn by then. */
int registration_data_undo(const Registration *r) {
        const struct {
                bool had;
                const wchar_t *path;
        } keys[] = {{r->had_keys, KEY_STORE_PATH},
                    {r->had_relay, RELAY_KEY},
                    {r->had_settings, PATHS_KEY_SETTINGS}};
        int error = 0, r2;

        for (size_t i = 0; i < ARRAYSIZE(keys); i++) {
                r2 = keys[i].had ? 0 : registration_delete_key(keys[i].path, NULL);
                error = error ? error : r2;
        }
        r2 = r->had_folder ? 0 : registration_remove_data();
        return error ? error : r2;
}

/* The number of values of a key; 0 when there is none. */
static unsigned long registration_values(const wchar_t *path) {
        DWORD n = 0;
        HKEY key;

        if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, path, 0, KEY_QUERY_VALUE, &key) != ERROR_SUCCESS)
                return 0;
        if (RegQueryInfoKeyW(key, NULL, NULL, NULL, NULL, NULL, NULL, &n, NULL, NULL, NULL, NULL) !=
            ERROR_SUCCESS)
                n = 0;
        (void) RegCloseKey(key);
        return n;
}

/* What nobody but an administrator can make again is named, whether it goes or stays. */
int registration_remove_settings(bool keep) {
        static const wchar_t *const passing[] = {LEDGER_STORE_PATH,     ADOPTION_STORE_PATH,
                                                 FACT_STORE_PATH,       RELAY_KEY L"\\v4tov4",
                                                 RELAY_KEY L"\\v4tov6", RELAY_KEY L"\\v6tov4",
                                                 RELAY_KEY L"\\v6tov6"};
        unsigned long pairings = registration_values(KEY_STORE_PATH);
        unsigned long policy = registration_values(POLICY_STORE_LOCAL);
        unsigned long limits = registration_values(RELAY_KEY_LIMITS);
        char text[REGISTRATION_TEXT_MAX];
        int r = registration_delete_key(PATHS_KEY_PACKAGE, NULL);

        (void) snprintf(text, sizeof(text),
                        "pairings: %lu; values of the local policy: %lu; limits of the relay: %lu",
                        pairings, policy, limits);
        if (!keep) {
                bool there = registration_has_key(PATHS_KEY_SETTINGS);

                int r2 = registration_delete_key(PATHS_KEY_SETTINGS, "settings");

                if (there && r2 == 0)
                        report_remark(text);
                return r ? r : r2;
        }
        for (size_t i = 0; i < ARRAYSIZE(passing); i++) {
                int r2 = registration_delete_key(passing[i], "settings");

                r = r ? r : r2;
        }
        registration_sweep_relay(); /* without limits there is nothing to keep */
        if (registration_has_key(PATHS_KEY_SETTINGS)) {
                report_done("kept", PATHS_KEY_SETTINGS);
                report_remark(text);
        }
        return r;
}

int registration_remove_events(void) {
        return registration_delete_key(PATHS_KEY_EVENT_SOURCE, "events");
}

int registration_remove_hyperv(void) {
        return registration_delete_key(PATHS_KEY_HYPERV_SERVICE, "hyper-v");
}

int registration_remove_data(void) {
        static const wchar_t *const files[] = {L"status.json", L"status.json.new", L"lock"};
        wchar_t path[PATHS_MAX];
        int r = 0;

        for (size_t i = 0; i < ARRAYSIZE(files); i++) {
                int r2 = paths_data(files[i], path);

                if (r2 == 0)
                        r2 = program_delete_file(path);
                r = r ? r : r2;
        }
        if (paths_data(NULL, path) == 0)
                program_delete_folder(path);
        return r;
}
