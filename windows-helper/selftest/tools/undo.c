/* SPDX-License-Identifier: MIT */

/*
 * How each kind of thing is removed.
 */

#include "windows-helper/selftest/tools/undo.h"
#include "windows-helper/host/firewall-found.h"
#include "windows-helper/install/exchange/restart.h"
#include "windows-helper/selftest/tools/step.h"
#include "windows-helper/store/rule-store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNDO_WAIT_MS 10000
#define UNDO_POLL_MS 50

static const wchar_t *const undo_services[] = {STEP_SERVICE_NAME, STEP_RELAY_NAME};

static SC_HANDLE undo_open(const wchar_t *name, DWORD access) {
        SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT), service;
        DWORD error;

        if (!manager)
                return NULL;
        service = OpenServiceW(manager, name, access);
        error = GetLastError();
        (void) CloseServiceHandle(manager);
        SetLastError(error);
        return service;
}

static bool undo_has(const wchar_t *name) {
        SC_HANDLE service = undo_open(name, SERVICE_QUERY_STATUS);

        if (!service)
                return GetLastError() != ERROR_SERVICE_DOES_NOT_EXIST;
        (void) CloseServiceHandle(service);
        return true;
}

bool undo_has_service(void) {
        return undo_has(undo_services[0]) || undo_has(undo_services[1]);
}

void undo_end_service(SC_HANDLE service) {
        SERVICE_STATUS_PROCESS status = {0};
        SERVICE_STATUS ignored;
        HANDLE process = NULL;
        DWORD size;

        if (QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (BYTE *) &status, sizeof(status),
                                 &size) &&
            status.dwProcessId != 0)
                process = OpenProcess(SYNCHRONIZE, FALSE, status.dwProcessId);
        (void) ControlService(service, SERVICE_CONTROL_STOP, &ignored);
        if (!process)
                return;
        (void) WaitForSingleObject(process, UNDO_WAIT_MS);
        (void) CloseHandle(process);
}

static DWORD undo_one_service(const wchar_t *name) {
        SC_HANDLE service = undo_open(name, DELETE | SERVICE_STOP | SERVICE_QUERY_STATUS);
        DWORD error = ERROR_SUCCESS;

        if (!service) {
                error = GetLastError();
                return error == ERROR_SERVICE_DOES_NOT_EXIST ? ERROR_SUCCESS : error;
        }
        undo_end_service(service);
        if (!DeleteService(service))
                error = GetLastError();
        (void) CloseServiceHandle(service);
        /* The entry is there until every program has closed it. */
        for (int waited = 0; waited < UNDO_WAIT_MS && undo_has(name); waited += UNDO_POLL_MS)
                Sleep(UNDO_POLL_MS);
        return undo_has(name) ? (error ? error : ERROR_SERVICE_MARKED_FOR_DELETE) : ERROR_SUCCESS;
}

/* There is one at a time. */
DWORD undo_service(void) {
        DWORD error = ERROR_SUCCESS;

        for (size_t i = 0; i < ARRAYSIZE(undo_services); i++) {
                DWORD r = undo_one_service(undo_services[i]);

                if (r != ERROR_SUCCESS)
                        error = r;
        }
        return error;
}

DWORD undo_tell_forwarder(void) {
        SC_HANDLE service = undo_open(L"iphlpsvc", SERVICE_PAUSE_CONTINUE);
        DWORD error = ERROR_SUCCESS;
        SERVICE_STATUS status;

        if (!service)
                return GetLastError();
        if (!ControlService(service, SERVICE_CONTROL_PARAMCHANGE, &status))
                error = GetLastError();
        (void) CloseServiceHandle(service);
        return error;
}

/* Return: whether it was there; *ret_error: whether it still is. */
static bool undo_rule_if(RuleStore *store, const char *name, const char *data, int *ret_error) {
        char now[RULE_TEXT_MAX] = "";

        if (rule_store_get(store, RULE_V4TOV4, name, now, sizeof(now)) != 0 ||
            strcmp(now, data) != 0)
                return false; /* it is not there, or it is somebody else's */
        *ret_error = rule_store_delete(store, RULE_V4TOV4, name);
        if (*ret_error == 0 && rule_store_get(store, RULE_V4TOV4, name, now, sizeof(now)) == 0)
                *ret_error = -EBUSY;
        return true;
}

/* All values with @data. */
static bool undo_rules_to(RuleStore *store, const char *data, int *ret_error) {
        RuleTable table = RULE_TABLE_NULL;
        bool found = false;

        *ret_error = rule_store_read(store, false, &table);
        for (size_t i = 0; *ret_error == 0 && i < table.n_values; i++)
                if (table.values[i].family == RULE_V4TOV4)
                        found |= undo_rule_if(store, table.values[i].name, data, ret_error);
        rule_table_done(&table);
        return found;
}

