/* SPDX-License-Identifier: MIT */

/*
 * Creating keys, folders and files with a security descriptor, also where something exists that
 * another user may have made.
 */

#include "windows-helper/win/secure.h"
#include "windows-helper/win/log.h"

#include <errno.h>
#include <sddl.h>

/* Return: a descriptor to be freed with LocalFree(), or NULL (logged). */
static PSECURITY_DESCRIPTOR secure_descriptor(const wchar_t *sddl) {
        PSECURITY_DESCRIPTOR d = NULL;

        if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl, SDDL_REVISION_1, &d, NULL))
                (void) log_win_error(GetLastError(), "Cannot make a security descriptor");
        return d;
}

int secure_key(const wchar_t *path, const wchar_t *sddl) {
        SECURITY_ATTRIBUTES attributes = {.nLength = sizeof(attributes)};
        LSTATUS error;
        HKEY key;

        attributes.lpSecurityDescriptor = secure_descriptor(sddl);
        if (!attributes.lpSecurityDescriptor)
                return -EIO;
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
                return log_win_error((DWORD) error, "Cannot protect key 'HKLM\\%ls'", path);
        return 0;
}

/*
 * Take over a folder that exists where ours belongs. Every user can make folders in ProgramData, so
 * it may be anybody's (fact 9.2.1). Its owner and rights are replaced through the handle with which
 * it was checked, so that it cannot be exchanged in between. A link is left alone, because the
 * rights would go to the place that it leads to.
 */
static DWORD secure_take_folder(const wchar_t *path, PSECURITY_DESCRIPTOR descriptor) {
        BY_HANDLE_FILE_INFORMATION info;
        DWORD error = ERROR_SUCCESS;
        HANDLE folder;

        folder = CreateFileW(path, FILE_READ_ATTRIBUTES | WRITE_DAC | WRITE_OWNER,
                             FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                             OPEN_EXISTING,
                             FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
        if (folder == INVALID_HANDLE_VALUE)
                return GetLastError();
        if (!GetFileInformationByHandle(folder, &info))
                error = GetLastError();
        else if (info.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT)
                error = ERROR_REPARSE_TAG_INVALID;
        else if (!(info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY))
                error = ERROR_DIRECTORY;
        else if (!SetKernelObjectSecurity(folder,
                                          OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
                                          descriptor))
                error = GetLastError();
        (void) CloseHandle(folder);
        return error;
}

int secure_folder(const wchar_t *path, const wchar_t *sddl) {
        SECURITY_ATTRIBUTES attributes = {.nLength = sizeof(attributes)};
        DWORD error = ERROR_SUCCESS;

        attributes.lpSecurityDescriptor = secure_descriptor(sddl);
        if (!attributes.lpSecurityDescriptor)
                return -EIO;
        if (!CreateDirectoryW(path, &attributes)) {
                error = GetLastError();
                if (error == ERROR_ALREADY_EXISTS)
                        error = secure_take_folder(path, attributes.lpSecurityDescriptor);
        }
        (void) LocalFree(attributes.lpSecurityDescriptor);
        if (error == ERROR_REPARSE_TAG_INVALID || error == ERROR_DIRECTORY) {
                log_write(LOG_LEVEL_ERROR,
                          "'%ls' is a file or a link to another place, but must be a folder; find "
                          "out who made it, and remove it",
                          path);
                return -ENOTDIR;
        }
        if (error != ERROR_SUCCESS)
                return log_win_error(error, "Cannot create folder '%ls'", path);
        return 0;
}

int secure_file(const wchar_t *path, const wchar_t *sddl, DWORD share, HANDLE *ret_file) {
        SECURITY_ATTRIBUTES attributes = {.nLength = sizeof(attributes)};
        DWORD error = ERROR_SUCCESS;
        HANDLE file;

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
                return log_win_error(error, "Cannot create file '%ls'", path);
        }
        *ret_file = file;
        return 0;
}
