/* SPDX-License-Identifier: MIT */

/*
 * Step 3: the list of virtual machines, and which privileges of the caller it takes.
 */

#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/vm/hcs.h"

#include "common/json-read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is shown of a system: everything else is an id, or a name that somebody has chosen. */
typedef struct HcsSystem {
        char type[32], owner[32], state[32], id[JSON_STRING_MAX + 1], runtime[JSON_STRING_MAX + 1];
        char members[160]; /* the names of all */
} HcsSystem;

static void hcs_member(const JsonToken *t, HcsSystem *system) {
        const struct {
                const char *name;
                char *text;
                size_t size;
        } members[] = {
                {"SystemType", system->type, sizeof(system->type)},
                {"Owner", system->owner, sizeof(system->owner)},
                {"State", system->state, sizeof(system->state)},
                {"Id", system->id, sizeof(system->id)},
                {"RuntimeId", system->runtime, sizeof(system->runtime)},
        };
        size_t n = strlen(system->members);

        for (size_t i = 0; i < ARRAYSIZE(members); i++)
                if (strcmp(t->name, members[i].name) == 0)
                        (void) snprintf(members[i].text, members[i].size, "%.*s",
                                        (int) members[i].size - 1, t->text);
        if (n + strlen(t->name) + 2 < sizeof(system->members))
                (void) snprintf(system->members + n, sizeof(system->members) - n, " %s", t->name);
}

static void hcs_system(Step *s, JsonReader *r) {
        HcsSystem system = {.type = ""};
        uint64_t began = step_clock();
        JsonToken t;
        VmId id;

        while (json_next(r, &t) == 0 && t.type != JSON_OBJECT_END) {
                if (json_skip(r, &t) < 0)
                        return;
                hcs_member(&t, &system);
        }
        step_line(s, "hcs.system", "", 0, began,
                  "a system: type %s, owner %s, state %s, its Id is %s, RuntimeId is %s",
                  system.type, strcmp(system.owner, "WSL") == 0 ? "WSL" : "another", system.state,
                  vm_id_parse(system.id, &id) == 0 ? "a GUID" : "no GUID",
                  strcmp(system.id, system.runtime) == 0 ? "the same"
                  : system.runtime[0]                    ? "another"
                                                         : "missing");
        step_line(s, "hcs.members", "", 0, began, "what Windows tells of it:%s", system.members);
}

static void hcs_show(Step *s, const char *json) {
        JsonReader r;
        JsonToken t;

        json_reader_init(&r, json, strlen(json));
        if (json_next(&r, &t) < 0 || t.type != JSON_ARRAY)
                return;
        while (json_next(&r, &t) == 0 && t.type == JSON_OBJECT)
                hcs_system(s, &r);
}

/* Ask once, as the thread is now. */
static void hcs_ask_as(Step *s, const char *key, const char *who, bool show) {
        uint64_t began = step_clock();
        char *json = NULL;
        uint32_t code = 0;
        VmList list;
        int r = hcs_query(&json, &code);

        if (r == 0 && vm_list_parse(json, strlen(json), &list) < 0)
                r = -EPROTO;
        if (r == -ENOSYS || r == -ENOEXEC)
                step_skip(s, key, "HcsEnumerateComputeSystems", "%s", vm_list_error_text(r));
        else if (r == 0)
                step_line(s, key, "HcsEnumerateComputeSystems", 0, began,
                          "%s: %zu virtual machines", who, list.n);
        else
                step_line(s, key, "HcsEnumerateComputeSystems", code ? code : ERROR_INVALID_DATA,
                          began, "%s: %s", who, vm_list_error_text(r));
        if (r == 0 && show)
                hcs_show(s, json);
        free(json);
}

/* Take all privileges but @keep out of a copy of the process's token. */
static DWORD hcs_strip(HANDLE token, const wchar_t *const *keep, size_t n_keep) {
        union {
                TOKEN_PRIVILEGES p;
                BYTE bytes[2048];
        } u;
        DWORD size;

        if (!GetTokenInformation(token, TokenPrivileges, &u, sizeof(u), &size))
                return GetLastError();
        for (DWORD i = 0; i < u.p.PrivilegeCount; i++) {
                u.p.Privileges[i].Attributes = SE_PRIVILEGE_REMOVED;
                for (size_t k = 0; k < n_keep; k++) {
                        LUID luid;

                        if (LookupPrivilegeValueW(NULL, keep[k], &luid) &&
                            luid.LowPart == u.p.Privileges[i].Luid.LowPart)
                                u.p.Privileges[i].Attributes = SE_PRIVILEGE_ENABLED;
                }
        }
        return AdjustTokenPrivileges(token, FALSE, &u.p, 0, NULL, NULL) ? ERROR_SUCCESS
                                                                        : GetLastError();
}

/* The thread acts with the copy while it asks. */
static void hcs_ask_stripped(Step *s, const char *key, const char *who, const wchar_t *const *keep,
                             size_t n_keep) {
        const DWORD access = TOKEN_DUPLICATE | TOKEN_QUERY;
        HANDLE token = NULL, copy = NULL;
        DWORD error = ERROR_SUCCESS;

        if (!OpenProcessToken(GetCurrentProcess(), access, &token) ||
            !DuplicateTokenEx(token, access | TOKEN_ADJUST_PRIVILEGES | TOKEN_IMPERSONATE, NULL,
                              SecurityImpersonation, TokenImpersonation, &copy))
                error = GetLastError();
        if (error == ERROR_SUCCESS)
                error = hcs_strip(copy, keep, n_keep);
        if (error == ERROR_SUCCESS && !SetThreadToken(NULL, copy))
                error = GetLastError();
        if (error == ERROR_SUCCESS) {
                hcs_ask_as(s, key, who, false);
                (void) RevertToSelf();
        } else {
                step_skip(s, key, "AdjustTokenPrivileges", "error %lu", error);
        }
        if (copy)
                (void) CloseHandle(copy);
        if (token)
                (void) CloseHandle(token);
}

/* An emulated process may find one that it cannot load (fact 2.2.10). */
static void hcs_try_load(Step *s) {
        uint64_t began = step_clock();
        HMODULE library = LoadLibraryExW(L"computecore.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
        DWORD error = library ? ERROR_SUCCESS : GetLastError();

        if (error == ERROR_MOD_NOT_FOUND)
                step_skip(s, "hcs.load", "LoadLibraryExW", "this Windows has no computecore.dll");
        else
                step_line(s, "hcs.load", "LoadLibraryExW", error, began, "computecore.dll");
}

void step_hcs(Step *s) {
        static const wchar_t *const ours[] = {L"SeChangeNotifyPrivilege",
                                              L"SeImpersonatePrivilege"};

        hcs_try_load(s);
        hcs_ask_as(s, "hcs.list", "all privileges", true);
        hcs_ask_stripped(s, "hcs.list.ours", "the privileges of the helper", ours, ARRAYSIZE(ours));
        hcs_ask_stripped(s, "hcs.list.none", "no privilege", NULL, 0);
}

bool step_find_vm(Step *s, const char *key, Vm *ret_vm) {
        VmList list;
        int r = hcs_list(&list);

        for (size_t i = 0; r == 0 && i < list.n; i++) {
                if (list.items[i].wsl) {
                        *ret_vm = list.items[i];
                        return true;
                }
        }
        step_skip(s, key, "", "no VM of WSL is known: %s",
                  r < 0 ? vm_list_error_text(r) : "none runs");
        return false;
}
