/* SPDX-License-Identifier: MIT */

/*
 * A folder that another user has made where ours belongs, and has perhaps closed, with the calls to
 * Windows replaced: Wine checks no rights of files. Each case prints a line.
 */

#include "windows-helper/win/win.h"

#include <aclapi.h>
#include <stdbool.h>

/* The real functions belong to Windows' headers, so the code under test is given other names. */
#define AdjustTokenPrivileges   fake_adjust
#define CreateDirectoryW        fake_create_directory
#define CreateFileW             fake_create_file
#define GetNamedSecurityInfoW   fake_security_info
#define GetSecurityInfo         fake_owner
#define LookupAccountSidW       fake_account
#define MoveFileExW             fake_move
#define RegCreateKeyExW         fake_create_key
#define RegSetKeySecurity       fake_protect_key
#define SetKernelObjectSecurity fake_protect

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

static DWORD WINAPI fake_owner(HANDLE folder, SE_OBJECT_TYPE type, SECURITY_INFORMATION what,
                               PSID *ret_owner, PSID *ret_group, PACL *ret_dacl, PACL *ret_sacl,
                               PSECURITY_DESCRIPTOR *ret_descriptor);
static BOOL WINAPI fake_move(LPCWSTR from, LPCWSTR to, DWORD flags);
static BOOL WINAPI fake_protect(HANDLE folder, SECURITY_INFORMATION what,
                                PSECURITY_DESCRIPTOR descriptor);

static LSTATUS WINAPI fake_create_key(HKEY root, LPCWSTR path, DWORD reserved, LPWSTR class,
                                      DWORD options, REGSAM access,
                                      const LPSECURITY_ATTRIBUTES attributes, PHKEY ret_key,
                                      LPDWORD ret_what);
static LSTATUS WINAPI fake_protect_key(HKEY key, SECURITY_INFORMATION what,
                                       PSECURITY_DESCRIPTOR descriptor);

#include "windows-helper/win/secure.c"

