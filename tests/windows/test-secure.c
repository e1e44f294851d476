/* SPDX-License-Identifier: MIT */

/*
 * Taking over a folder that another user has made and closed, with the calls to Windows replaced:
 * Wine checks no rights of files. Each case prints a line.
 */

#include "windows-helper/win/win.h"

#include <aclapi.h>
#include <stdbool.h>

/* The real functions belong to Windows' headers, so the code under test is given other names. */
#define AdjustTokenPrivileges fake_adjust
#define CreateDirectoryW      fake_create_directory
#define CreateFileW           fake_create_file
#define GetNamedSecurityInfoW fake_security_info
#define LookupAccountSidW     fake_account

static BOOL WINAPI fake_adjust(HANDLE token, BOOL none, PTOKEN_PRIVILEGES wanted, DWORD size,
                               PTOKEN_PRIVILEGES before, PDWORD ret_size);
static BOOL WINAPI fake_create_directory(LPCWSTR path, LPSECURITY_ATTRIBUTES attributes);
static HANDLE WINAPI fake_create_file(LPCWSTR path, DWORD access, DWORD share,
                                      LPSECURITY_ATTRIBUTES attributes, DWORD how, DWORD flags,
                                      HANDLE like);
static DWORD WINAPI fake_security_info(LPCWSTR name, SE_OBJECT_TYPE type, SECURITY_INFORMATION what,
                                       PSID *ret_owner, PSID *ret_group, PACL *ret_dacl,
                                       PACL *ret_sacl, PSECURITY_DESCRIPTOR *ret_descriptor);
static BOOL WINAPI fake_account(LPCWSTR system, PSID sid, LPWSTR ret_name, LPDWORD n_name,
                                LPWSTR ret_domain, LPDWORD n_domain, PSID_NAME_USE ret_use);

#include "windows-helper/win/secure.c"

#undef CreateFileW

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static struct {
        bool may;        /* the token has the privileges */
        bool owner_seen; /* Windows tells the owner */
        unsigned in_force, most;
        unsigned n_opened;
        char text[1024];
} fake;

static int n_failed;

static void check(const char *what, bool good) {
        printf("%s %s\n", good ? "ok" : "FAILED", what);
        n_failed += !good;
}

static BOOL WINAPI fake_adjust(HANDLE token, BOOL none, PTOKEN_PRIVILEGES wanted, DWORD size,
                               PTOKEN_PRIVILEGES before, PDWORD ret_size) {
        SetLastError(fake.may ? ERROR_SUCCESS : ERROR_NOT_ALL_ASSIGNED);
        if (!fake.may)
                return TRUE; /* as Windows does */
        if (wanted->Privileges[0].Attributes & SE_PRIVILEGE_ENABLED)
                fake.in_force++;
        else
                fake.in_force--;
        fake.most = max(fake.most, fake.in_force);
        return TRUE;
}

static BOOL WINAPI fake_create_directory(LPCWSTR path, LPSECURITY_ATTRIBUTES attributes) {
        SetLastError(ERROR_ALREADY_EXISTS);
        return FALSE;
}

/* A folder whose owner has closed it. With the privileges it opens; here that is another folder. */
static HANDLE WINAPI fake_create_file(LPCWSTR path, DWORD access, DWORD share,
                                      LPSECURITY_ATTRIBUTES attributes, DWORD how, DWORD flags,
                                      HANDLE like) {
        wchar_t folder[MAX_PATH];

        if (fake.in_force < 3) {
                SetLastError(ERROR_ACCESS_DENIED);
                return INVALID_HANDLE_VALUE;
        }
        fake.n_opened++;
        (void) GetTempPathW(MAX_PATH, folder);
        return CreateFileW(folder, FILE_READ_ATTRIBUTES | WRITE_DAC | WRITE_OWNER, share,
                           attributes, how, flags, like);
}

static DWORD WINAPI fake_security_info(LPCWSTR name, SE_OBJECT_TYPE type, SECURITY_INFORMATION what,
                                       PSID *ret_owner, PSID *ret_group, PACL *ret_dacl,
                                       PACL *ret_sacl, PSECURITY_DESCRIPTOR *ret_descriptor) {
        return fake.owner_seen ? ERROR_SUCCESS : ERROR_ACCESS_DENIED;
}

static BOOL WINAPI fake_account(LPCWSTR system, PSID sid, LPWSTR ret_name, LPDWORD n_name,
                                LPWSTR ret_domain, LPDWORD n_domain, PSID_NAME_USE ret_use) {
        (void) wcscpy(ret_name, L"mia");
        (void) wcscpy(ret_domain, L"DESKTOP");
        return TRUE;
}

void log_write(LogLevel level, const char *format, ...) {
        va_list args;

        va_start(args, format);
        (void) vsnprintf(fake.text, sizeof(fake.text), format, args);
        va_end(args);
}

int log_win_error(DWORD error, const char *format, ...) {
        va_list args;

        va_start(args, format);
        (void) vsnprintf(fake.text, sizeof(fake.text), format, args);
        va_end(args);
        return win_errno(error);
}

static int take(bool may, bool owner_seen) {
        memset(&fake, 0, sizeof(fake));
        fake.may = may;
        fake.owner_seen = owner_seen;
        return secure_folder(L"C:\\ProgramData\\wslbridge", SECURE_PUBLIC_FILE);
}

int main(void) {
        check("an administrator takes the folder over", take(true, true) == 0);
        check("with all three privileges, at once", fake.most == 3 && fake.n_opened == 1);
        check("which are not in force afterwards", fake.in_force == 0);
        check("the service is refused", take(false, true) == -EACCES);
        check("the message names the owner", strstr(fake.text, "DESKTOP\\mia") != NULL);
        check("and what to do", strstr(fake.text, "wslbridge-helper install") != NULL);
        check("also when Windows does not tell the owner",
              take(false, false) == -EACCES && strstr(fake.text, "another user"));
        printf("%d failed\n", n_failed);
        return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
