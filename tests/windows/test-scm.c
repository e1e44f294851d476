/* SPDX-License-Identifier: MIT */

/*
 * What we ask of the service manager, with its calls replaced: Wine keeps no security descriptor of
 * a service. Each case prints a line.
 */

#include "windows-helper/win/win.h"

#include <stdbool.h>

#define ChangeServiceConfig2W    fake_change2
#define ChangeServiceConfigW     fake_change
#define CreateServiceW           fake_create
#define OpenSCManagerW           fake_manager
#define OpenServiceW             fake_open
#define CloseServiceHandle       fake_close
#define SetServiceObjectSecurity fake_protect

static BOOL WINAPI fake_change2(SC_HANDLE service, DWORD level, LPVOID info);
static BOOL WINAPI fake_change(SC_HANDLE service, DWORD type, DWORD start, DWORD control,
                               LPCWSTR path, LPCWSTR group, LPDWORD tag, LPCWSTR needs,
                               LPCWSTR user, LPCWSTR password, LPCWSTR title);
static SC_HANDLE WINAPI fake_create(SC_HANDLE manager, LPCWSTR name, LPCWSTR title, DWORD access,
                                    DWORD type, DWORD start, DWORD control, LPCWSTR path,
                                    LPCWSTR group, LPDWORD tag, LPCWSTR needs, LPCWSTR user,
                                    LPCWSTR password);
static SC_HANDLE WINAPI fake_manager(LPCWSTR machine, LPCWSTR database, DWORD access);
static SC_HANDLE WINAPI fake_open(SC_HANDLE manager, LPCWSTR name, DWORD access);
static BOOL WINAPI fake_close(SC_HANDLE handle);
static BOOL WINAPI fake_protect(SC_HANDLE service, SECURITY_INFORMATION what,
                                PSECURITY_DESCRIPTOR descriptor);

#include "windows-helper/install/scm-config.c"
#include "windows-helper/install/scm.c"

#include <stdio.h>
#include <string.h>

#define HANDLE_OF(n) ((SC_HANDLE) (uintptr_t) (n))

static struct {
        bool exists, refuse;
        DWORD access;                                /* asked for the service */
        const wchar_t *needs;                        /* dependencies; points to what was passed */
        unsigned n_needs, n_protect, n_change;       /* calls */
        DWORD system, administrators, users, others; /* what the descriptor allows */
} fake;

static int n_failed;

static void check(const char *what, bool good) {
        printf("%s %s\n", good ? "ok" : "FAILED", what);
        n_failed += !good;
}

static SC_HANDLE WINAPI fake_manager(LPCWSTR machine, LPCWSTR database, DWORD access) {
        return HANDLE_OF(1);
}

static SC_HANDLE WINAPI fake_open(SC_HANDLE manager, LPCWSTR name, DWORD access) {
        fake.access = access;
        return HANDLE_OF(2);
}

static BOOL WINAPI fake_close(SC_HANDLE handle) {
        return TRUE;
}

static void fake_note(LPCWSTR needs) {
        fake.needs = needs;
        fake.n_needs++;
}

static SC_HANDLE WINAPI fake_create(SC_HANDLE manager, LPCWSTR name, LPCWSTR title, DWORD access,
                                    DWORD type, DWORD start, DWORD control, LPCWSTR path,
                                    LPCWSTR group, LPDWORD tag, LPCWSTR needs, LPCWSTR user,
                                    LPCWSTR password) {
        fake_note(needs);
        fake.access = access;
        SetLastError(ERROR_SERVICE_EXISTS);
        return fake.exists ? NULL : HANDLE_OF(2);
}

static BOOL WINAPI fake_change(SC_HANDLE service, DWORD type, DWORD start, DWORD control,
                               LPCWSTR path, LPCWSTR group, LPDWORD tag, LPCWSTR needs,
                               LPCWSTR user, LPCWSTR password, LPCWSTR title) {
        fake_note(needs);
        return TRUE;
}