DWORD undo_rule(const char *what) {
        const char *equals = strchr(what, '=');
        char name[RULE_TEXT_MAX];
        RuleStore store;
        bool found;
        int r = 0;

        if (!equals)
                return ERROR_INVALID_DATA;
        (void) snprintf(name, sizeof(name), "%.*s", (int) (equals - what), what);
        rule_store_init(&store);
        found = name[0] ? undo_rule_if(&store, name, equals + 1, &r)
                        : undo_rules_to(&store, equals + 1, &r);
        rule_store_done(&store);
        if (found)
                (void) undo_tell_forwarder();
        return r < 0 ? ERROR_WRITE_FAULT : ERROR_SUCCESS;
}

/* Whether the rule has our name and our grouping. */
static bool undo_is_ours(INetFwRule *rule) {
        static const wchar_t ours[] = L"" STEP_FIREWALL_NAME;
        BSTR name = NULL, grouping = NULL;
        bool is = SUCCEEDED(INetFwRule_get_Name(rule, &name)) && name &&
                  wcsncmp(name, ours, wcslen(ours)) == 0 &&
                  SUCCEEDED(INetFwRule_get_Grouping(rule, &grouping)) && grouping &&
                  wcscmp(grouping, ours) == 0;

        SysFreeString(name);
        SysFreeString(grouping);
        return is;
}

/* Give it a name that no other rule has, because Remove() takes any rule of a name (fact 5.1.5). */
static int undo_on_rule(void *userdata, INetFwRule *rule) {
        unsigned *n = userdata;
        wchar_t text[64];
        BSTR name;

        if (!undo_is_ours(rule))
                return 0;
        (void) win_format(text, ARRAYSIZE(text), L"%ls %u to be removed", L"" STEP_FIREWALL_NAME,
                          ++*n);
        name = SysAllocString(text);
        (void) INetFwRule_put_Enabled(rule, VARIANT_FALSE);
        (void) INetFwRule_put_Name(rule, name);
        SysFreeString(name);
        return 0;
}

static int undo_count(void *userdata, INetFwRule *rule) {
        *(unsigned *) userdata += undo_is_ours(rule);
        return 0;
}

/* Call @fn for all rules. Under Wine nothing is stored, and nothing can be listed (fact 10.1.2). */
static HRESULT undo_each_rule(FoundFn fn, bool remove, unsigned *n) {
        INetFwPolicy2 *policy = NULL;
        INetFwRules *rules = NULL;
        HRESULT started = CoInitializeEx(NULL, COINIT_MULTITHREADED), hr;

        hr = firewall_policy_open(&policy);
        if (SUCCEEDED(hr))
                hr = INetFwPolicy2_get_Rules(policy, &rules);
        if (SUCCEEDED(hr))
                hr = found_rules_each(rules, fn, n);
        for (unsigned i = 1; remove && SUCCEEDED(hr) && i <= *n; i++) {
                wchar_t text[64];
                BSTR name;

                (void) win_format(text, ARRAYSIZE(text), L"%ls %u to be removed",
                                  L"" STEP_FIREWALL_NAME, i);
                name = SysAllocString(text);
                hr = INetFwRules_Remove(rules, name);
                SysFreeString(name);
        }
        if (rules)
                INetFwRules_Release(rules);
        if (policy)
                INetFwPolicy2_Release(policy);
        if (SUCCEEDED(started))
                CoUninitialize();
        return hr == E_NOTIMPL ? S_OK : hr;
}

bool undo_has_firewall_rule(void) {
        unsigned n = 0;

        return SUCCEEDED(undo_each_rule(undo_count, false, &n)) && n > 0;
}

DWORD undo_firewall(void) {
        unsigned n = 0;
        HRESULT hr = undo_each_rule(undo_on_rule, true, &n);

        if (FAILED(hr))
                return (DWORD) hr;
        return undo_has_firewall_rule() ? ERROR_WRITE_FAULT : ERROR_SUCCESS;
}

DWORD undo_file(const wchar_t *path) {
        DWORD error = DeleteFileW(path) ? ERROR_SUCCESS : GetLastError();

        return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND ? ERROR_SUCCESS
                                                                              : error;
}

DWORD undo_folder(const wchar_t *path) {
        DWORD error = RemoveDirectoryW(path) ? ERROR_SUCCESS : GetLastError();

        return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND ? ERROR_SUCCESS
                                                                              : error;
}

DWORD undo_restart(const wchar_t *folder) {
        Restart restart = RESTART_NULL;
        int r = restart_spare(&restart, &folder, 1, NULL, 0);

        restart_free(&restart);
        return r < 0 ? ERROR_WRITE_FAULT : ERROR_SUCCESS;
}
