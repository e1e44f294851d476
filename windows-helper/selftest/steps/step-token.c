/* SPDX-License-Identifier: MIT */

/*
 * Step 2: who asks, with which rights, and who may touch what is ours.
 */

#include "windows-helper/selftest/steps/steps.h"
#include "windows-helper/service/service.h"
#include "windows-helper/store/key-store.h"
#include "windows-helper/store/paths.h"
#include "windows-helper/store/rule-store.h"

#include <aclapi.h>
#include <sddl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As install/scm-config.c names them: of the helper's service, and of the relay's. */
#define TOKEN_PRIVILEGES_HELPER 2
#define TOKEN_PRIVILEGES_RELAY  1

/* The caller frees. NULL with GetLastError(). */
static void *token_get(HANDLE token, TOKEN_INFORMATION_CLASS class) {
        DWORD size = 0;
        void *data;

        (void) GetTokenInformation(token, class, NULL, 0, &size);
        data = malloc(size > 0 ? size : 1);
        if (data && !GetTokenInformation(token, class, data, size, &size)) {
                free(data);
                return NULL;
        }
        return data;
}

static void token_sid_text(PSID sid, char *ret_text, size_t size) {
        wchar_t *text = NULL;

        (void) snprintf(ret_text, size, "?");
        if (ConvertSidToStringSidW(sid, &text))
                (void) snprintf(ret_text, size, "%s", WIN_UTF8(text));
        (void) LocalFree(text);
}

/* One SID of the token: TOKEN_USER and TOKEN_MANDATORY_LABEL have nothing else. */
static void token_sid(Step *s, HANDLE token, TOKEN_INFORMATION_CLASS class, const char *key,
                      const char *what) {
        uint64_t began = step_clock();
        SID_AND_ATTRIBUTES *found = token_get(token, class);
        DWORD error = found ? ERROR_SUCCESS : GetLastError();
        char sid[160] = "";

        if (found)
                token_sid_text(found->Sid, sid, sizeof(sid));
        step_line(s, key, "GetTokenInformation", error, began, "%s %s", what, sid);
        free(found);
}

/* As many groups as fit into one line. Those of TokenRestrictedSids restrict the token. */
static void token_groups(Step *s, HANDLE token, TOKEN_INFORMATION_CLASS class, const char *key,
                         const char *what) {
        uint64_t began = step_clock();
        TOKEN_GROUPS *groups = token_get(token, class);
        DWORD error = groups ? ERROR_SUCCESS : GetLastError();
        char text[SELFTEST_TEXT_MAX + 1] = "";
        size_t n = 0;

        for (DWORD i = 0; groups && i < groups->GroupCount && n + 64 < sizeof(text); i++) {
                char sid[160];

                token_sid_text(groups->Groups[i].Sid, sid, sizeof(sid));
                if (n + strlen(sid) + 2 < sizeof(text))
                        n += (size_t) snprintf(text + n, sizeof(text) - n, " %s", sid);
        }
        step_line(s, key, "GetTokenInformation", error, began, "%s: %lu%s", what,
                  groups ? groups->GroupCount : 0, text);
        free(groups);
}

/* @ret_n: of those that the token has, enabled or not */
static void token_privileges_text(const TOKEN_PRIVILEGES *p, char *ret_text, size_t size) {
        size_t n = 0;

        ret_text[0] = '\0';
        for (DWORD i = 0; i < p->PrivilegeCount; i++) {
                wchar_t name[64] = L"?";
                DWORD length = ARRAYSIZE(name);
                LUID luid = p->Privileges[i].Luid;

                (void) LookupPrivilegeNameW(NULL, &luid, name, &length);
                if (n + wcslen(name) + 3 >= size)
                        continue;
                n += (size_t) snprintf(ret_text + n, size - n, " %s%s",
                                       p->Privileges[i].Attributes & SE_PRIVILEGE_ENABLED ? "+"
                                                                                          : "",
                                       WIN_UTF8(name));
        }
}

/* A service gets the privileges that it asks for (fact 9.1.4). Wine gives it all. */
static void token_privileges(Step *s, HANDLE token) {
        SelftestPass pass = step_options(s)->pass;
        DWORD most = pass == SELFTEST_RELAY ? TOKEN_PRIVILEGES_RELAY : TOKEN_PRIVILEGES_HELPER;
        uint64_t began = step_clock();
        TOKEN_PRIVILEGES *p = token_get(token, TokenPrivileges);
        DWORD error = p ? ERROR_SUCCESS : GetLastError();
        char text[SELFTEST_TEXT_MAX - 40] = "";

        if (p)
                token_privileges_text(p, text, sizeof(text));
        step_line(s, "token.privileges", "GetTokenInformation", error, began,
                  "privileges: %lu (+ is enabled):%s", p ? p->PrivilegeCount : 0, text);
        if (p && pass != SELFTEST_USER)
                step_line(s, "token.trimmed", "", p->PrivilegeCount > most, began,
                          "the service has no other privileges than those it names: %s",
                          p->PrivilegeCount > most ? "no" : "yes");
        free(p);
}

static void token_sddl(Step *s, const char *key, SE_OBJECT_TYPE type, const wchar_t *name) {
        const SECURITY_INFORMATION what = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
        PSECURITY_DESCRIPTOR descriptor = NULL;
        uint64_t began = step_clock();
        wchar_t *text = NULL;
        DWORD error = GetNamedSecurityInfoW((wchar_t *) (uintptr_t) name, type, what, NULL, NULL,
                                            NULL, NULL, &descriptor);

        if (error == ERROR_SUCCESS && !ConvertSecurityDescriptorToStringSecurityDescriptorW(
                                              descriptor, SDDL_REVISION_1, what, &text, NULL))
                error = GetLastError();
        step_line(s, key, "GetNamedSecurityInfoW", error, began, "%s %s", WIN_UTF8(name),
                  text ? WIN_UTF8(text) : "");
        (void) LocalFree(text);
        (void) LocalFree(descriptor);
}

void step_token(Step *s) {
        uint64_t began = step_clock();
        wchar_t folder[PATHS_MAX];
        HANDLE token;

        if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) {
                step_line(s, "token.user", "OpenProcessToken", GetLastError(), began, "-");
                return;
        }
        token_sid(s, token, TokenUser, "token.user", "user");
        token_groups(s, token, TokenGroups, "token.groups", "groups");
        token_groups(s, token, TokenRestrictedSids, "token.restricted", "SIDs that restrict it");
        token_privileges(s, token);
        token_sid(s, token, TokenIntegrityLevel, "token.integrity", "integrity");
        (void) CloseHandle(token);
        token_sddl(s, "access.service", SE_SERVICE, SERVICE_NAME);
        token_sddl(s, "access.settings", SE_REGISTRY_KEY, L"MACHINE\\" PATHS_KEY_SETTINGS);
        token_sddl(s, "access.keys", SE_REGISTRY_KEY, L"MACHINE\\" KEY_STORE_PATH);
        token_sddl(s, "access.rules", SE_REGISTRY_KEY, L"MACHINE\\" RULE_STORE_PORTPROXY);
        if (paths_data(NULL, folder) == 0)
                token_sddl(s, "access.folder", SE_FILE_OBJECT, folder);
}
