/* SPDX-License-Identifier: MIT */

/*
 * Creating keys, folders and files with a security descriptor, also where something exists that
 * another user may have made.
 */

#include "windows-helper/win/secure.h"
#include "windows-helper/win/log.h"

#include <aclapi.h>
#include <errno.h>
#include <sddl.h>
#include <stdbool.h>
#include <stdio.h>

#define SECURE_NAME_MAX  256 /* characters */
#define SECURE_OWNER_MAX (2 * SECURE_NAME_MAX)
#define SECURE_PATH_MAX  512 /* characters */
#define SECURE_TRIES     5   /* somebody may make the folder again */

/* Return: a descriptor to be freed with LocalFree(), or NULL (logged). */
static PSECURITY_DESCRIPTOR secure_descriptor(const wchar_t *sddl) {
        PSECURITY_DESCRIPTOR d = NULL;

        if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl, SDDL_REVISION_1, &d, NULL))
                (void) log_win_error(GetLastError(), "Cannot make a security descriptor");
        return d;
}

/* With the descriptor of the key itself, Windows would make those that are missing above it, and
 * all that is made in them later would inherit that (fact 9.2.15). Errors are those of the key. */
static void secure_key_above(const wchar_t *path) {
        wchar_t above[SECURE_NAME_MAX];
        const wchar_t *end = wcsrchr(path, L'\\');
        HKEY key;

        (void) lstrcpynW(above, path, (int) min(end - path + 1, SECURE_NAME_MAX));
        if (RegCreateKeyExW(HKEY_LOCAL_MACHINE, above, 0, NULL, REG_OPTION_NON_VOLATILE,
                            KEY_QUERY_VALUE, NULL, &key, NULL) == ERROR_SUCCESS)
                (void) RegCloseKey(key);
}

int secure_key(const wchar_t *path, const wchar_t *sddl) {
        SECURITY_ATTRIBUTES attributes = {.nLength = sizeof(attributes)};
        LSTATUS error;
        HKEY key;

        attributes.lpSecurityDescriptor = secure_descriptor(sddl);
        if (!attributes.lpSecurityDescriptor)
                return -EIO;
        secure_key_above(path);
        error = RegCreateKeyExW(HKEY_LOCAL_MACHINE, path, 0, NULL, REG_OPTION_NON_VOLATILE,
                                WRITE_DAC, &attributes, &key, NULL);
        if (error == ERROR_SUCCESS) {
                /* A key that existed has kept its own descriptor. */
                error = RegSetKeySecurity(key, DACL_SECURITY_INFORMATION,
                                          attributes.lpSecurityDescriptor);
                (void) RegCloseKey(key);
        }
        (void) LocalFree(attributes.lpSecurityDescriptor);
        if (error != ERROR_SUCCESS)
                return log_win_error((DWORD) error, "Cannot protect key 'HKLM\\%s'",
                                     WIN_UTF8(path));
        return 0;
}

/* With these, an administrator opens and owns any file, whatever its rights say (fact 9.2.8). The
 * tokens of administrators have them, but not in force; that of our service has none. */
static const wchar_t *const secure_privileges[] = {SE_BACKUP_NAME, SE_RESTORE_NAME,
                                                   SE_TAKE_OWNERSHIP_NAME};

static void secure_use_privileges(bool use) {
        TOKEN_PRIVILEGES wanted = {.PrivilegeCount = 1};
        HANDLE token;

        if (!OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES, &token))
                return;
        wanted.Privileges[0].Attributes = use ? SE_PRIVILEGE_ENABLED : 0;
        for (size_t i = 0; i < ARRAYSIZE(secure_privileges); i++)
                if (LookupPrivilegeValueW(NULL, secure_privileges[i], &wanted.Privileges[0].Luid))
                        (void) AdjustTokenPrivileges(token, FALSE, &wanted, 0, NULL, NULL);
        (void) CloseHandle(token);
}

