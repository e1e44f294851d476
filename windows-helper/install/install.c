/* SPDX-License-Identifier: MIT */

/*
 * The steps of installing and removing: program, data folder, event source, Hyper-V registration
 * and service.
 */

#include "windows-helper/install/install.h"
#include "windows-helper/install/scm.h"
#include "windows-helper/service/service.h"
#include "windows-helper/store/key-store.h"
#include "windows-helper/store/paths.h"
#include "windows-helper/win/log.h"
#include "windows-helper/win/secure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define INSTALL_EXE         L"wslbridge-helper.exe"
#define INSTALL_COMMAND_MAX (PATHS_MAX + 256)

static void install_say(const char *what, const wchar_t *where) {
        printf("  %-10s %ls\n", what, where);
        (void) fflush(stdout);
}

static LSTATUS install_value(HKEY key, const wchar_t *name, DWORD type, const void *data,
                             size_t size) {
        return RegSetValueExW(key, name, 0, type, data, (DWORD) size);
}

/* Tell the Event Viewer where it finds the texts of our events. */
static int install_event_source(const wchar_t *exe) {
        DWORD types = EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE;
        LSTATUS error;
        HKEY key;

        error = RegCreateKeyExW(HKEY_LOCAL_MACHINE, PATHS_KEY_EVENT_SOURCE, 0, NULL, 0,
                                KEY_SET_VALUE, NULL, &key, NULL);
        if (error == ERROR_SUCCESS) {
                error = install_value(key, L"EventMessageFile", REG_EXPAND_SZ, exe,
                                      (wcslen(exe) + 1) * sizeof(*exe));
                if (error == ERROR_SUCCESS)
                        error = install_value(key, L"TypesSupported", REG_DWORD, &types,
                                              sizeof(types));
                (void) RegCloseKey(key);
        }
        if (error != ERROR_SUCCESS)
                return log_win_error((DWORD) error, "Cannot register the event source");
        install_say("events", L"source 'wslbridge' in the log Application");
        return 0;
}

static int install_hyperv_service(void) {
        static const wchar_t name[] = L"wslbridge";
        LSTATUS error;
        HKEY key;

        error = RegCreateKeyExW(HKEY_LOCAL_MACHINE, PATHS_KEY_HYPERV_SERVICE, 0, NULL, 0,
                                KEY_SET_VALUE, NULL, &key, NULL);
        if (error == ERROR_SUCCESS) {
                error = install_value(key, L"ElementName", REG_SZ, name, sizeof(name));
                (void) RegCloseKey(key);
        }
        if (error != ERROR_SUCCESS)
                return log_win_error((DWORD) error, "Cannot register with Hyper-V");
        install_say("hyper-v", L"service 57534c42-facb-11e6-bd58-64006a7986d3");
        return 0;
}

/* Copy this program to the place from which the service runs it, unless it is there already. */
static int install_program(wchar_t ret_exe[PATHS_MAX]) {
        wchar_t self[PATHS_MAX], folder[PATHS_MAX];
        DWORD n = GetModuleFileNameW(NULL, self, PATHS_MAX);
        int r;

        if (n == 0 || n >= PATHS_MAX)
                return log_win_error(GetLastError(), "Cannot find the file of this program");
        r = paths_program(NULL, folder);
        if (r == 0)
                r = paths_program(INSTALL_EXE, ret_exe);
        if (r < 0)
                return r;
        /* The folder inherits the protection of Program Files: users may read and run, not write.
         */
        if (!CreateDirectoryW(folder, NULL) && GetLastError() != ERROR_ALREADY_EXISTS)
                return log_win_error(GetLastError(), "Cannot create folder '%ls'", folder);
        if (_wcsicmp(self, ret_exe) != 0 && !CopyFileW(self, ret_exe, FALSE))
                return log_win_error(GetLastError(), "Cannot copy the program to '%ls'", ret_exe);
        install_say("program", ret_exe);
        return 0;
}

static int install_data(void) {
        wchar_t folder[PATHS_MAX];
        int r = paths_data(NULL, folder);

        if (r == 0)
                r = secure_folder(folder, SECURE_PUBLIC_FILE);
        if (r == 0)
                r = secure_key(KEY_STORE_PATH, SECURE_SECRET_KEY);
        if (r == 0)
                install_say("data", folder);
        return r;
}