/* A restart may be ordered only with the right to start the service, which Wine does not check. */
static BOOL WINAPI fake_change2(SC_HANDLE service, DWORD level, LPVOID info) {
        if (level == SERVICE_CONFIG_FAILURE_ACTIONS && !(fake.access & SERVICE_START)) {
                SetLastError(ERROR_ACCESS_DENIED);
                return FALSE;
        }
        fake.n_change++;
        return TRUE;
}

/* Which of the fake's members an entry of the list is about. */
static DWORD *fake_whose(PSID sid) {
        static const WELL_KNOWN_SID_TYPE types[] = {WinLocalSystemSid, WinBuiltinAdministratorsSid,
                                                    WinAuthenticatedUserSid};
        DWORD *const members[] = {&fake.system, &fake.administrators, &fake.users};

        for (size_t i = 0; i < ARRAYSIZE(types); i++)
                if (IsWellKnownSid(sid, types[i]))
                        return members[i];
        return &fake.others;
}

static BOOL WINAPI fake_protect(SC_HANDLE service, SECURITY_INFORMATION what,
                                PSECURITY_DESCRIPTOR descriptor) {
        BOOL present = FALSE, defaulted;
        PACL list = NULL;

        fake.n_protect++;
        if (fake.refuse || what != DACL_SECURITY_INFORMATION ||
            !GetSecurityDescriptorDacl(descriptor, &present, &list, &defaulted) || !present ||
            !list) {
                SetLastError(ERROR_ACCESS_DENIED);
                return FALSE;
        }
        for (DWORD i = 0; i < list->AceCount; i++) {
                ACCESS_ALLOWED_ACE *ace = NULL;

                if (!GetAce(list, i, (void **) &ace) ||
                    ace->Header.AceType != ACCESS_ALLOWED_ACE_TYPE)
                        return FALSE;
                *fake_whose(&ace->SidStart) |= ace->Mask;
        }
        return TRUE;
}

void log_write(LogLevel level, const char *format, ...) {
}

int log_win_error(DWORD error, const char *format, ...) {
        return win_errno(error);
}

static int write_entry(bool exists, bool refuse) {
        memset(&fake, 0, sizeof(fake));
        fake.exists = exists;
        fake.refuse = refuse;
        return scm_write(L"x");
}

static void test_entry(bool exists) {
        const DWORD look = SERVICE_QUERY_CONFIG | SERVICE_QUERY_STATUS |
                           SERVICE_ENUMERATE_DEPENDENTS | SERVICE_INTERROGATE | READ_CONTROL;

        printf("# %s\n", exists ? "an update" : "a new service");
        check("it succeeds", write_entry(exists, false) == 0);
        /* NULL would mean: as they were. */
        check("no dependency, said as an empty list",
              fake.needs && fake.needs[0] == L'\0' && fake.needs[1] == L'\0');
        check("by all calls", fake.n_needs == (exists ? 2 : 1));
        check("all settings are accepted", fake.n_change == 7);
        check("the right to change the descriptor is asked for", fake.access & WRITE_DAC);
        check("the descriptor is set once", fake.n_protect == 1);
        check("SYSTEM and administrators may do everything",
              fake.system == SERVICE_ALL_ACCESS && fake.administrators == SERVICE_ALL_ACCESS);
        check("users may look and nothing else", fake.users == look);
        check("nobody else is named", fake.others == 0);
        check("a service that cannot be protected is an error", write_entry(exists, true) < 0);
}

static void test_restore(void) {
        QUERY_SERVICE_CONFIGW config = {.lpDependencies = NULL};
        ScmEntry entry = {.exists = true, .config = &config};
        static wchar_t before[] = L"iphlpsvc\0";

        memset(&fake, 0, sizeof(fake));
        check("an entry without a dependency is put back without one",
              scm_restore(&entry) == 0 && fake.needs && fake.needs[0] == L'\0');
        config.lpDependencies = before;
        check("and one with a dependency with it",
              scm_restore(&entry) == 0 && fake.needs == before);
}

int main(void) {
        test_entry(false);
        test_entry(true);
        test_restore();
        printf("%d failed\n", n_failed);
        return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