#undef CreateFileW

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static struct {
        bool may;        /* the token has the privileges */
        bool owner_seen; /* Windows tells the owner */
        unsigned in_force, most;
        bool open; /* its owner has not closed it */
        WELL_KNOWN_SID_TYPE owner;
        DWORD move_error;
        unsigned again; /* so many times it is made again after it was moved */
        bool is_there;
        wchar_t aside[MAX_PATH];
        unsigned n_opened, n_moved, n_taken, n_made;
        char text[1024];
        unsigned n_keys; /* that were made */
        wchar_t keys[4][MAX_PATH];
        bool closed[4]; /* with a descriptor */
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

/* Wine takes no notice of the descriptor. Windows gives it to each missing key above, too (fact
 * 9.2.15). */
static LSTATUS WINAPI fake_create_key(HKEY root, LPCWSTR path, DWORD reserved, LPWSTR class,
                                      DWORD options, REGSAM access,
                                      const LPSECURITY_ATTRIBUTES attributes, PHKEY ret_key,
                                      LPDWORD ret_what) {
        if (fake.n_keys == ARRAYSIZE(fake.keys))
                return ERROR_OUTOFMEMORY;
        fake.closed[fake.n_keys] = attributes != NULL;
        (void) lstrcpynW(fake.keys[fake.n_keys++], path, MAX_PATH);
        *ret_key = NULL;
        return ERROR_SUCCESS;
}

static LSTATUS WINAPI fake_protect_key(HKEY key, SECURITY_INFORMATION what,
                                       PSECURITY_DESCRIPTOR descriptor) {
        return ERROR_SUCCESS;
}

static BOOL WINAPI fake_create_directory(LPCWSTR path, LPSECURITY_ATTRIBUTES attributes) {
        SetLastError(ERROR_ALREADY_EXISTS);
        if (fake.is_there)
                return FALSE;
        fake.is_there = true;
        fake.n_made++;
        return TRUE;
}

static BOOL WINAPI fake_move(LPCWSTR from, LPCWSTR to, DWORD flags) {
        SetLastError(fake.move_error);
        if (fake.move_error != ERROR_SUCCESS &&
            !(fake.move_error == ERROR_ACCESS_DENIED && fake.in_force == 3))
                return FALSE;
        (void) wcscpy(fake.aside, to);
        fake.n_moved++;
        fake.is_there = fake.again > 0;
        fake.again -= fake.again > 0;
        return TRUE;
}

static DWORD WINAPI fake_owner(HANDLE folder, SE_OBJECT_TYPE type, SECURITY_INFORMATION what,
                               PSID *ret_owner, PSID *ret_group, PACL *ret_dacl, PACL *ret_sacl,
                               PSECURITY_DESCRIPTOR *ret_descriptor) {
        static BYTE sid[SECURITY_MAX_SID_SIZE];
        DWORD size = sizeof(sid);

        *ret_owner = sid;
        return CreateWellKnownSid(fake.owner, NULL, sid, &size) ? ERROR_SUCCESS : GetLastError();
}

static BOOL WINAPI fake_protect(HANDLE folder, SECURITY_INFORMATION what,
                                PSECURITY_DESCRIPTOR descriptor) {
        fake.n_taken++;
        return TRUE;
}

/* A folder whose owner has closed it. With the privileges it opens; here that is another folder. */
static HANDLE WINAPI fake_create_file(LPCWSTR path, DWORD access, DWORD share,
                                      LPSECURITY_ATTRIBUTES attributes, DWORD how, DWORD flags,
                                      HANDLE like) {
        wchar_t folder[MAX_PATH];

        if (!fake.open && fake.in_force < 3) {
                SetLastError(ERROR_ACCESS_DENIED);
                return INVALID_HANDLE_VALUE;
        }
        fake.n_opened++;
        (void) GetTempPathW(MAX_PATH, folder);
        return CreateFileW(folder, FILE_READ_ATTRIBUTES, share, attributes, how, flags, like);
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

bool log_may(LogLimit *limit) {
        return true;
}

int log_win_error(DWORD error, const char *format, ...) {
        va_list args;

        va_start(args, format);
        (void) vsnprintf(fake.text, sizeof(fake.text), format, args);
        va_end(args);
        return win_errno(error);
}

#define OURS L"C:\\ProgramData\\wslbridge"

static int again(void) {
        fake.in_force = fake.most = fake.n_opened = 0;
        return secure_folder(OURS, SECURE_PUBLIC_FILE);
}

static int take(bool may, bool owner_seen) {
        memset(&fake, 0, sizeof(fake));
        fake.may = may;
        fake.owner_seen = owner_seen;
        fake.owner = WinBuiltinUsersSid;
        fake.is_there = true;
        fake.move_error = ERROR_ACCESS_DENIED; /* without the privileges */
        return again();
}

/* One that its owner has left open. */
static int take_open(WELL_KNOWN_SID_TYPE owner, DWORD move_error, unsigned made_again) {
        memset(&fake, 0, sizeof(fake));
        fake.open = fake.is_there = fake.owner_seen = true;
        fake.owner = owner;
        fake.move_error = move_error;
        fake.again = made_again;
        return again();
}

/* Whoever has opened the folder keeps what he may do with it, so that it cannot become ours. */
static void test_another_users(void) {
        check("an administrator gets a folder of his own", take(true, true) == 0);
        check("which is a new one", fake.n_made == 1 && fake.n_taken == 0);
        check("the other is kept under another name",
              fake.n_moved == 1 && wcsncmp(fake.aside, OURS L".", wcslen(OURS) + 1) == 0);
        check("which is said, with its owner",
              strstr(fake.text, "made by DESKTOP\\mia") && strstr(fake.text, ".foreign'"));
        check("with all three privileges", fake.most == 3 && fake.n_opened == 1);
        check("which are not in force afterwards", fake.in_force == 0);
        check("one that is open needs none", take_open(WinBuiltinUsersSid, ERROR_SUCCESS, 0) == 0 &&
                                                     fake.most == 0 && fake.n_made == 1 &&
                                                     fake.n_taken == 0);
        check("one that is made again at once goes, too",
              take_open(WinBuiltinUsersSid, ERROR_SUCCESS, 2) == 0 && fake.n_moved == 3 &&
                      fake.n_made == 1);
        check("but not without end",
              take_open(WinBuiltinUsersSid, ERROR_SUCCESS, 1000) < 0 && fake.n_taken == 0);
        check("one that somebody holds is an error",
              take_open(WinBuiltinUsersSid, ERROR_SHARING_VIOLATION, 0) < 0 && fake.n_taken == 0 &&
                      strstr(fake.text, "has it open"));
}

static void test_ours(void) {
        check("one of the administrators is taken over",
              take_open(WinBuiltinAdministratorsSid, ERROR_SUCCESS, 0) == 0 && fake.n_taken == 1 &&
                      fake.n_moved == 0);
        check("and one of the system", take_open(WinLocalSystemSid, ERROR_SUCCESS, 0) == 0 &&
                                               fake.n_taken == 1 && fake.n_moved == 0);
}

static void test_refused(void) {
        check("the service is refused", take(false, true) == -EACCES);
        check("the message names the owner", strstr(fake.text, "DESKTOP\\mia") != NULL);
        check("and what to do", strstr(fake.text, "wslbridge-helper install") != NULL);
        check("also when Windows does not tell the owner",
              take(false, false) == -EACCES && strstr(fake.text, "another user"));
}

static void test_missing_parent(void) {
        static const wchar_t secret[] = L"SOFTWARE\\wslbridge-test\\Keys";

        memset(&fake, 0, sizeof(fake));
        check("a key with a secret is made", secure_key(secret, SECURE_SECRET_KEY) == 0);
        check("that others cannot read", wcscmp(fake.keys[1], secret) == 0 && fake.closed[1]);
        check("below one that is as always",
              wcscmp(fake.keys[0], L"SOFTWARE\\wslbridge-test") == 0 && !fake.closed[0]);
        check("in two steps", fake.n_keys == 2);
}

int main(void) {
        test_another_users();
        test_ours();
        test_refused();
        test_missing_parent();
        printf("%d failed\n", n_failed);
        return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