int install(const wchar_t *arguments) {
        wchar_t exe[PATHS_MAX], command[INSTALL_COMMAND_MAX];
        int r;

        r = install_service_end(/* hand_over= */ true);
        if (r == -ENOENT)
                r = 0;
        if (r == 0)
                r = install_program(exe);
        if (r == 0)
                r = install_data();
        if (r == 0)
                r = install_event_source(exe);
        if (r == 0)
                r = install_hyperv_service();
        if (r < 0)
                return r;
        /* Without the quotes, Windows would try C:\Program.exe first (fact 9.1.7). */
        (void) swprintf(command, INSTALL_COMMAND_MAX, L"\"%ls\" run --service%ls%ls", exe,
                        arguments[0] ? L" " : L"", arguments);
        r = install_service_make(command);
        if (r == 0)
                install_say("service", SERVICE_NAME L", started now and at each boot");
        return r;
}

static int uninstall_key(const wchar_t *path, const char *what) {
        LSTATUS error = RegDeleteTreeW(HKEY_LOCAL_MACHINE, path);

        if (error == ERROR_SUCCESS) /* delete the key itself too, if the call has left it */
                (void) RegDeleteKeyW(HKEY_LOCAL_MACHINE, path);
        if (error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND)
                return 0;
        if (error != ERROR_SUCCESS)
                return log_win_error((DWORD) error, "Cannot remove key 'HKLM\\%ls'", path);
        install_say(what, path);
        return 0;
}

static int uninstall_file(const wchar_t *path) {
        DWORD error;

        if (DeleteFileW(path)) {
                install_say("file", path);
                return 0;
        }
        error = GetLastError();
        if (error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND)
                return 0;
        /* A program cannot remove its own file while it is running. */
        if (MoveFileExW(path, NULL, MOVEFILE_DELAY_UNTIL_REBOOT)) {
                install_say("file", path);
                printf("             (in use; removed when Windows is restarted)\n");
                return 0;
        }
        return log_win_error(error, "Cannot remove file '%ls'", path);
}

static int uninstall_files(void) {
        static const wchar_t *const data[] = {L"status.json", L"status.json.new", L"lock"};
        wchar_t path[PATHS_MAX];
        int r = 0, r2;

        for (size_t i = 0; i < ARRAYSIZE(data); i++) {
                r2 = paths_data(data[i], path);
                if (r2 == 0)
                        r2 = uninstall_file(path);
                r = r ? r : r2;
        }
        if (paths_data(NULL, path) == 0 && RemoveDirectoryW(path))
                install_say("folder", path);
        r2 = paths_program(INSTALL_EXE, path);
        if (r2 == 0)
                r2 = uninstall_file(path);
        r = r ? r : r2;
        if (paths_program(NULL, path) == 0 && RemoveDirectoryW(path))
                install_say("folder", path);
        return r;
}

/* The ledger is removed only after the rules that it proves to be ours. Otherwise nobody could tell
 * them from the rules of other programs. */
int uninstall(void) {
        size_t n_rules = 0, n_firewall = 0;
        int r, r2;

        r = install_service_end(/* hand_over= */ false);
        if (r < 0 && r != -ENOENT)
                return r;
        r = helper_withdraw(&n_rules, &n_firewall);
        if (r < 0) {
                log_write(LOG_LEVEL_ERROR, "Some rules could not be removed, so nothing else was "
                                           "removed; run 'wslbridge-helper uninstall' again");
                return r;
        }
        printf("  %-10s %zu left by the service\n", "rules", n_rules);
        printf("  %-10s %zu left by the service\n", "firewall", n_firewall);
        r = install_service_remove();
        if (r == 0)
                install_say("service", SERVICE_NAME);
        else if (r == -ENOENT)
                r = 0;
        r2 = uninstall_key(PATHS_KEY_SETTINGS, "settings");
        r = r ? r : r2;
        r2 = uninstall_key(PATHS_KEY_EVENT_SOURCE, "events");
        r = r ? r : r2;
        r2 = uninstall_key(PATHS_KEY_HYPERV_SERVICE, "hyper-v");
        r = r ? r : r2;
        r2 = uninstall_files();
        return r ? r : r2;
}