/* Return: the folder itself, not what a link leads to; or INVALID_HANDLE_VALUE. */
static HANDLE secure_open_folder(const wchar_t *path, DWORD access) {
        return CreateFileW(path, access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                           NULL, OPEN_EXISTING,
                           FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
}

/* Open with the privileges if it is refused without. */
static HANDLE secure_open_any_folder(const wchar_t *path, DWORD access) {
        HANDLE folder = secure_open_folder(path, access);
        DWORD error;

        if (folder != INVALID_HANDLE_VALUE || GetLastError() != ERROR_ACCESS_DENIED)
                return folder;
        secure_use_privileges(true);
        folder = secure_open_folder(path, access);
        error = GetLastError();
        secure_use_privileges(false);
        SetLastError(error);
        return folder;
}

static bool secure_is_self(PSID sid) {
        BYTE bytes[SECURITY_MAX_SID_SIZE + sizeof(TOKEN_USER)];
        TOKEN_USER *user = (TOKEN_USER *) (void *) bytes;
        HANDLE token;
        bool same;
        DWORD n;

        if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
                return false;
        same = GetTokenInformation(token, TokenUser, bytes, sizeof(bytes), &n) &&
               EqualSid(sid, user->User.Sid);
        (void) CloseHandle(token);
        return same;
}

/* Whether a folder belongs to somebody who may do everything anyway. No user can give a file to
 * these (fact 9.2.10). */
static bool secure_is_trusted(HANDLE folder) {
        PSECURITY_DESCRIPTOR descriptor = NULL;
        PSID owner = NULL;
        bool trusted;

        if (GetSecurityInfo(folder, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, &owner, NULL, NULL,
                            NULL, &descriptor) != ERROR_SUCCESS)
                return false;
        trusted = owner &&
                  (IsWellKnownSid(owner, WinLocalSystemSid) ||
                   IsWellKnownSid(owner, WinBuiltinAdministratorsSid) || secure_is_self(owner));
        (void) LocalFree(descriptor);
        return trusted;
}

/* Return: the error; ERROR_INVALID_OWNER when the folder is another user's. */
static DWORD secure_take_opened(HANDLE folder, PSECURITY_DESCRIPTOR descriptor) {
        BY_HANDLE_FILE_INFORMATION info;

        if (!GetFileInformationByHandle(folder, &info))
                return GetLastError();
        if (info.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT)
                return ERROR_REPARSE_TAG_INVALID;
        if (!(info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY))
                return ERROR_DIRECTORY;
        if (!secure_is_trusted(folder))
                return ERROR_INVALID_OWNER;
        return SetKernelObjectSecurity(
                       folder, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, descriptor)
                       ? ERROR_SUCCESS
                       : GetLastError();
}

/*
 * Take over a folder that exists where ours belongs. Its owner and rights are replaced through the
 * handle with which it was checked, so that it cannot be exchanged in between. A link is left
 * alone, because the rights would go to the place that it leads to.
 */
static DWORD secure_take_folder(const wchar_t *path, PSECURITY_DESCRIPTOR descriptor) {
        HANDLE folder = secure_open_any_folder(path, FILE_READ_ATTRIBUTES | READ_CONTROL |
                                                             WRITE_DAC | WRITE_OWNER);
        DWORD error;

        if (folder == INVALID_HANDLE_VALUE)
                return GetLastError();
        error = secure_take_opened(folder, descriptor);
        (void) CloseHandle(folder);
        return error;
}

/* "DESKTOP\\mia", for a message; "another user" when Windows does not say. */
static void secure_owner(const wchar_t *path, wchar_t ret_owner[SECURE_OWNER_MAX]) {
        wchar_t name[SECURE_NAME_MAX], domain[SECURE_NAME_MAX];
        DWORD n_name = SECURE_NAME_MAX, n_domain = SECURE_NAME_MAX;
        PSECURITY_DESCRIPTOR descriptor = NULL;
        PSID owner = NULL;
        SID_NAME_USE use;

        (void) wcscpy(ret_owner, L"another user");
        if (GetNamedSecurityInfoW(path, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, &owner, NULL,
                                  NULL, NULL, &descriptor) == ERROR_SUCCESS &&
            LookupAccountSidW(NULL, owner, name, &n_name, domain, &n_domain, &use))
                (void) win_format(ret_owner, SECURE_OWNER_MAX, L"%ls\\%ls", domain, name);
        (void) LocalFree(descriptor);
}

static int secure_folder_error(const wchar_t *path, DWORD error) {
        wchar_t owner[SECURE_OWNER_MAX];

        if (error == ERROR_REPARSE_TAG_INVALID || error == ERROR_DIRECTORY) {
                log_write(LOG_LEVEL_ERROR,
                          "'%s' is a file or a link to another place, but must be a folder; find "
                          "out who made it, and remove it",
                          WIN_UTF8(path));
                return -ENOTDIR;
        }
        secure_owner(path, owner);
        if (error == ERROR_SHARING_VIOLATION)
                return log_win_error(error,
                                     "'%s' belongs to %s, and a program has it open. Close that "
                                     "program or restart Windows, and try again",
                                     WIN_UTF8(path), WIN_UTF8(owner));
        if (error != ERROR_ACCESS_DENIED)
                return log_win_error(error, "Cannot create folder '%s'", WIN_UTF8(path));
        return log_win_error(error,
                             "'%s' exists, belongs to %s and is closed to wslbridge. Run "
                             "'wslbridge-helper install' in a terminal opened with 'Run as "
                             "administrator'. If that says the same, restart Windows before",
                             WIN_UTF8(path), WIN_UTF8(owner));
}

/*
 * Every user can make folders in ProgramData, so ours may be there already, made by anybody, and
 * may refuse everybody else (fact 9.2.1). Another user's is not taken over: a handle that he has
 * opened before keeps its rights, whatever becomes of the folder's (fact 9.2.10). It gets another
 * name, and is his under that one.
 */
static DWORD secure_put_aside(const wchar_t *path) {
        wchar_t aside[SECURE_PATH_MAX], owner[SECURE_OWNER_MAX];
        DWORD error = ERROR_SUCCESS;
        FILETIME now;
        int n;

        GetSystemTimePreciseAsFileTime(&now); /* a name that nobody has guessed */
        n = win_format(aside, SECURE_PATH_MAX, L"%ls.%08lx%08lx.foreign", path, now.dwHighDateTime,
                       now.dwLowDateTime);
        if (n < 0 || n >= SECURE_PATH_MAX)
                return ERROR_FILENAME_EXCED_RANGE;
        secure_owner(path, owner);
        if (!MoveFileExW(path, aside, 0)) {
                error = GetLastError();
                if (error == ERROR_ACCESS_DENIED) {
                        secure_use_privileges(true);
                        error = MoveFileExW(path, aside, 0) ? ERROR_SUCCESS : GetLastError();
                        secure_use_privileges(false);
                }
        }
        if (error != ERROR_SUCCESS)
                return error;
        log_write(LOG_LEVEL_WARNING,
                  "'%s' was made by %s. It has the name '%s' now, because wslbridge needs "
                  "a folder of its own; remove it if nobody needs it",
                  WIN_UTF8(path), WIN_UTF8(owner), WIN_UTF8(aside));
        return ERROR_RETRY;
}

/* Return: the error; ERROR_RETRY when the way is free now, though somebody may be faster. */
static DWORD secure_make_folder(const wchar_t *path, SECURITY_ATTRIBUTES *attributes) {
        DWORD error = CreateDirectoryW(path, attributes) ? ERROR_SUCCESS : GetLastError();

        if (error == ERROR_ALREADY_EXISTS)
                error = secure_take_folder(path, attributes->lpSecurityDescriptor);
        if (error == ERROR_INVALID_OWNER)
                error = secure_put_aside(path);
        return error;
}

int secure_folder(const wchar_t *path, const wchar_t *sddl) {
        SECURITY_ATTRIBUTES attributes = {.nLength = sizeof(attributes)};
        DWORD error = ERROR_RETRY;

        attributes.lpSecurityDescriptor = secure_descriptor(sddl);
        if (!attributes.lpSecurityDescriptor)
                return -EIO;
        for (int i = 0; i < SECURE_TRIES && error == ERROR_RETRY; i++)
                error = secure_make_folder(path, &attributes);
        (void) LocalFree(attributes.lpSecurityDescriptor);
        return error == ERROR_SUCCESS ? 0 : secure_folder_error(path, error);
}

/* Of lines about files: the status file is replaced at each change of a guest. */
static LogLimit secure_limit;

/* An empty one is removed. */
static bool secure_is_folder(const wchar_t *path) {
        DWORD attributes = GetFileAttributesW(path);

        return attributes != INVALID_FILE_ATTRIBUTES && attributes & FILE_ATTRIBUTE_DIRECTORY &&
               !RemoveDirectoryW(path);
}

int secure_file(const wchar_t *path, const wchar_t *sddl, DWORD share, HANDLE *ret_file) {
        SECURITY_ATTRIBUTES attributes = {.nLength = sizeof(attributes)};
        DWORD error = ERROR_SUCCESS;
        HANDLE file;

        if (secure_is_folder(path))
                return -EISDIR;
        attributes.lpSecurityDescriptor = secure_descriptor(sddl);
        if (!attributes.lpSecurityDescriptor)
                return -EIO;
        /* CREATE_ALWAYS would keep the owner and the rights of a file that exists, and would follow
         * a link. */
        if (!DeleteFileW(path) && GetLastError() == ERROR_SHARING_VIOLATION)
                error = ERROR_SHARING_VIOLATION;
        file = INVALID_HANDLE_VALUE;
        if (error == ERROR_SUCCESS) {
                file = CreateFileW(path, GENERIC_READ | GENERIC_WRITE, share, &attributes,
                                   CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL);
                error = GetLastError();
        }
        (void) LocalFree(attributes.lpSecurityDescriptor);
        if (file == INVALID_HANDLE_VALUE) {
                /* Another process has it open, has just created it, or is about to close it. */
                if (error == ERROR_SHARING_VIOLATION || error == ERROR_FILE_EXISTS)
                        return -EBUSY;
                if (log_may(&secure_limit))
                        (void) log_win_error(error, "Cannot create file '%s'", WIN_UTF8(path));
                return win_errno(error);
        }
        *ret_file = file;
        return 0;
}
